// All connections of the relay in one epoll loop: waiting, accepting, posts and time-outs.

#include "relay/EventLoop.h"

#include "shared/base/Errors.h"
#include "shared/daemon/LogEvent.h"
#include "shared/noise/Records.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tidewire {

namespace {

/// Two of the largest records, so that in a stream of them few are cut.
constexpr std::size_t kScratchBytes = 2 * (kRecordHeadBytes + kMaxRecordPlainBytes + kTagBytes);

/// Tags of descriptors that are no connection: the wakeup, and from the bit on the listeners.
constexpr std::uint64_t kWakeupTag = 0;
constexpr std::uint64_t kListenerBit = std::uint64_t{1} << 63U;

/// Connections accepted at once, then others have their turn.
constexpr int kAcceptsPerTurn = 32;

/// A greeting of an honest peer takes a few round trips; a full house evicts older ones.
constexpr SteadyTime kGreetingGrace = std::chrono::seconds(2);

// Where more than so many come from one network they get less, so that one address cannot hold all places: the backlog of a
// listening socket (1024) goes by within an agent's patience of 10 s.
constexpr std::ptrdiff_t kCrowd = 10;
constexpr SteadyTime kCrowdGrace = std::chrono::milliseconds(250);

/// One line about refused peers in this time.
constexpr SteadyTime kRefusalInterval = std::chrono::seconds(10);
constexpr SteadyTime kExhaustionInterval = std::chrono::minutes(1);

bool isWelcome(const Bytes& message)
{
    return (message.at(kMessageHeaderBytes - 1) & ~kCompressedBit) ==
           static_cast<std::uint8_t>(MessageType::Welcome);
}

void watchFd(int epoll, int operation, int fd, std::uint32_t what, std::uint64_t tag)
{
    epoll_event event{};
    event.events = what;
    event.data.u64 = tag;
    if (::epoll_ctl(epoll, operation, fd, &event) != 0)
    {
        throwErrno("watch", "descriptor");
    }
}

} // namespace

EventLoop::EventLoop(Security security,
                     const EventLoopLimits& limits,
                     const Clock& clock,
                     RelayEventQueue& events,
                     std::shared_ptr<const KeyPair> key,
                     AgentKeys agents):
    _security(security),
    _limits(limits),
    _clock(clock),
    _events(events),
    _key(std::move(key)),
    _log(Poco::Logger::get("relay.net")),
    _epoll(::epoll_create1(EPOLL_CLOEXEC)),
    _agents(std::move(agents)),
    _scratch(kScratchBytes),
    _refusals(kRefusalInterval),
    _exhaustions(kExhaustionInterval)
{
    if (!_epoll)
    {
        throwErrno("make", "epoll");
    }
    watchFd(_epoll.get(), EPOLL_CTL_ADD, _wakeup.fd(), EPOLLIN, kWakeupTag);
}

EventLoop::~EventLoop() = default;

void EventLoop::listen(const HostPort& address)
{
    for (Listener& listener : Listener::open(address))
    {
        listen(std::move(listener));
    }
}

void EventLoop::listen(Listener listener)
{
    watchFd(_epoll.get(), EPOLL_CTL_ADD, listener.fd(), EPOLLIN, kListenerBit | _listeners.size());
    _listeners.push_back(std::move(listener));
}

void EventLoop::run()
{
    std::array<epoll_event, 128> ready{};
    while (!_stopped)
    {
        const int count =
            ::epoll_wait(_epoll.get(), ready.data(), static_cast<int>(ready.size()), waitMs());
        if (count < 0 && errno != EINTR)
        {
            throwErrno("wait for", "connections");
        }
        for (int i = 0; i < count; ++i)
        {
            const epoll_event& event = ready[static_cast<std::size_t>(i)];
            dispatch(event.data.u64, event.events);
        }
        takeTasks();
        takePosts();
        shakeHands();
        if (!_isStalled && !_stalled.empty())
        {
            resumeStalled();
        }
        const SteadyTime now = _clock.steady();
        if (now >= _nextSweep)
        {
            sweep();
        }
        if (now >= _acceptAt || (_awaitsGreetings && _greeting.size() < _limits.greetings))
        {
            resumeAccept();
        }
        for (const ConnectionId id : _finished)
        {
            _connections.erase(id);
        }
        _finished.clear();
    }
    endAll();
}

int EventLoop::waitMs() const
{
    const SteadyTime next = std::min({_nextSweep, _acceptAt, _handshakes.nextAt(_clock.steady())});
    if (next == SteadyTime::max())
    {
        return -1;
    }
    constexpr SteadyTime kLongest = std::chrono::hours(1);
    const SteadyTime left = std::clamp(next - _clock.steady(), SteadyTime::zero(), kLongest);
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

void EventLoop::dispatch(std::uint64_t tag, std::uint32_t what)
{
    if (tag == kWakeupTag)
    {
        _wakeup.clear();
    }
    else if ((tag & kListenerBit) != 0)
    {
        acceptFrom(_listeners[static_cast<std::size_t>(tag & ~kListenerBit)]);
    }
    else if (const auto found = _connections.find(tag); found != _connections.end())
    {
        onEvent(*found->second, what);
    }
}

void EventLoop::stop()
{
    _stopped = true;
    _wakeup.wake();
}

void EventLoop::roomMade()
{
    if (_isStalled.exchange(false))
    {
        _wakeup.wake();
    }
}

void EventLoop::send(ConnectionId connection, std::shared_ptr<const Bytes> message, Lane lane)
{
    post({connection, std::move(message), lane});
}

void EventLoop::close(ConnectionId connection)
{
    post({connection, nullptr, Lane::Urgent});
}

void EventLoop::post(Post&& one)
{
    bool isFirst = false;
    {
        const std::lock_guard lock(_mutex);
        isFirst = _posts.empty();
        _posts.push_back(std::move(one));
    }
    if (isFirst)
    {
        _wakeup.wake();
    }
}

void EventLoop::takePosts()
{
    std::vector<Post> posts;
    {
        const std::lock_guard lock(_mutex);
        posts.swap(_posts);
    }
    std::vector<Connection*> touched;
    for (Post& one : posts)
    {
        const auto found = _connections.find(one.connection);
        if (found == _connections.end() || found->second->phase == ConnectionPhase::Closing)
        {
            continue;
        }
        Connection& connection = *found->second;
        if (one.message == nullptr)
        {
            closeFromCore(connection);
        }
        else
        {
            if (connection.phase == ConnectionPhase::Greeted && isWelcome(*one.message))
            {
                setPhase(connection, ConnectionPhase::Open);
            }
            connection.link.send(std::move(one.message), one.lane);
        }
        if (!connection.touched)
        {
            connection.touched = true;
            touched.push_back(&connection);
        }
    }
    for (Connection* connection : touched)
    {
        connection->touched = false;
        // What came along with a HELLO has waited for its WELCOME.
        drain(*connection);
    }
}

void EventLoop::runSoon(std::function<void()> task)
{
    {
        const std::lock_guard lock(_mutex);
        _tasks.push_back(std::move(task));
    }
    _wakeup.wake();
}

void EventLoop::takeTasks()
{
    std::vector<std::function<void()>> tasks;
    {
        const std::lock_guard lock(_mutex);
        tasks.swap(_tasks);
    }
    for (const auto& task : tasks)
    {
        task();
    }
}

void EventLoop::closeFromCore(Connection& connection)
{
    connection.link.dropBulk();
    connection.stalled.reset();
    setPhase(connection, ConnectionPhase::Closing);
}

void EventLoop::acceptFrom(const Listener& listener)
{
    for (int i = 0; i < kAcceptsPerTurn && _acceptAt == SteadyTime::max(); ++i)
    {
        if (!makeRoomForGreeting())
        {
            return;
        }
        UniqueFd socket;
        PeerAddress peer;
        switch (listener.accept(socket, peer))
        {
        case AcceptOutcome::Accepted:
            if (_connections.size() - _finished.size() >= _limits.connections)
            {
                refuse(socket, peer.text);
            }
            else
            {
                admit(std::move(socket), peer);
            }
            break;
        case AcceptOutcome::Exhausted: {
            const SteadyTime now = _clock.steady();
            if (_exhaustions.pass(now))
            {
                _log.error("no descriptor or memory is left for a new connection; the limit of "
                           "open files may be too low");
            }
            pauseAccept(now + _limits.acceptPause);
            return;
        }
        case AcceptOutcome::Nobody:
            return;
        }
    }
}

bool EventLoop::makeRoomForGreeting()
{
    if (_greeting.size() < _limits.greetings)
    {
        return true;
    }
    Connection& oldest = *_connections.at(*_greeting.begin());
    const auto sameNetwork =
        std::count_if(_greeting.begin(), _greeting.end(), [&](ConnectionId id) {
            return _connections.at(id)->network == oldest.network;
        });
    const SteadyTime until = oldest.since + (sameNetwork > kCrowd ? kCrowdGrace : kGreetingGrace);
    if (_clock.steady() < until)
    {
        pauseAccept(until);
        _awaitsGreetings = true;
        return false;
    }
    end(oldest, "took too long to greet while others wait");
    return true;
}

void EventLoop::admit(UniqueFd socket, const PeerAddress& peer)
{
    configureSocket(socket.get());
    const ConnectionId id = _nextId++;
    const int fd = socket.get();
    auto made = std::make_unique<Connection>(
        id, MessageLink(std::move(socket), _security, makeChannel(id)), peer, _clock.steady());
    made->interest = EPOLLIN;
    try
    {
        watchFd(_epoll.get(), EPOLL_CTL_ADD, fd, made->interest, id);
    }
    catch (const StorageError& error)
    {
        // The kernel has no memory for one more: the others must not suffer for it.
        logRefusal(peer.text + ": refused, " + error.what());
        return;
    }
    Connection& connection = *_connections.emplace(id, std::move(made)).first->second;
    setPhase(connection, ConnectionPhase::Greeting);
    write(connection);
}

void EventLoop::refuse(const UniqueFd& socket, const std::string& peer)
{
    logRefusal(peer + ": refused, " + std::to_string(_limits.connections) +
               " connections are open");
    const auto preamble = makePreamble(_security);
    Bytes bytes(preamble.begin(), preamble.end());
    if (_security == Security::None)
    {
        const Bytes error =
            encodeMessage(ErrorMessage{ErrorCode::Overloaded, "the relay has no room"});
        bytes.insert(bytes.end(), error.begin(), error.end());
    }
    // A courtesy: a peer that does not get it sees the connection end.
    static_cast<void>(
        !::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    static_cast<void>(::shutdown(socket.get(), SHUT_WR));
}

void EventLoop::pauseAccept(SteadyTime until)
{
    _acceptAt = until;
    watchListeners(0);
}

void EventLoop::resumeAccept()
{
    _acceptAt = SteadyTime::max();
    _awaitsGreetings = false;
    watchListeners(EPOLLIN);
}

void EventLoop::watchListeners(std::uint32_t what)
{
    for (std::size_t i = 0; i < _listeners.size(); ++i)
    {
        watchFd(_epoll.get(), EPOLL_CTL_MOD, _listeners[i].fd(), what, kListenerBit | i);
    }
}

void EventLoop::logRefusal(const std::string& text)
{
    if (const auto held = _refusals.pass(_clock.steady()))
    {
        logWith(_log,
                Poco::Message::PRIO_WARNING,
                *held == 0 ? text : text + " (and " + std::to_string(*held) + " like it before)",
                {.event = LogEvent::PeerRefused});
    }
}

void EventLoop::watch(Connection& connection)
{
    std::uint32_t what = 0;
    if (connection.link.wantsWrite())
    {
        what |= EPOLLOUT;
    }
    const bool takesInput = (connection.phase == ConnectionPhase::Greeting ||
                             connection.phase == ConnectionPhase::Open) &&
                            !connection.stalled && !connection.link.isAsked() &&
                            connection.link.queued().urgent < _limits.urgentBytes;
    if (takesInput || connection.shutDown)
    {
        what |= EPOLLIN;
    }
    if (what != connection.interest)
    {
        connection.interest = what;
        watchFd(_epoll.get(), EPOLL_CTL_MOD, connection.link.fd(), what, connection.id);
    }
}

SteadyTime EventLoop::due(const Connection& connection) const
{
    switch (connection.phase)
    {
    case ConnectionPhase::Greeting:
        return connection.since + _limits.greeting;
    case ConnectionPhase::Greeted:
    case ConnectionPhase::Open:
        // What a full queue keeps from being read is not the peer's silence.
        return connection.stalled ? SteadyTime::max() : connection.moved + _limits.idle;
    default:
        return connection.since + _limits.closing;
    }
}

void EventLoop::sweep()
{
    const SteadyTime now = _clock.steady();
    _nextSweep = SteadyTime::max();
    for (const auto& [id, connection] : _connections)
    {
        if (connection->link.fd() < 0)
        {
            continue;
        }
        const SteadyTime at = due(*connection);
        if (at > now)
        {
            _nextSweep = std::min(_nextSweep, at);
            continue;
        }
        switch (connection->phase)
        {
        case ConnectionPhase::Greeting:
            end(*connection, "has not greeted in time");
            break;
        case ConnectionPhase::Greeted:
        case ConnectionPhase::Open:
            end(*connection, "was silent for too long");
            break;
        default:
            end(*connection, "did not take the rest in time");
            break;
        }
    }
}

} // namespace tidewire
