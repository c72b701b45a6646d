// When to ask a silent peer for a sign of life, and when to give it up.

#pragma once

#include "shared/base/Clock.h"

#include <cstdint>
#include <optional>

namespace tidewire {

/// What a loop is to do now.
enum class LivenessStep : std::uint8_t
{
    Nothing,
    Ping, ///< send a PING
    Dead, ///< end the connection
};

/// Watches over one connection: after `silence` without a byte from the peer comes a PING, after
/// `patience` more without one the peer is dead.
///
/// Two things do not count against the peer: a slow line on which the PING still waits behind other
/// bytes (seen by the kernel's queue getting shorter, as only acknowledgements make it), and input
/// that this side does not read; then only the kernel's own time-outs end the connection.
///
/// Thread: one.
class Liveness
{
public:
    Liveness(SteadyTime silence, SteadyTime patience, SteadyTime now):
        _silence(silence),
        _patience(patience),
        _heard(now)
    {
    }

    /// Bytes came, or input is read again.
    void heard(SteadyTime now)
    {
        _heard = now;
        _pinged.reset();
    }

    /// When step() is to be called next.
    [[nodiscard]] SteadyTime deadline() const
    {
        return _pinged ? *_pinged + _patience : _heard + _silence;
    }

    /// `unacknowledged`: bytes that the kernel still holds for the peer. `isReading`: false while
    /// this side lets the peer's bytes lie.
    [[nodiscard]] LivenessStep step(SteadyTime now, std::uint64_t unacknowledged, bool isReading);

private:
    const SteadyTime _silence;
    const SteadyTime _patience;
    SteadyTime _heard;
    std::optional<SteadyTime> _pinged;
    std::uint64_t _unacknowledged = 0; // at the last step
};

} // namespace tidewire
