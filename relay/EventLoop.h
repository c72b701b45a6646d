// All connections of the relay in one epoll loop on one thread.

#pragma once

#include "relay/AgentAccess.h"
#include "relay/Connection.h"
#include "relay/HandshakeQueue.h"
#include "relay/Listener.h"
#include "relay/RelayEvent.h"
#include "relay/session/Line.h"
#include "shared/base/Clock.h"
#include "shared/base/Wakeup.h"
#include "shared/daemon/RateLimit.h"

#include <Poco/Logger.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace tidewire {

/// What the loop allows.
struct EventLoopLimits
{
    std::size_t connections = 1000;
    std::size_t greetings = 100; ///< connections that have not said HELLO yet
    /// Taken from a connection before its HELLO was accepted. One of 256 shares has 26 KB.
    std::size_t greetingBytes = std::size_t{32} * 1024;
    SteadyTime greeting = std::chrono::seconds(10);
    SteadyTime idle = std::chrono::seconds(150); ///< an agent sends a PING after 45 s of silence
    SteadyTime closing = std::chrono::seconds(5);
    SteadyTime acceptPause = std::chrono::seconds(1);
    /// Bytes on Urgent of one connection above which nothing is read from it: a peer that asks must
    /// take the answers.
    std::uint64_t urgentBytes = kUrgentBytes;
};

/// The network thread of the relay: accepts, reads messages and hands them to the core's queue,
/// sends what the core posts, and ends connections that break a limit.
///
/// When the queue is full, a connection that has a message for it is not read any more until the
/// core has made room; the others go on as long as they have none. A PING is answered here, so that
/// a busy store does not look like a dead relay; under load the queued bytes are the answer.
///
/// With Noise a peer proves its key before anything else. Until then it gets nothing but the preamble, and it is one of
/// few that are let wait. One whose key belongs to no agent, or that proves none, is ended without a word.
///
/// The core learns of a connection with its first message, which must be HELLO; nothing more is read before the core
/// has answered WELCOME. After close() it hears no more of it, except for events that are in the queue already.
///
/// Thread: run() on one thread, which owns all but the posts; send(), close(), roomMade(), stop(),
///         runSoon(), wake() from any.
/// Memory: the outboxes, which the core bounds, and per connection one part of a message, before WELCOME at most
///         EventLoopLimits::greetingBytes.
class EventLoop: public RelayOutlet
{
public:
    /// Borrows `clock` and `events`, which must outlive this. `key` is the relay's own: not null with
    /// Noise, not used without; `agents` are those that are let in with Noise.
    EventLoop(Security security,
              const EventLoopLimits& limits,
              const Clock& clock,
              RelayEventQueue& events,
              std::shared_ptr<const KeyPair> key = {},
              AgentKeys agents = {});
    ~EventLoop() override;
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// Listens on `address` from run() on. Error when that is not possible. Before run().
    void listen(const HostPort& address);

    /// Listens on a socket that was opened by somebody else. Before run().
    void listen(Listener listener);

    /// Port of the first listening socket.
    [[nodiscard]] std::uint16_t port() const { return _listeners.front().port(); }

    /// Until stop(); then tells all peers that the relay is shutting down and ends them.
    void run();
    void stop();

    void send(ConnectionId connection, std::shared_ptr<const Bytes> message, Lane lane) override;
    void close(ConnectionId connection) override;

    /// Lets in `agents` and nobody else from now on; who has proven another key and not greeted yet is ended. Then `then`
    /// is run on the core's thread, behind everything that came in before.
    void setAgents(AgentKeys agents, std::function<void()> then);

    /// The core has taken events out of the queue.
    void roomMade();

    /// Has `task` run on the thread of run(), soon.
    void runSoon(std::function<void()> task);

    /// Makes the loop look at the clock anew.
    void wake() { _wakeup.wake(); }

private:
    struct Post
    {
        ConnectionId connection = 0;
        std::shared_ptr<const Bytes> message; // null: close
        Lane lane = Lane::Urgent;
    };

    void post(Post&& one);
    void takePosts();
    void takeTasks();
    void closeFromCore(Connection& connection);
    [[nodiscard]] int waitMs() const;
    void dispatch(std::uint64_t tag, std::uint32_t what);

    void acceptFrom(const Listener& listener);
    [[nodiscard]] bool makeRoomForGreeting();
    void admit(UniqueFd socket, const PeerAddress& peer);
    void refuse(const UniqueFd& socket, const std::string& peer);

    [[nodiscard]] std::unique_ptr<Channel> makeChannel(ConnectionId id);
    [[nodiscard]] bool recognise(ConnectionId id, const PublicKey& key);
    void shakeHands();
    void endStrangers();

    void pauseAccept(SteadyTime until);
    void resumeAccept();
    void watchListeners(std::uint32_t what);

    void onEvent(Connection& connection, std::uint32_t what);
    void read(Connection& connection);
    void discard(Connection& connection);
    void drain(Connection& connection);
    void deliver(Connection& connection, Message&& message);
    void stall(Connection& connection, RelayEvent&& event, std::size_t cost);
    void resumeStalled();
    void write(Connection& connection);
    void setPhase(Connection& connection, ConnectionPhase phase);
    void violate(Connection& connection, const std::string& reason);
    void end(Connection& connection, const std::string& reason);
    void tellCore(RelayEvent&& event);
    void watch(Connection& connection);
    void sweep();
    [[nodiscard]] SteadyTime due(const Connection& connection) const;
    void endAll();
    void logRefusal(const std::string& text);

    // Constant after construction and listen().
    const Security _security;
    const EventLoopLimits _limits;
    const Clock& _clock;
    RelayEventQueue& _events;
    const std::shared_ptr<const KeyPair> _key;
    Poco::Logger& _log;
    UniqueFd _epoll;
    Wakeup _wakeup;
    std::vector<Listener> _listeners;

    // Owned by the thread of run().
    std::unordered_map<ConnectionId, std::unique_ptr<Connection>> _connections;
    std::set<ConnectionId>
        _greeting; // the oldest first; those that failed to as long as they are there
    AgentKeys _agents;
    HandshakeQueue _handshakes;
    std::deque<ConnectionId> _stalled;   // in the order in which they stalled
    std::vector<ConnectionId> _finished; // to be destroyed when nobody refers to them any more
    ConnectionId _nextId = 1;
    SteadyTime _nextSweep = SteadyTime::max();
    SteadyTime _acceptAt = SteadyTime::max(); // accepting is paused until then; max: it is not
    bool _awaitsGreetings = false;            // it is paused until somebody has greeted
    Bytes _scratch;
    RateLimit _refusals;
    RateLimit _exhaustions;

    std::atomic<bool> _stopped{false};
    std::atomic<bool> _isStalled{false}; // somebody waits for roomMade()

    // Guarded by _mutex.
    std::mutex _mutex;
    std::vector<Post> _posts;
    std::vector<std::function<void()>> _tasks;
};

} // namespace tidewire
