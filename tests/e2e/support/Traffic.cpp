// The proxy: one poll(2) loop over all connections.

#include "tests/e2e/support/Traffic.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

namespace tidewire::e2e {

namespace {

constexpr std::size_t kBufferBytes = 64 << 10;
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

std::size_t number(Direction direction)
{
    return direction == Direction::Up ? 0 : 1;
}

void check(bool isRight, const char* what)
{
    if (!isRight)
    {
        throw std::system_error(errno, std::generic_category(), what);
    }
}

sockaddr_in addressOf(const std::string& host, std::uint16_t port)
{
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    return address;
}

void setOption(int fd, int level, int option, int value)
{
    ::setsockopt(fd, level, option, &value, sizeof value);
}

/// The close that follows sends a reset instead of an orderly end.
void resetOnClose(int fd)
{
    const linger hard = {1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

} // namespace

Traffic::Traffic(const std::string& host, std::uint16_t port):
    _host(host),
    _relayPort(port),
    _listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
    _wakeup(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
    _untilOffline{kNever, kNever},
    _lastRefill(SteadyClock::now())
{
    sockaddr_in address = addressOf("127.0.0.1", 0);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    check(_listener && _wakeup, "socket of the proxy");
    check(::bind(_listener.get(), generic, length) == 0, "bind of the proxy");
    check(::listen(_listener.get(), 64) == 0, "listen of the proxy");
    check(::getsockname(_listener.get(), generic, &length) == 0, "getsockname of the proxy");
    _port = ntohs(address.sin_port);
    _thread = std::thread([this] { run(); });
}

Traffic::~Traffic()
{
    {
        const std::lock_guard lock(_mutex);
        _isEnding = true;
    }
    wake();
    _thread.join();
}

std::uint64_t Traffic::bytes(Direction direction) const
{
    const std::lock_guard lock(_mutex);
    return _bytes[number(direction)];
}

std::uint64_t Traffic::attempts() const
{
    const std::lock_guard lock(_mutex);
    return _attempts;
}

std::size_t Traffic::open() const
{
    const std::lock_guard lock(_mutex);
    return static_cast<std::size_t>(std::count_if(
        _connections.begin(), _connections.end(), [](const Connection& c) { return !c.dead; }));
}

bool Traffic::online() const
{
    const std::lock_guard lock(_mutex);
    return _isOnline;
}

void Traffic::cut()
{
    const std::lock_guard lock(_mutex);
    endAll();
    wake();
}

void Traffic::goOffline()
{
    const std::lock_guard lock(_mutex);
    _isOnline = false;
    endAll();
    wake();
}

void Traffic::goOnline()
{
    const std::lock_guard lock(_mutex);
    _isOnline = true;
}

void Traffic::goOfflineAfter(Direction direction, std::uint64_t bytes)
{
    const std::lock_guard lock(_mutex);
    _untilOffline[number(direction)] = bytes;
}

void Traffic::setStalled(bool isStalled)
{
    const std::lock_guard lock(_mutex);
    _isStalled = isStalled;
    wake();
}

void Traffic::setRate(std::uint64_t bytesPerSecond)
{
    const std::lock_guard lock(_mutex);
    _rate = bytesPerSecond;
    _tokens = {};
    wake();
}

void Traffic::wake() const
{
    const std::uint64_t one = 1;
    (void)!::write(_wakeup.get(), &one, sizeof one);
}

// The descriptors stay open until the loop drops them: it may be polling them right now.
void Traffic::endAll()
{
    for (Connection& connection : _connections)
    {
        connection.dead = true;
    }
}

void Traffic::refill()
{
    const auto now = SteadyClock::now();
    const double seconds = std::chrono::duration<double>(now - _lastRefill).count();
    _lastRefill = now;
    const double rate = static_cast<double>(_rate);
    for (double& tokens : _tokens)
    {
        tokens = std::min(tokens + seconds * rate, std::max(4096.0, rate / 100));
    }
}

std::size_t Traffic::allowance(Direction direction) const
{
    const std::size_t i = number(direction);
    std::uint64_t most = std::min<std::uint64_t>(kBufferBytes, _untilOffline[i]);
    if (_rate != 0)
    {
        most = std::min(most, static_cast<std::uint64_t>(std::max(0.0, _tokens[i])));
    }
    return static_cast<std::size_t>(most);
}

bool Traffic::mayReceive(const Flow& flow) const
{
    return !_isStalled && !flow.ended && flow.begin == flow.buffer.size() &&
           allowance(flow.direction) > 0;
}

void Traffic::run()
{
    std::vector<pollfd> polled;
    for (;;)
    {
        polled = {{_listener.get(), POLLIN, 0}, {_wakeup.get(), POLLIN, 0}};
        int timeout = -1;
        {
            const std::lock_guard lock(_mutex);
            if (_isEnding)
            {
                return;
            }
            _connections.remove_if([](const Connection& c) { return c.dead; });
            timeout = _rate != 0 && !_connections.empty() ? 1 : -1;
            for (const Connection& connection : _connections)
            {
                for (const Flow& flow : connection.flows)
                {
                    const bool isFull = flow.begin < flow.buffer.size() && !_isStalled;
                    polled.push_back({mayReceive(flow) ? flow.from : -1, POLLIN, 0});
                    polled.push_back({isFull ? flow.to : -1, POLLOUT, 0});
                }
            }
        }
        ::poll(polled.data(), polled.size(), timeout);
        std::uint64_t count = 0;
        (void)!::read(_wakeup.get(), &count, sizeof count);

        const std::lock_guard lock(_mutex);
        refill();
        for (Connection& connection : _connections)
        {
            for (Flow& flow : connection.flows)
            {
                pump(connection, flow);
            }
        }
        acceptOne();
    }
}

void Traffic::acceptOne()
{
    UniqueFd agent(::accept4(_listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!agent)
    {
        return;
    }
    ++_attempts;
    UniqueFd relay(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = addressOf(_host, _relayPort);
    if (!_isOnline || !relay ||
        ::connect(relay.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    {
        resetOnClose(agent.get());
        return;
    }
    for (const int fd : {agent.get(), relay.get()})
    {
        setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        if (_rate != 0)
        {
            // A slow line has no megabytes of buffer in it.
            setOption(fd, SOL_SOCKET, SO_RCVBUF, 32 << 10);
            setOption(fd, SOL_SOCKET, SO_SNDBUF, 32 << 10);
        }
    }
    Connection connection;
    connection.flows[0].from = connection.flows[1].to = agent.get();
    connection.flows[0].to = connection.flows[1].from = relay.get();
    connection.flows[0].direction = Direction::Up;
    connection.flows[1].direction = Direction::Down;
    connection.agent = std::move(agent);
    connection.relay = std::move(relay);
    _connections.push_back(std::move(connection));
}

void Traffic::receive(Connection& connection, Flow& flow)
{
    const std::size_t i = number(flow.direction);
    flow.buffer.resize(allowance(flow.direction));
    flow.begin = 0;
    const ssize_t got = ::recv(flow.from, flow.buffer.data(), flow.buffer.size(), MSG_DONTWAIT);
    const bool isBroken = got < 0 && errno != EAGAIN && errno != EINTR;
    const auto size = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    flow.buffer.resize(size);
    flow.ended = got == 0;
    connection.dead = connection.dead || isBroken;
    _bytes[i] += size;
    _tokens[i] -= static_cast<double>(size);
    if (_untilOffline[i] != kNever)
    {
        _untilOffline[i] -= size;
        if (_untilOffline[i] == 0)
        {
            _untilOffline[i] = kNever;
            _isOnline = false;
            endAll();
        }
    }
}

void Traffic::pump(Connection& connection, Flow& flow)
{
    if (!connection.dead && mayReceive(flow))
    {
        receive(connection, flow);
    }
    if (connection.dead || _isStalled)
    {
        if (connection.dead)
        {
            resetOnClose(flow.from);
        }
        return;
    }
    while (flow.begin < flow.buffer.size())
    {
        const ssize_t sent = ::send(flow.to,
                                    flow.buffer.data() + flow.begin,
                                    flow.buffer.size() - flow.begin,
                                    MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0)
        {
            connection.dead = errno != EAGAIN && errno != EINTR;
            return;
        }
        flow.begin += static_cast<std::size_t>(sent);
    }
    if (flow.ended && !flow.closed)
    {
        flow.closed = true;
        ::shutdown(flow.to, SHUT_WR);
        connection.dead = connection.flows[0].closed && connection.flows[1].closed;
    }
}

} // namespace tidewire::e2e
