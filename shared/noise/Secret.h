// Bytes that are wiped when they go: keys and what keys are made of.

#pragma once

#include "shared/base/Bytes.h"

#include <sodium.h>

#include <array>
#include <cstddef>

namespace tidewire {

/// `Size` secret bytes, zeros at first. What is moved from or destroyed is wiped.
template <std::size_t Size>
class Secret
{
public:
    Secret() = default;
    ~Secret() { wipe(); }
    Secret(const Secret&) = default;
    Secret& operator=(const Secret&) = default;
    Secret(Secret&& other) noexcept: _bytes(other._bytes) { other.wipe(); }
    Secret& operator=(Secret&& other) noexcept
    {
        if (this != &other)
        {
            _bytes = other._bytes;
            other.wipe();
        }
        return *this;
    }

    [[nodiscard]] std::uint8_t* data() { return _bytes.data(); }
    [[nodiscard]] const std::uint8_t* data() const { return _bytes.data(); }
    [[nodiscard]] static constexpr std::size_t size() { return Size; }
    [[nodiscard]] MutableByteView bytes() { return _bytes; }
    [[nodiscard]] ByteView bytes() const { return _bytes; }

private:
    // The compiler leaves this one in, unlike a memset of what is not read any more.
    void wipe() { ::sodium_memzero(_bytes.data(), _bytes.size()); }

    std::array<std::uint8_t, Size> _bytes{};
};

} // namespace tidewire
