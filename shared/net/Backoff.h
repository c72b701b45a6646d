// How long to wait before the next attempt to connect.

#pragma once

#include "shared/base/Clock.h"

#include <chrono>
#include <cstdint>
#include <random>

namespace tidewire {

/// Exponential delays with full jitter: uniform between 0 and a ceiling that doubles with each
/// failure, from 0.5 s to 60 s. Full jitter spreads a thousand agents that lost the same relay
/// better than a fixed delay plus noise (Brooker, "Exponential Backoff And Jitter", AWS 2015).
///
/// Thread: one.
class Backoff
{
public:
    static constexpr SteadyTime kFirstCeiling = std::chrono::milliseconds(500);
    static constexpr SteadyTime kLastCeiling = std::chrono::seconds(60);
    /// A connection that held this long was a success: the next failure starts from the beginning.
    static constexpr SteadyTime kStable = std::chrono::minutes(1);

    explicit Backoff(std::uint64_t seed): _random(seed) {}

    /// A connection was made.
    void connected(SteadyTime now);

    /// An attempt failed or the connection ended: the delay until the next attempt.
    [[nodiscard]] SteadyTime failed(SteadyTime now);

private:
    std::mt19937_64 _random;
    SteadyTime _ceiling = kFirstCeiling;
    SteadyTime _connectedAt{0};
    bool _isConnected = false;
};

} // namespace tidewire
