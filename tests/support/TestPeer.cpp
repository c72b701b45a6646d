// A blocking client or server end of a TCP connection on loopback.

#include "tests/support/TestPeer.h"

#include "shared/base/Errors.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace tidewire {

namespace {

constexpr timeval kDeadline{60, 0};

UniqueFd tcpSocket()
{
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!socket)
    {
        throwErrno("make", "socket");
    }
    return socket;
}

sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

} // namespace

TestPeer TestPeer::connect(std::uint16_t port, int bufferBytes)
{
    UniqueFd socket = tcpSocket();
    if (bufferBytes > 0)
    {
        ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &bufferBytes, sizeof bufferBytes);
        ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &bufferBytes, sizeof bufferBytes);
    }
    const sockaddr_in address = loopback(port);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    {
        throwErrno("connect to", "loopback");
    }
    return TestPeer(std::move(socket));
}

TestPeer::TestPeer(UniqueFd socket): _socket(std::move(socket))
{
    ::setsockopt(_socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kDeadline, sizeof kDeadline);
    ::setsockopt(_socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kDeadline, sizeof kDeadline);
}

void TestPeer::sendBytes(ByteView bytes)
{
    while (!bytes.empty())
    {
        const ssize_t count = ::send(_socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0)
        {
            throwErrno("send to", "peer");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
}

void TestPeer::sendPreamble(Security security)
{
    sendBytes(makePreamble(security));
}

bool TestPeer::secure(std::unique_ptr<Channel> channel)
{
    _channel = std::move(channel);
    const auto preamble = makePreamble(Security::Noise);
    Bytes wire(preamble.begin(), preamble.end());
    _channel->start(wire);
    sendBytes(wire);
    expectPreamble(Security::Noise);
    // No more than belongs to the handshake, as one would have to keep it otherwise.
    std::array<std::uint8_t, 1> byte{};
    while (!_channel->ready())
    {
        if (receiveSome(byte) == 0)
        {
            return false;
        }
        MutableByteView bytes = byte;
        static_cast<void>(_channel->receive(bytes));
        if (_channel->isAsked())
        {
            wire.clear();
            _channel->answer(wire);
            sendBytes(wire);
        }
    }
    return true;
}

void TestPeer::send(const Message& message)
{
    const Bytes encoded = encodeMessage(message);
    Bytes wire(_channel->headroom() + encoded.size());
    std::copy(encoded.rbegin(), encoded.rend(), wire.rbegin());
    _channel->seal(wire, 0);
    sendBytes(wire);
}

void TestPeer::expectPreamble(Security security)
{
    std::array<std::uint8_t, kPreambleBytes> bytes{};
    if (::recv(_socket.get(), bytes.data(), bytes.size(), MSG_WAITALL) !=
        static_cast<ssize_t>(bytes.size()))
    {
        throw std::runtime_error("no preamble came");
    }
    checkPreamble(bytes, security);
}

std::optional<Message> TestPeer::receive()
{
    Message message;
    std::size_t wireBytes = 0;
    std::array<std::uint8_t, 16384> bytes{};
    while (!_reader.next(message, wireBytes))
    {
        const std::size_t count = receiveSome(bytes);
        if (count == 0)
        {
            return std::nullopt;
        }
        MutableByteView taken = MutableByteView(bytes).first(count);
        for (ByteView plain = _channel->receive(taken); !plain.empty();
             plain = _channel->receive(taken))
        {
            _reader.feed(plain);
        }
    }
    return message;
}

void TestPeer::shutdown()
{
    ::shutdown(_socket.get(), SHUT_RDWR);
}

Bytes TestPeer::receiveBytes(std::size_t count)
{
    Bytes bytes(count);
    std::size_t size = 0;
    for (std::size_t more = 1; more > 0 && size < count; size += more)
    {
        more = receiveSome(MutableByteView(bytes).subspan(size));
    }
    bytes.resize(size);
    return bytes;
}

/// At least one byte; 0 when the connection has ended.
std::size_t TestPeer::receiveSome(MutableByteView room)
{
    const ssize_t count = ::recv(_socket.get(), room.data(), room.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    {
        throw std::runtime_error("nothing came in time");
    }
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

TestServer::TestServer(): _socket(tcpSocket())
{
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    if (::bind(_socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
        ::listen(_socket.get(), 16) != 0 ||
        ::getsockname(_socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
    {
        throwErrno("listen on", "loopback");
    }
    _port = ntohs(address.sin_port);
}

TestPeer TestServer::accept()
{
    ::setsockopt(_socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kDeadline, sizeof kDeadline);
    UniqueFd socket(::accept4(_socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket)
    {
        throwErrno("accept on", "loopback");
    }
    return TestPeer(std::move(socket));
}

bool TestServer::isAwaited(std::chrono::milliseconds time) const
{
    pollfd waiting{_socket.get(), POLLIN, 0};
    return ::poll(&waiting, 1, static_cast<int>(time.count())) > 0;
}

} // namespace tidewire
