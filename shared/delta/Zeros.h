// Zero bytes, for hashing what is not there.

#pragma once

#include "shared/base/Bytes.h"

#include <algorithm>
#include <array>

namespace tidewire {

inline constexpr std::array<std::uint8_t, 4096> kZeros{};

/// Calls `each` with views of zero bytes, `length` in all.
template <typename Each>
void forZeros(std::uint64_t length, Each&& each)
{
    while (length > 0)
    {
        const std::uint64_t count = std::min<std::uint64_t>(length, kZeros.size());
        each(ByteView(kZeros).first(static_cast<std::size_t>(count)));
        length -= count;
    }
}

} // namespace tidewire
