// The one source of chance in a simulation: the same seed gives the same run everywhere.

#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace tidewire {

/// Numbers from a seed. The distributions of the standard library differ between systems: these do not.
class SimRandom
{
public:
    explicit SimRandom(std::uint64_t seed): _engine(seed) {}

    /// 0..limit-1; `limit` is not 0.
    std::uint64_t below(std::uint64_t limit) { return _engine() % limit; }

    /// True once in `times`.
    bool oneIn(std::uint64_t times) { return below(times) == 0; }

    /// An element of a list that is not empty.
    template <typename Value>
    const Value& pick(const std::vector<Value>& values)
    {
        return values[static_cast<std::size_t>(below(values.size()))];
    }

private:
    std::mt19937_64 _engine;
};

} // namespace tidewire
