// Byte buffers: borrowed views and owned vectors.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire {

/// Owned bytes.
using Bytes = std::vector<std::uint8_t>;

/// Borrowed, read-only bytes; valid as long as their owner.
using ByteView = std::span<const std::uint8_t>;

/// Borrowed, writable bytes.
using MutableByteView = std::span<std::uint8_t>;

/// The bytes of `text`, borrowed.
inline ByteView asBytes(std::string_view text)
{
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// `bytes` as text, borrowed; the bytes need not be UTF-8.
inline std::string_view asText(ByteView bytes)
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The `length` bytes from `offset` on, which must lie within `bytes`. Operations count in 64 bits,
/// sizes in memory have 32 on some boards.
inline ByteView partOf(ByteView bytes, std::uint64_t offset, std::uint64_t length)
{
    return bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
}

} // namespace tidewire
