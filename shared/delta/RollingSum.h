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

    static constexpr std::size_t kLanes = 16;
    static const std::array<std::uint32_t, kLanes> kLaneFactors;

    std::uint32_t _leaving;
};

inline constexpr std::array<std::uint32_t, RollingSum::kLanes> RollingSum::kLaneFactors = [] {
    std::array<std::uint32_t, kLanes> factors{};
    for (std::size_t lane = 0; lane < kLanes; ++lane)
    {
        factors[lane] = power(kLanes - lane);
    }
    return factors;
}();

inline std::uint32_t RollingSum::of(ByteView bytes, std::uint32_t before)
{
    // Independent lanes, which the compiler makes vectors of.
    constexpr std::uint32_t kStep = power(kLanes);
    std::array<std::uint32_t, kLanes> lanes{};
    const std::size_t whole = bytes.size() - bytes.size() % kLanes;
    for (std::size_t i = 0; i < whole; i += kLanes)
    {
        const std::uint8_t* const part = bytes.data() + i;
        for (std::size_t lane = 0; lane < kLanes; ++lane)
        {
            lanes[lane] = lanes[lane] * kStep + part[lane];
        }
    }
    std::uint32_t sum = ofZeros(whole, before);
    for (std::size_t lane = 0; lane < kLanes; ++lane)
    {
        sum += lanes[lane] * kLaneFactors[lane];
    }
    for (const std::uint8_t byte : bytes.subspan(whole))
    {
        sum = (sum + byte) * kMultiplier;
    }
    return sum;
}

} // namespace tidewire
