// Connections between simulated agents and the relay: bytes that come in pieces, late, or not at all.

#include "tests/sim/SimNetwork.h"

#include <algorithm>

namespace tidewire {

std::deque<std::shared_ptr<const Bytes>>& SimPipe::lane(Lane which)
{
    return _lanes.at(which == Lane::Urgent ? 0 : 1);
}

void SimPipe::push(std::shared_ptr<const Bytes> message, Lane which)
{
    lane(which).push_back(std::move(message));
}

void SimPipe::dropBulk()
{
    auto& bulk = lane(Lane::Bulk);
    const bool isUnderWay = _begin > 0 && _current == Lane::Bulk;
    bulk.resize(isUnderWay ? 1 : 0);
}

bool SimPipe::hasBytes() const
{
    return !_lanes[0].empty() || !_lanes[1].empty();
}

std::size_t SimPipe::queued(Lane which) const
{
    std::size_t bytes = 0;
    for (const auto& message : _lanes.at(which == Lane::Urgent ? 0 : 1))
    {
        bytes += message->size();
    }
    return bytes - (which == _current ? _begin : 0);
}

SimPipe::Moved SimPipe::move(std::size_t limit)
{
    if (_begin == 0)
    {
        _current = lane(Lane::Urgent).empty() ? Lane::Bulk : Lane::Urgent;
    }
    auto& queue = lane(_current);
    const std::shared_ptr<const Bytes> message = queue.front();
    const std::size_t count = std::min(limit, message->size() - _begin);
    _reader.feed(ByteView(*message).subspan(_begin, count));
    _begin += count;
    _movedBytes += count;
    if (_begin == message->size())
    {
        queue.pop_front();
        _begin = 0;
    }
    return {_current, count};
}

SimConnection& SimNetwork::open(std::size_t agent)
{
    auto connection = std::make_unique<SimConnection>();
    connection->id = ++_lastId;
    connection->agent = agent;
    _connections.push_back(std::move(connection));
    return *_connections.back();
}

SimConnection* SimNetwork::find(ConnectionId id)
{
    const auto found = std::find_if(_connections.begin(),
                                    _connections.end(),
                                    [&](const auto& connection) { return connection->id == id; });
    return found == _connections.end() ? nullptr : found->get();
}

SimConnection* SimNetwork::ofAgent(std::size_t agent)
{
    const auto found =
        std::find_if(_connections.begin(), _connections.end(), [&](const auto& connection) {
            return connection->agent == agent && !connection->agentEnded;
        });
    return found == _connections.end() ? nullptr : found->get();
}

void SimNetwork::breakAgent(std::size_t agent)
{
    if (SimConnection* connection = ofAgent(agent))
    {
        connection->broken = true;
    }
}

void SimNetwork::sweep()
{
    std::erase_if(_connections, [this](const auto& connection) {
        const bool isOver = connection->agentEnded && connection->relayEnded;
        _oldUp += isOver ? connection->up.movedBytes() : 0;
        _oldDown += isOver ? connection->down.movedBytes() : 0;
        return isOver;
    });
}

std::uint64_t SimNetwork::bytesUp() const
{
    std::uint64_t sum = _oldUp;
    for (const auto& connection : _connections)
    {
        sum += connection->up.movedBytes();
    }
    return sum;
}

std::uint64_t SimNetwork::bytesDown() const
{
    std::uint64_t sum = _oldDown;
    for (const auto& connection : _connections)
    {
        sum += connection->down.movedBytes();
    }
    return sum;
}

} // namespace tidewire
