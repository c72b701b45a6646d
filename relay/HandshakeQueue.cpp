// Decides which handshake the relay does next, and how much of its time they may take.

#include "relay/HandshakeQueue.h"

#include <algorithm>

namespace tidewire {

namespace {

/// Of so many parts of the time handshakes get one.
constexpr int kTimeParts = 2;

} // namespace

void HandshakeQueue::add(ConnectionId connection, const std::string& network)
{
    _waiting.push_back({connection, network});
}

void HandshakeQueue::remove(ConnectionId connection)
{
    std::erase_if(_waiting, [&](const Waiting& one) { return one.connection == connection; });
}

std::optional<ConnectionId> HandshakeQueue::next(SteadyTime now)
{
    refill(now);
    if (_waiting.empty() || _credit <= SteadyTime::zero())
    {
        return std::nullopt;
    }
    auto chosen = std::find_if(_waiting.begin(), _waiting.end(), [&](const Waiting& one) {
        return !isSuspect(one.network, now);
    });
    chosen = chosen == _waiting.end() ? _waiting.begin() : chosen;
    const ConnectionId connection = chosen->connection;
    _waiting.erase(chosen);
    return connection;
}

void HandshakeQueue::failed(const std::string& network, SteadyTime now)
{
    if (_suspects.size() >= kMostSuspects)
    {
        std::erase_if(_suspects, [&](const auto& one) { return one.second <= now; });
    }
    if (_suspects.size() >= kMostSuspects)
    {
        _suspects.clear();
    }
    _suspects[network] = now + kSuspicion;
}

SteadyTime HandshakeQueue::nextAt(SteadyTime now) const
{
    if (_waiting.empty())
    {
        return SteadyTime::max();
    }
    return _credit > SteadyTime::zero() ? now : now + (SteadyTime(1) - _credit) * kTimeParts;
}

void HandshakeQueue::refill(SteadyTime now)
{
    const SteadyTime passed = now - _refilled.value_or(now);
    _refilled = now;
    _credit = std::min(_credit + passed / kTimeParts, kBurst);
}

bool HandshakeQueue::isSuspect(const std::string& network, SteadyTime now) const
{
    const auto found = _suspects.find(network);
    return found != _suspects.end() && found->second > now;
}

} // namespace tidewire
