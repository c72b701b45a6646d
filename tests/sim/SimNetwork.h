// Connections between simulated agents and the relay: bytes that come in pieces, late, or not at all.

#pragma once

#include "relay/session/Line.h"
#include "shared/net/Lane.h"
#include "shared/wire/Messages.h"
#include "tests/sim/SimRandom.h"

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace tidewire {

/// One direction: whole messages wait on two lanes, Urgent first, and go over in pieces.
class SimPipe
{
public:
    void push(std::shared_ptr<const Bytes> message, Lane lane);
    void dropBulk();

    /// True when there are bytes to move.
    [[nodiscard]] bool hasBytes() const;

    /// Bytes of a lane that are not over yet.
    [[nodiscard]] std::size_t queued(Lane which) const;

    /// What one move did.
    struct Moved
    {
        Lane lane = Lane::Urgent;
        std::size_t bytes = 0;
    };

    /// Moves at most `limit` bytes of one message over to the reader. Throws ProtocolError.
    Moved move(std::size_t limit);

    /// The next message that has come.
    bool next(Message& message, std::size_t& wireBytes) { return _reader.next(message, wireBytes); }

    [[nodiscard]] std::uint64_t movedBytes() const { return _movedBytes; }

private:
    std::deque<std::shared_ptr<const Bytes>>& lane(Lane which);

    std::array<std::deque<std::shared_ptr<const Bytes>>, 2> _lanes;
    Lane _current = Lane::Urgent; // of the message that is under way
    std::size_t _begin = 0;       // bytes of it that are over
    MessageReader _reader;
    std::uint64_t _movedBytes = 0;
};

/// A connection. After a cut both ends hear of it, each in its own time; what is on its way may still arrive before.
struct SimConnection
{
    ConnectionId id = 0;
    std::size_t agent = 0; ///< index of the agent in the world
    SimPipe up;
    SimPipe down;
    bool broken = false;     ///< nothing more may be sent
    bool agentEnded = false; ///< the agent knows of the end
    bool relayEnded = false; ///< the relay knows of the end
    bool stalled = false;    ///< messages wait in `up` until the agent takes its answers

    /// As in the relay's event loop: who does not take his answers is not read.
    [[nodiscard]] bool takesInput() const { return down.queued(Lane::Urgent) < kUrgentBytes; }
};

/// All connections that at least one end still knows.
class SimNetwork
{
public:
    SimConnection& open(std::size_t agent);

    [[nodiscard]] SimConnection* find(ConnectionId id);

    /// The connection that the agent believes in; null when there is none.
    [[nodiscard]] SimConnection* ofAgent(std::size_t agent);

    void breakAgent(std::size_t agent);

    /// Forgets connections that both ends have given up.
    void sweep();

    [[nodiscard]] const std::vector<std::unique_ptr<SimConnection>>& connections() const
    {
        return _connections;
    }

    /// Bytes of messages that went over, up and down, of all connections there ever were.
    [[nodiscard]] std::uint64_t bytesUp() const;
    [[nodiscard]] std::uint64_t bytesDown() const;

private:
    std::vector<std::unique_ptr<SimConnection>> _connections;
    ConnectionId _lastId = 0;
    std::uint64_t _oldUp = 0;
    std::uint64_t _oldDown = 0;
};

} // namespace tidewire
