// Stands for a service manager or a journal: a datagram socket whose datagrams a test reads.

#pragma once

#include "shared/base/UniqueFd.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace tidewire {

class DatagramSocket
{
public:
    /// `path` of a file; "@" in front for the abstract namespace.
    explicit DatagramSocket(const std::string& path):
        _socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))
    {
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path)
        {
            throw std::runtime_error("too long for a socket: " + path);
        }
        std::copy(path.begin(), path.end(), address.sun_path);
        if (path.front() == '@')
        {
            address.sun_path[0] = '\0';
        }
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
        if (::bind(_socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0)
        {
            throw std::runtime_error("cannot bind " + path);
        }
    }

    /// The next datagram; empty when none is there.
    [[nodiscard]] std::string take() const
    {
        std::array<char, 8192> buffer{};
        const ssize_t size = ::recv(_socket.get(), buffer.data(), buffer.size(), 0);
        return size <= 0 ? std::string()
                         : std::string(buffer.data(), static_cast<std::size_t>(size));
    }

private:
    UniqueFd _socket;
};

} // namespace tidewire
