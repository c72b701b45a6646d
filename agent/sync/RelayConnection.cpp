// The agent's connection to the relay.

#include "agent/sync/RelayConnection.h"

#include "shared/base/Errors.h"
#include "shared/daemon/LogEvent.h"
#include "shared/net/NoiseChannel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace tidewire {

namespace {

/// Two of the largest records, so that in a stream of them few are cut.
constexpr std::size_t kScratchBytes = 2 * (kRecordHeadBytes + kMaxRecordPlainBytes + kTagBytes);

/// The same reason of failure is logged again after this time.
constexpr SteadyTime kFailureInterval = std::chrono::hours(1);

const char* const kStopping = "stopping";

std::string secondsText(SteadyTime time)
{
    const auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(time).count() / 100;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

} // namespace

RelayConnection::RelayConnection(RelayConnectionOptions options,
                                 const Clock& clock,
                                 std::uint64_t seed):
    _options(std::move(options)),
    _clock(clock),
    _log(Poco::Logger::get("agent.net")),
    _backoff(seed),
    _failures(kFailureInterval),
    _scratch(kScratchBytes)
{
}

void RelayConnection::start(Callbacks callbacks)
{
    _callbacks = std::move(callbacks);
    _worker = std::make_unique<Worker>(
        "tw-network", [this] { run(); }, _callbacks.onFailure);
}

void RelayConnection::stop()
{
    _stopped = true;
    _wakeup.wake();
    _worker.reset();
}

void RelayConnection::send(Number connection, std::shared_ptr<const Bytes> message, Lane lane)
{
    bool isFirst = false;
    {
        const std::lock_guard lock(_mutex);
        if (connection != _current || connection == 0)
        {
            return;
        }
        isFirst = _orders.empty();
        _orders.push_back({std::move(message), lane});
    }
    if (isFirst)
    {
        _wakeup.wake();
    }
}

void RelayConnection::disconnect(Number connection, const std::string& reason)
{
    {
        const std::lock_guard lock(_mutex);
        if (connection != _current || connection == 0)
        {
            return;
        }
        _disconnect = reason;
    }
    _wakeup.wake();
}

void RelayConnection::pauseReading()
{
    _paused = true;
}

void RelayConnection::resumeReading()
{
    if (_paused.exchange(false))
    {
        _wakeup.wake();
    }
}

void RelayConnection::run()
{
    while (!_stopped)
    {
        const std::string reason = attempt();
        if (_stopped)
        {
            return;
        }
        const SteadyTime delay = _backoff.failed(_clock.steady());
        logEnd(reason, delay);
        const SteadyTime until = _clock.steady() + delay;
        while (!_stopped && _clock.steady() < until)
        {
            static_cast<void>(await(-1, 0, until));
        }
    }
}

std::string RelayConnection::attempt()
{
    const auto found = resolve();
    if (!found)
    {
        return "the name could not be looked up in time";
    }
    std::string problem = found->problem;
    for (const SocketAddress& address : found->addresses)
    {
        UniqueFd socket = connectTo(address, problem);
        if (_stopped)
        {
            return kStopping;
        }
        if (socket)
        {
            MessageLink link = makeLink(std::move(socket));
            return serve(link);
        }
    }
    return problem;
}

MessageLink RelayConnection::makeLink(UniqueFd socket) const
{
    if (!_options.identity)
    {
        return {std::move(socket), Security::None, std::make_unique<PlainChannel>()};
    }
    return {
        std::move(socket),
        Security::Noise,
        std::make_unique<NoiseInitiatorChannel>(_options.identity->own, _options.identity->relay)};
}

std::optional<Resolution> RelayConnection::resolve()
{
    std::optional<Resolver> resolver;
    try
    {
        resolver.emplace(_options.address);
    }
    catch (const std::exception& error)
    {
        // No descriptor or thread is left: no reason to end, there may be one at the next attempt.
        return Resolution{{}, error.what()};
    }
    const SteadyTime until = _clock.steady() + _options.connecting;
    while (!_stopped && _clock.steady() < until)
    {
        if (auto result = resolver->result())
        {
            return result;
        }
        static_cast<void>(await(resolver->fd(), POLLIN, until));
    }
    return std::nullopt;
}

UniqueFd RelayConnection::connectTo(const SocketAddress& address, std::string& problem)
{
    UniqueFd socket(::socket(
        address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    int code = socket ? 0 : errno;
    if (socket)
    {
        configureSocket(socket.get());
        const auto* target = reinterpret_cast<const sockaddr*>(&address.storage);
        code = ::connect(socket.get(), target, address.length) == 0 ? 0 : errno;
    }
    const SteadyTime until = _clock.steady() + _options.connecting;
    while (code == EINPROGRESS && !_stopped)
    {
        if (_clock.steady() >= until)
        {
            code = ETIMEDOUT;
        }
        else if (await(socket.get(), POLLOUT, until) != 0)
        {
            socklen_t size = sizeof code;
            if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0)
            {
                code = errno;
            }
        }
    }
    if (code != 0)
    {
        problem = std::generic_category().message(code);
        socket.reset();
    }
    return socket;
}

std::string RelayConnection::serve(MessageLink& link)
{
    std::string reason;
    bool wasConnected = false;
    try
    {
        reason = greet(link);
        if (reason.empty())
        {
            wasConnected = true;
            beginOrders();
            Liveness liveness(_options.silence, _options.patience, _clock.steady());
            while (reason.empty())
            {
                reason = exchange(link, liveness);
            }
        }
    }
    catch (const ProtocolError& error)
    {
        reason = error.what();
        if (link.established())
        {
            link.dropBulk();
            const ErrorMessage message{ErrorCode::ProtocolViolation, reason};
            link.send(std::make_shared<const Bytes>(encodeMessage(message)), Lane::Urgent);
            static_cast<void>(link.onWritable());
        }
    }
    if (wasConnected)
    {
        endOrders();
        if (!_farewell.empty())
        {
            reason = _farewell;
        }
        if (!_stopped)
        {
            _callbacks.onDisconnected(reason);
        }
    }
    return reason;
}

std::string RelayConnection::greet(MessageLink& link)
{
    _farewell.clear();
    const SteadyTime until = _clock.steady() + _options.greeting;
    while (!link.established())
    {
        if (_stopped)
        {
            return kStopping;
        }
        if (_clock.steady() >= until)
        {
            return "the relay has not greeted in time";
        }
        if (link.onWritable() == LinkIo::Ended)
        {
            return refusal(link);
        }
        const auto events = static_cast<short>(POLLIN | (link.wantsWrite() ? POLLOUT : 0));
        if ((await(link.fd(), events, until) & ~POLLOUT) != 0 &&
            link.onReadable(_scratch) == LinkIo::Ended)
        {
            return refusal(link);
        }
    }
    return {};
}

/// Why there was no handshake. A relay ends the connection of who is not let in without a word.
std::string RelayConnection::refusal(const MessageLink& link) const
{
    if (!_options.identity || link.receivedBytes() != kPreambleBytes)
    {
        return link.endReason();
    }
    return "the relay refuses this agent: it does not know the key " +
           publicKeyText(_options.identity->own.open) +
           ", its own is not the one in [relay] key, or it has no room";
}

/// One turn of a connection: writes, hands over, waits, reads. Empty while it lives, else why it
/// ended.
std::string RelayConnection::exchange(MessageLink& link, Liveness& liveness)
{
    if (_stopped)
    {
        return kStopping;
    }
    const auto ordered = takeOrders(link);
    if (!flush(link))
    {
        return link.endReason();
    }
    if (ordered)
    {
        return *ordered;
    }
    if (deliver(link))
    {
        // The time that the receiver took is not the relay's silence.
        liveness.heard(_clock.steady());
    }
    const bool isReading = !_paused;
    const auto events =
        static_cast<short>((isReading ? POLLIN : 0) | (link.wantsWrite() ? POLLOUT : 0));
    const short ready = await(link.fd(), events, liveness.deadline());
    if (!isReading && (ready & (POLLHUP | POLLERR)) != 0)
    {
        return "the connection was lost";
    }
    if (isReading && (ready & ~POLLOUT) != 0)
    {
        const LinkIo io = link.onReadable(_scratch);
        if (io == LinkIo::Ended)
        {
            return link.endReason();
        }
        if (io == LinkIo::Progress)
        {
            liveness.heard(_clock.steady());
        }
    }
    switch (liveness.step(_clock.steady(), link.unacknowledgedBytes(), isReading))
    {
    case LivenessStep::Ping:
        link.send(std::make_shared<const Bytes>(encodeMessage(PingMessage{++_pings})),
                  Lane::Urgent);
        break;
    case LivenessStep::Dead:
        return "the relay does not answer";
    case LivenessStep::Nothing:
        break;
    }
    return {};
}

bool RelayConnection::flush(MessageLink& link) const
{
    const LinkIo io = link.onWritable();
    const LaneBytes sent = link.takeSent();
    for (const Lane lane : {Lane::Urgent, Lane::Bulk})
    {
        if (sent[lane] > 0)
        {
            _callbacks.onSent(lane, sent[lane]);
        }
    }
    return io != LinkIo::Ended;
}

/// Hands over what has come; true when there was anything.
bool RelayConnection::deliver(MessageLink& link)
{
    bool any = false;
    Message message;
    std::size_t wireBytes = 0;
    while (!_paused && !_stopped && link.next(message, wireBytes))
    {
        any = true;
        if (const auto* ping = std::get_if<PingMessage>(&message))
        {
            link.send(std::make_shared<const Bytes>(encodeMessage(PongMessage{ping->token})),
                      Lane::Urgent);
            continue;
        }
        if (const auto* error = std::get_if<ErrorMessage>(&message))
        {
            _farewell = "the relay says: " + printable(error->text);
        }
        if (!std::holds_alternative<PongMessage>(message))
        {
            _callbacks.onMessage(std::move(message), wireBytes);
        }
    }
    return any;
}

/// Waits for `events` on `fd` (-1: none), a call of another thread, or `deadline`; the events that
/// came.
short RelayConnection::await(int fd, short events, SteadyTime deadline)
{
    const SteadyTime left = std::clamp<SteadyTime>(
        deadline - _clock.steady(), SteadyTime::zero(), std::chrono::hours(1));
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    std::array<pollfd, 2> fds{{{_wakeup.fd(), POLLIN, 0}, {fd, events, 0}}};
    if (::poll(fds.data(), fds.size(), static_cast<int>(ms)) < 0 && errno != EINTR)
    {
        throwErrno("wait for", "socket");
    }
    if (fds[0].revents != 0)
    {
        _wakeup.clear();
    }
    return fds[1].revents;
}

/// Queues what other threads sent; the reason when one of them wants the end.
std::optional<std::string> RelayConnection::takeOrders(MessageLink& link)
{
    std::vector<Order> orders;
    std::optional<std::string> reason;
    {
        const std::lock_guard lock(_mutex);
        orders.swap(_orders);
        reason = _disconnect;
    }
    for (Order& order : orders)
    {
        link.send(std::move(order.message), order.lane);
    }
    return reason;
}

void RelayConnection::beginOrders()
{
    const SteadyTime now = _clock.steady();
    _backoff.connected(now);
    _connectedAt = now;
    _paused = false;
    logConnected();
    Number number = 0;
    {
        const std::lock_guard lock(_mutex);
        _current = ++_last;
        number = _current;
    }
    _callbacks.onConnected(number);
}

void RelayConnection::endOrders()
{
    const std::lock_guard lock(_mutex);
    _current = 0;
    _orders.clear();
    _disconnect.reset();
}

void RelayConnection::logConnected()
{
    const std::string text = "connected to the relay " + _options.address.text();
    if (_isFlapping)
    {
        _log.debug(text);
    }
    else
    {
        logWith(_log,
                Poco::Message::PRIO_INFORMATION,
                text,
                {.event = LogEvent::RelayConnected, .peer = _options.address.host});
    }
}

void RelayConnection::logEnd(const std::string& reason, SteadyTime delay)
{
    std::string text = "no connection to the relay " + _options.address.text() + ": " + reason;
    if (_connectedAt)
    {
        text = "connection to the relay " + _options.address.text() + " ended: " + reason;
        _isFlapping = _clock.steady() - *_connectedAt < Backoff::kStable;
        if (!_isFlapping)
        {
            _failures.reset();
        }
        _connectedAt.reset();
    }
    const auto line = _failures.pass(text, _clock.steady());
    if (line)
    {
        logWith(_log,
                Poco::Message::PRIO_WARNING,
                *line + "; next attempt in " + secondsText(delay),
                {.event = LogEvent::RelayLost, .peer = _options.address.host});
    }
    else
    {
        _log.debug(text + "; next attempt in " + secondsText(delay));
    }
}

} // namespace tidewire
