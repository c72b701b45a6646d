// When to ask a silent peer for a sign of life, and when to give it up.

#include "shared/net/Liveness.h"

#include <utility>

namespace tidewire {

LivenessStep Liveness::step(SteadyTime now, std::uint64_t unacknowledged, bool isReading)
{
    if (now < deadline())
    {
        return LivenessStep::Nothing;
    }
    const std::uint64_t before = std::exchange(_unacknowledged, unacknowledged);
    if (!_pinged)
    {
        _pinged = now;
        return LivenessStep::Ping;
    }
    if (!isReading)
    {
        heard(now);
        return LivenessStep::Nothing;
    }
    if (unacknowledged < before)
    {
        _pinged = now;
        return LivenessStep::Nothing;
    }
    return LivenessStep::Dead;
}

} // namespace tidewire
