// Looks up a host name without blocking the thread that wants it.

#pragma once

#include "shared/base/Wakeup.h"
#include "shared/net/HostPort.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// An address to connect to.
struct SocketAddress
{
    sockaddr_storage storage{};
    socklen_t length = 0;
};

/// What a look-up found: addresses, or why there are none.
struct Resolution
{
    std::vector<SocketAddress> addresses;
    std::string problem; ///< for people; empty when there are addresses
};

/// One look-up. A numeric address is there at once. A name is looked up by getaddrinfo(3), which
/// blocks for half a minute when no name server answers (a board that is still getting its network)
/// and cannot be cancelled: so it runs in a detached thread of its own, and a Resolver that is
/// destroyed leaves that thread to its end.
///
/// Thread: one owner.
class Resolver
{
public:
    explicit Resolver(const HostPort& address);

    /// Readable once the result is there.
    [[nodiscard]] int fd() const;

    /// The result when it is there.
    [[nodiscard]] std::optional<Resolution> result() const;

private:
    struct Job;

    std::shared_ptr<Job> _job; // shared with the thread
};

} // namespace tidewire
