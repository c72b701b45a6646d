// Bounds-checked reads of what ByteWriter wrote; for bytes that may come from an enemy.

#pragma once

#include "shared/base/Bytes.h"

#include <algorithm>
#include <string_view>

namespace tidewire {

/// Reads from a view and never past it.
///
/// Errors: after the first bad read `ok()` is false, every further read gives zeros and empty
/// views, and the position stays. Nothing is thrown or allocated. Check `ok()` once at the end and
/// before a value decides how much memory is taken.
class ByteReader
{
public:
    /// Borrows `bytes`; views that are returned point into it.
    explicit ByteReader(ByteView bytes): _rest(bytes) {}

    [[nodiscard]] bool ok() const { return _ok; }
    [[nodiscard]] bool atEnd() const { return _rest.empty(); }
    [[nodiscard]] std::size_t remaining() const { return _rest.size(); }

    /// Marks the input as bad.
    void fail() { _ok = false; }

    std::uint8_t u8() { return static_cast<std::uint8_t>(fixed(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(fixed(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(fixed(4)); }
    std::uint64_t u64() { return fixed(8); }

    /// At most 10 bytes; a value that does not fit into 64 bits is an error.
    std::uint64_t varint()
    {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7)
        {
            const std::uint64_t byte = fixed(1);
            if (!_ok || (shift == 63 && byte > 1))
            {
                break;
            }
            value |= (byte & 0x7FU) << shift;
            if (byte < 0x80)
            {
                return value;
            }
        }
        _ok = false;
        return 0;
    }

    /// A varint that must not exceed `limit`.
    std::uint64_t varint(std::uint64_t limit)
    {
        const std::uint64_t value = varint();
        if (value > limit)
        {
            _ok = false;
            return 0;
        }
        return value;
    }

    std::int64_t zigzag()
    {
        const std::uint64_t value = varint();
        return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
    }

    ByteView raw(std::size_t count)
    {
        if (!_ok || count > _rest.size())
        {
            _ok = false;
            return {};
        }
        const ByteView result = _rest.first(count);
        _rest = _rest.subspan(count);
        return result;
    }

    /// A varint length of at most `limit`, then the bytes.
    ByteView blob(std::size_t limit) { return raw(static_cast<std::size_t>(varint(limit))); }
    std::string_view string(std::size_t limit) { return asText(blob(limit)); }

    /// Everything that is left.
    ByteView rest() { return raw(_rest.size()); }

private:
    std::uint64_t fixed(std::size_t count)
    {
        const ByteView bytes = raw(count);
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i)
        {
            value |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
        }
        return value;
    }

    ByteView _rest;
    bool _ok = true;
};

} // namespace tidewire
