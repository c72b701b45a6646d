// How long to wait before the next attempt to connect.

#include "shared/net/Backoff.h"

#include <algorithm>

namespace tidewire {

void Backoff::connected(SteadyTime now)
{
    _isConnected = true;
    _connectedAt = now;
}

SteadyTime Backoff::failed(SteadyTime now)
{
    if (_isConnected && now - _connectedAt >= kStable)
    {
        _ceiling = kFirstCeiling;
    }
    _isConnected = false;
    std::uniform_int_distribution<SteadyTime::rep> jitter(0, _ceiling.count());
    const SteadyTime delay(jitter(_random));
    _ceiling = std::min(_ceiling * 2, kLastCeiling);
    return delay;
}

} // namespace tidewire
