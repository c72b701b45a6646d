// All connections of the relay in one epoll loop: what happens on one of them.

#include "relay/EventLoop.h"
#include "shared/base/Errors.h"
#include "shared/net/MessageCost.h"

#include <sys/epoll.h>

#include <algorithm>

namespace tidewire {

namespace {

/// Queued bytes above which a PING gets no PONG: those bytes say the same, and a peer that sends
/// PINGs and reads nothing must not fill the memory.
constexpr std::uint64_t kPongBytes = std::uint64_t{64} * 1024;

bool takesMessages(const Connection& connection)
{
    const bool isTalking =
        connection.phase == ConnectionPhase::Greeting || connection.phase == ConnectionPhase::Open;
    return isTalking && !connection.stalled && connection.link.fd() >= 0;
}

/// Answers a PING.
void answer(Connection& connection, const PingMessage& ping)
{
    if (connection.link.queued().urgent < kPongBytes)
    {
        connection.link.send(std::make_shared<const Bytes>(encodeMessage(PongMessage{ping.token})),
                             Lane::Urgent);
    }
}

} // namespace

void EventLoop::onEvent(Connection& connection, std::uint32_t what)
{
    if (connection.link.fd() < 0)
    {
        return;
    }
    const bool isOver = (what & (EPOLLHUP | EPOLLERR)) != 0;
    if (isOver && (connection.interest & EPOLLIN) == 0)
    {
        end(connection, "connection lost");
        return;
    }
    if (isOver || (what & EPOLLIN) != 0)
    {
        if (connection.shutDown)
        {
            discard(connection);
        }
        else
        {
            read(connection);
        }
    }
    if ((what & EPOLLOUT) != 0 && connection.link.fd() >= 0)
    {
        write(connection);
    }
}

void EventLoop::read(Connection& connection)
{
    MutableByteView room = _scratch;
    if (connection.phase == ConnectionPhase::Greeting)
    {
        const std::uint64_t left = _limits.greetingBytes + 1 - connection.link.receivedBytes();
        room = room.first(static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), left)));
    }
    try
    {
        switch (connection.link.onReadable(room))
        {
        case LinkIo::Ended:
            end(connection, connection.link.endReason());
            return;
        case LinkIo::Blocked:
            return;
        case LinkIo::Progress:
            break;
        }
    }
    catch (const ProtocolError& error)
    {
        violate(connection, error.what());
        return;
    }
    connection.moved = _clock.steady();
    if (connection.link.isAsked())
    {
        _handshakes.add(connection.id, connection.network);
    }
    drain(connection);
}

void EventLoop::discard(Connection& connection)
{
    if (connection.link.discard(_scratch) == LinkIo::Ended)
    {
        end(connection, {});
    }
}

void EventLoop::drain(Connection& connection)
{
    try
    {
        Message message;
        std::size_t wireBytes = 0;
        while (takesMessages(connection) && connection.link.next(message, wireBytes))
        {
            deliver(connection, std::move(message));
        }
    }
    catch (const ProtocolError& error)
    {
        violate(connection, error.what());
        return;
    }
    if (connection.phase == ConnectionPhase::Greeting &&
        connection.link.receivedBytes() > _limits.greetingBytes)
    {
        violate(connection, "the first message is too large");
        return;
    }
    write(connection);
}

void EventLoop::deliver(Connection& connection, Message&& message)
{
    if (connection.phase == ConnectionPhase::Greeting)
    {
        if (!std::holds_alternative<HelloMessage>(message))
        {
            throw ProtocolError("the first message is not HELLO");
        }
        tellCore(PeerConnected{connection.id, connection.peer, connection.agent});
        setPhase(connection, ConnectionPhase::Greeted);
    }
    else if (const auto* ping = std::get_if<PingMessage>(&message))
    {
        answer(connection, *ping);
        return;
    }
    const std::size_t cost = sizeof(RelayEvent) + memoryCost(message);
    RelayEvent event = PeerMessage{connection.id, std::move(message)};
    if (!_events.tryPush(event, cost))
    {
        stall(connection, std::move(event), cost);
    }
}

void EventLoop::stall(Connection& connection, RelayEvent&& event, std::size_t cost)
{
    connection.stalled = std::move(event);
    connection.stalledCost = cost;
    _stalled.push_back(connection.id);
    // The core may have emptied the queue before it could see the flag: look once more, or nobody
    // would ever wake this loop.
    _isStalled = true;
    if (_events.cost() == 0)
    {
        roomMade();
    }
}

void EventLoop::resumeStalled()
{
    for (std::size_t left = _stalled.size(); left > 0; --left)
    {
        const auto found = _connections.find(_stalled.front());
        if (found == _connections.end() || !found->second->stalled)
        {
            _stalled.pop_front();
            continue;
        }
        Connection& connection = *found->second;
        if (!_events.tryPush(*connection.stalled, connection.stalledCost))
        {
            _isStalled = true;
            if (_events.cost() == 0)
            {
                roomMade();
            }
            return;
        }
        _stalled.pop_front();
        connection.stalled.reset();
        connection.moved = _clock.steady();
        _nextSweep = std::min(_nextSweep, due(connection));
        drain(connection);
    }
}

void EventLoop::write(Connection& connection)
{
    if (connection.link.fd() < 0)
    {
        return;
    }
    if (connection.link.onWritable() == LinkIo::Ended)
    {
        end(connection, connection.link.endReason());
        return;
    }
    const LaneBytes sent = connection.link.takeSent();
    const bool isTold = connection.phase == ConnectionPhase::Greeted ||
                        connection.phase == ConnectionPhase::Open ||
                        connection.phase == ConnectionPhase::Broken;
    if (isTold && sent != LaneBytes{})
    {
        // With its input paused, a peer shows by taking bytes that it is alive.
        if ((connection.interest & EPOLLIN) == 0)
        {
            connection.moved = _clock.steady();
        }
        tellCore(PeerSent{connection.id, sent});
    }
    if (connection.phase == ConnectionPhase::Closing && !connection.shutDown &&
        !connection.link.wantsWrite())
    {
        connection.shutDown = true;
        connection.link.shutdownWrite();
    }
    watch(connection);
}

void EventLoop::setPhase(Connection& connection, ConnectionPhase phase)
{
    connection.phase = phase;
    connection.since = _clock.steady();
    connection.moved = connection.since;
    if (phase == ConnectionPhase::Greeting)
    {
        _greeting.insert(connection.id);
    }
    else if (phase != ConnectionPhase::Closing)
    {
        _greeting.erase(connection.id);
    }
    _nextSweep = std::min(_nextSweep, due(connection));
}

void EventLoop::violate(Connection& connection, const std::string& reason)
{
    if (connection.phase == ConnectionPhase::Open)
    {
        tellCore(PeerViolation{connection.id, reason});
        setPhase(connection, ConnectionPhase::Broken);
    }
    else
    {
        logRefusal(connection.peer + ": refused, " + reason);
        if (connection.link.established())
        {
            const ErrorMessage error{ErrorCode::ProtocolViolation, reason};
            connection.link.send(std::make_shared<const Bytes>(encodeMessage(error)), Lane::Urgent);
        }
        setPhase(connection, ConnectionPhase::Closing);
    }
    write(connection);
}

void EventLoop::end(Connection& connection, const std::string& reason)
{
    if (connection.link.fd() < 0)
    {
        return;
    }
    switch (connection.phase)
    {
    case ConnectionPhase::Greeting:
        logRefusal(connection.peer + ": " + reason);
        break;
    case ConnectionPhase::Greeted:
    case ConnectionPhase::Open:
    case ConnectionPhase::Broken:
        _log.debug(connection.peer + ": " + reason);
        tellCore(PeerDisconnected{connection.id});
        break;
    case ConnectionPhase::Closing:
        break;
    }
    _greeting.erase(connection.id);
    _handshakes.remove(connection.id);
    connection.stalled.reset();
    connection.phase = ConnectionPhase::Closing;
    connection.link.close();
    _finished.push_back(connection.id);
}

void EventLoop::tellCore(RelayEvent&& event)
{
    // Few and small next to the messages: these must not wait, or a full queue would keep the very
    // news from the core that empties it.
    static_cast<void>(_events.pushNow(std::move(event), sizeof(RelayEvent)));
}

void EventLoop::endAll()
{
    takePosts();
    const auto farewell = std::make_shared<const Bytes>(
        encodeMessage(ErrorMessage{ErrorCode::ShuttingDown, "the relay is shutting down"}));
    for (const auto& [id, connection] : _connections)
    {
        if (connection->link.fd() >= 0 && connection->link.established())
        {
            connection->link.dropBulk();
            connection->link.send(farewell, Lane::Urgent);
            // As far as the kernel takes it now; nothing waits for a peer at the end.
            static_cast<void>(connection->link.onWritable());
        }
    }
    _connections.clear();
    _greeting.clear();
    _stalled.clear();
}

} // namespace tidewire
