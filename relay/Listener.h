// A listening TCP socket.

#pragma once

#include "shared/base/UniqueFd.h"
#include "shared/net/HostPort.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tidewire {

/// How an attempt to accept a connection went.
enum class AcceptOutcome : std::uint8_t
{
    Accepted,
    Nobody,    ///< no connection waits
    Exhausted, ///< no descriptor or memory is left: try again after a while
};

/// Where a connection comes from.
struct PeerAddress
{
    std::string text;    ///< address and port, for people
    std::string network; ///< the same for all that one host can call itself: IPv4 address, IPv6 /64
};

/// One non-blocking listening socket.
///
/// Thread: one.
class Listener
{
public:
    /// Listens on all addresses that `address` stands for; port 0 takes a free one. Error with a
    /// text for people when the address is in use or not this machine's.
    [[nodiscard]] static std::vector<Listener> open(const HostPort& address);

    /// Takes a socket that listens already. Error when it is no stream socket of IPv4 or IPv6 that
    /// listens.
    [[nodiscard]] static Listener adopt(UniqueFd socket);

    /// Takes the sockets that a service manager passes on (sd_listen_fds(3)): none without LISTEN_FDS
    /// for this process. Error as adopt(). Once, before there are other threads.
    [[nodiscard]] static std::vector<Listener> inherit();

    /// As the kernel says it.
    [[nodiscard]] HostPort address() const;

    [[nodiscard]] int fd() const { return _socket.get(); }
    [[nodiscard]] std::uint16_t port() const;

    /// Takes the next connection: its non-blocking socket, and its address.
    [[nodiscard]] AcceptOutcome accept(UniqueFd& socket, PeerAddress& peer) const;

private:
    explicit Listener(UniqueFd socket): _socket(std::move(socket)) {}

    UniqueFd _socket;
};

} // namespace tidewire
