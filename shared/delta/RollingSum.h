// The weak checksum of a block, which can be moved along a file byte by byte.

#pragma once

#include "shared/base/Bytes.h"

#include <array>

namespace tidewire {

/// A polynomial (Rabin-Karp) hash modulo 2^32: of bytes b[0..n-1] it is
/// b[0] * M^n + b[1] * M^(n-1) + ... + b[n-1] * M.
///
/// All 32 bits are useful: against random blocks a false match has the odds of 2^-32, where rsync's
/// and bup's pair of byte sums keeps far less of that for short blocks and for text, whose sums
/// hardly vary. Zeros give 0. Two blocks that differ in one byte never collide, as M is odd. The
/// upper bits are the better ones: bit k depends on the bits up to k of the bytes only.
///
/// M is one of the multipliers for 32 bits in Steele and Vigna, "Computationally easy, spectrally
/// good multipliers for congruential pseudorandom number generators", 2021.
class RollingSum
{
public:
    static constexpr std::uint32_t kMultiplier = 0x93d765dd;

    /// For windows of `windowBytes`.
    explicit RollingSum(std::uint64_t windowBytes): _leaving(power(windowBytes)) {}

    /// The checksum of `bytes`, or of some other bytes with the checksum `before` and `bytes`
    /// behind them.
    [[nodiscard]] static std::uint32_t of(ByteView bytes, std::uint32_t before = 0);

    /// The checksum of bytes with the checksum `before` and `count` zeros behind them.
    [[nodiscard]] static std::uint32_t ofZeros(std::uint64_t count, std::uint32_t before)
    {
        return before * power(count);
    }

    /// The checksum of the window one byte further: without its first byte `out`, with `in` at its
    /// end.
    [[nodiscard]] std::uint32_t rotate(std::uint32_t sum, std::uint8_t out, std::uint8_t in) const
    {
        return (sum + entering(out, in)) * kMultiplier;
    }

    /// Two rotations: half the latency of doing one after the other.
    [[nodiscard]] std::uint32_t
    rotateTwice(std::uint32_t sum, const std::uint8_t* out, const std::uint8_t* in) const
    {
        return sum * (kMultiplier * kMultiplier) +
               (entering(out[0], in[0]) * kMultiplier + entering(out[1], in[1])) * kMultiplier;
    }

private:
    [[nodiscard]] std::uint32_t entering(std::uint8_t out, std::uint8_t in) const
    {
        return in - out * _leaving;
    }

    /// kMultiplier to the power of `exponent`.
    [[nodiscard]] static constexpr std::uint32_t power(std::uint64_t exponent)
    {
        std::uint32_t result = 1;
        for (std::uint32_t square = kMultiplier; exponent != 0; exponent >>= 1U, square *= square)
        {
            if ((exponent & 1U) != 0)
            {
                result *= square;
            }
        }
        return result;
    }

    /// Bytes that are summed up at once; the products of no more than 256 fit into 32 bits.
    static constexpr std::size_t kStretch = 128;

    /// The powers of kMultiplier in halves that make 32 bits when added: low + (high << 16).
    struct Halves
    {
        std::array<std::int16_t, kStretch> low{};
        std::array<std::int16_t, kStretch> high{};
    };
    static const Halves kPowers;

    std::uint32_t _leaving;
};

inline constexpr RollingSum::Halves RollingSum::kPowers = [] {
    Halves halves;
    for (std::size_t i = 0; i < kStretch; ++i)
    {
        const std::uint32_t whole = power(kStretch - i);
        const auto low = static_cast<std::int16_t>(whole & 0xffffU);
        // The low half may be negative: the high one makes up for it.
        const std::uint32_t rest = whole - static_cast<std::uint32_t>(std::int32_t{low});
        halves.low[i] = low;
        halves.high[i] = static_cast<std::int16_t>(rest >> 16U);
    }
    return halves;
}();

inline std::uint32_t RollingSum::of(ByteView bytes, std::uint32_t before)
{
    // Products of 16 bits, added up in pairs: what every vector unit has, unlike those of 32 bits.
    constexpr std::uint32_t kStep = power(kStretch);
    std::uint32_t sum = before;
    for (; bytes.size() >= kStretch; bytes = bytes.subspan(kStretch))
    {
        std::int32_t low = 0;
        std::int32_t high = 0;
        for (std::size_t i = 0; i < kStretch; ++i)
        {
            const std::int16_t byte = bytes[i];
            low += byte * kPowers.low[i];
            high += byte * kPowers.high[i];
        }
        sum = sum * kStep + static_cast<std::uint32_t>(low) +
              (static_cast<std::uint32_t>(high) << 16U);
    }
    for (const std::uint8_t byte : bytes)
    {
        sum = (sum + byte) * kMultiplier;
    }
    return sum;
}

} // namespace tidewire
