// A blocking client or server end of a TCP connection on loopback, for tests of connections.

#pragma once

#include "shared/base/UniqueFd.h"
#include "shared/net/Channel.h"
#include "shared/net/Preamble.h"
#include "shared/wire/Messages.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace tidewire {

/// One end of a connection. Every wait ends after a time that is far longer than it can take, so
/// that a fault fails the test and does not hang it.
class TestPeer
{
public:
    /// Connects to 127.0.0.1:`port`. `bufferBytes` is a bound for the kernel's buffers, 0 for none.
    static TestPeer connect(std::uint16_t port, int bufferBytes = 0);

    /// Takes over a connected socket.
    explicit TestPeer(UniqueFd socket);

    /// Exchanges preambles and does the handshake of `channel`, which all further messages go through. False when the
    /// other side ends the connection instead.
    bool secure(std::unique_ptr<Channel> channel);

    void sendBytes(ByteView bytes);
    void sendPreamble(Security security = Security::None);
    void send(const Message& message);

    /// The next `count` bytes as they are on the wire; fewer when the connection ends before.
    [[nodiscard]] Bytes receiveBytes(std::size_t count);

    /// Reads and checks the preamble of the other side.
    void expectPreamble(Security security = Security::None);

    /// The next message; nothing when the connection has ended.
    std::optional<Message> receive();

    /// True when the connection ends without a further message.
    bool isEnded() { return !receive(); }

    /// Ends both directions; another thread that waits in a send or a receive is woken.
    void shutdown();
    void close() { _socket.reset(); }

private:
    [[nodiscard]] std::size_t receiveSome(MutableByteView room);

    UniqueFd _socket;
    std::unique_ptr<Channel> _channel = std::make_unique<PlainChannel>();
    MessageReader _reader;
};

/// A listening socket on loopback.
class TestServer
{
public:
    TestServer();

    [[nodiscard]] std::uint16_t port() const { return _port; }
    [[nodiscard]] TestPeer accept();
    /// True as soon as somebody waits to be accepted, false when nobody came within `time`.
    [[nodiscard]] bool isAwaited(std::chrono::milliseconds time) const;
    /// Listens no longer.
    void close() { _socket.reset(); }

private:
    UniqueFd _socket;
    std::uint16_t _port = 0;
};

} // namespace tidewire
