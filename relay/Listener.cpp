// A listening TCP socket.

#include "relay/Listener.h"

#include "shared/base/Errors.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <system_error>

namespace tidewire {

namespace {

/// After a restart of the relay all agents come back at once; the kernel cuts this to somaxconn.
constexpr int kBacklog = 1024;

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

AddressList lookUp(const HostPort& address)
{
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int code =
        ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
    if (code != 0)
    {
        throw Error("cannot listen on " + printable(address.text()) + ": " + ::gai_strerror(code));
    }
    return {found, &::freeaddrinfo};
}

UniqueFd listenOn(const addrinfo& info, const HostPort& address)
{
    UniqueFd socket(
        ::socket(info.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    const int on = 1;
    if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        // Else "[::]" would take the port of "0.0.0.0" as well.
        (info.ai_family == AF_INET6 &&
         ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        ::bind(socket.get(), info.ai_addr, info.ai_addrlen) != 0 ||
        ::listen(socket.get(), kBacklog) != 0)
    {
        const int code = errno;
        throw Error("cannot listen on " + printable(address.text()) + ": " +
                    std::generic_category().message(code) +
                    (code == EADDRINUSE ? " (does another relay run?)" : ""));
    }
    return socket;
}

bool readOption(int fd, int option, int& value)
{
    socklen_t length = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0;
}

/// 0 when it is missing or no number.
int numberFromEnvironment(const char* name)
{
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe)
    const std::string_view text = value == nullptr ? "" : value;
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

sockaddr_storage addressOf(const UniqueFd& socket)
{
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
    {
        throwErrno("read the address of", "listening socket");
    }
    return address;
}

std::string peerText(const sockaddr_storage& address, socklen_t length)
{
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address),
                      length,
                      host.data(),
                      host.size(),
                      port.data(),
                      port.size(),
                      NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    {
        return "unknown address";
    }
    const std::string name = host.data();
    const bool isV6 = name.find(':') != std::string::npos;
    return (isV6 ? "[" + name + "]" : name) + ":" + port.data();
}

std::string networkOf(const sockaddr_storage& address)
{
    constexpr std::size_t kPrefixBytes = 8;
    if (address.ss_family == AF_INET6)
    {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&v6))
        {
            // A socket that takes both kinds: the IPv4 address is in the last bytes.
            constexpr std::size_t kV4Bytes = 4;
            return {reinterpret_cast<const char*>(v6.s6_addr) + sizeof v6.s6_addr - kV4Bytes,
                    kV4Bytes};
        }
        return {reinterpret_cast<const char*>(v6.s6_addr), kPrefixBytes};
    }
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    return {reinterpret_cast<const char*>(&v4), sizeof v4};
}

} // namespace

std::vector<Listener> Listener::open(const HostPort& address)
{
    const AddressList found = lookUp(address);
    std::vector<Listener> listeners;
    for (const addrinfo* info = found.get(); info != nullptr; info = info->ai_next)
    {
        listeners.push_back(Listener(listenOn(*info, address)));
    }
    return listeners;
}

Listener Listener::adopt(UniqueFd socket)
{
    int domain = 0;
    int type = 0;
    int listens = 0;
    const bool isSocket = readOption(socket.get(), SO_DOMAIN, domain) &&
                          readOption(socket.get(), SO_TYPE, type) &&
                          readOption(socket.get(), SO_ACCEPTCONN, listens);
    if (!isSocket || (domain != AF_INET && domain != AF_INET6) || type != SOCK_STREAM ||
        listens == 0)
    {
        throw Error("descriptor " + std::to_string(socket.get()) +
                    " from the service manager is no listening TCP socket");
    }
    const int flags = ::fcntl(socket.get(), F_GETFL);
    if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
        ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC) != 0)
    {
        throwErrno("prepare", "listening socket");
    }
    return Listener(std::move(socket));
}

std::vector<Listener> Listener::inherit()
{
    constexpr int kFirst = 3;
    constexpr int kMost = 64;
    std::vector<Listener> listeners;
    if (numberFromEnvironment("LISTEN_PID") != ::getpid())
    {
        return listeners;
    }
    const int count = std::clamp(numberFromEnvironment("LISTEN_FDS"), 0, kMost);
    for (int fd = kFirst; fd < kFirst + count; ++fd)
    {
        listeners.push_back(adopt(UniqueFd(fd)));
    }
    return listeners;
}

HostPort Listener::address() const
{
    const sockaddr_storage address = addressOf(_socket);
    return parseHostPort(peerText(address, sizeof address)).value_or(HostPort{"unknown", port()});
}

std::uint16_t Listener::port() const
{
    const sockaddr_storage address = addressOf(_socket);
    return ntohs(address.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                     : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

AcceptOutcome Listener::accept(UniqueFd& socket, PeerAddress& peer) const
{
    for (;;)
    {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        socket.reset(::accept4(_socket.get(),
                               reinterpret_cast<sockaddr*>(&address),
                               &length,
                               SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (socket)
        {
            peer = {peerText(address, length), networkOf(address)};
            return AcceptOutcome::Accepted;
        }
        switch (errno)
        {
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return AcceptOutcome::Exhausted;
        case EINTR:
        case ECONNABORTED:
            break;
        default:
            // Also what accept(2) passes on of a connection that failed meanwhile (ENETDOWN and the
            // like): the socket stays readable when another one waits.
            return AcceptOutcome::Nobody;
        }
    }
}

} // namespace tidewire
