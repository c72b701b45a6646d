// Appends integers and strings to a byte vector, in the form that ByteReader reads.

#pragma once

#include "shared/base/Bytes.h"

#include <string_view>

namespace tidewire {

/// Little-endian fixed integers, LEB128 varints (7 bits a byte, low bits first) and zigzag.
class ByteWriter
{
public:
    /// Appends to `out`, which must outlive this.
    explicit ByteWriter(Bytes& out): _out(out) {}

    void u8(std::uint8_t value) { _out.push_back(value); }
    void u16(std::uint16_t value) { fixed(value, 2); }
    void u32(std::uint32_t value) { fixed(value, 4); }
    void u64(std::uint64_t value) { fixed(value, 8); }

    /// 1 to 10 bytes.
    void varint(std::uint64_t value)
    {
        while (value >= 0x80)
        {
            _out.push_back(static_cast<std::uint8_t>(value | 0x80U));
            value >>= 7U;
        }
        _out.push_back(static_cast<std::uint8_t>(value));
    }

    /// A signed integer; small magnitudes take few bytes.
    void zigzag(std::int64_t value)
    {
        varint((static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63));
    }

    void raw(ByteView bytes) { _out.insert(_out.end(), bytes.begin(), bytes.end()); }

    /// A varint length, then the bytes.
    void string(std::string_view text)
    {
        varint(text.size());
        raw(asBytes(text));
    }

    void blob(ByteView bytes)
    {
        varint(bytes.size());
        raw(bytes);
    }

private:
    void fixed(std::uint64_t value, int count)
    {
        for (int i = 0; i < count; ++i)
        {
            _out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
        }
    }

    Bytes& _out;
};

} // namespace tidewire
