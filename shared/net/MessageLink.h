// One non-blocking connection that carries messages: preamble, channel, reader and outbox.

#pragma once

#include "shared/base/UniqueFd.h"
#include "shared/net/Channel.h"
#include "shared/net/Outbox.h"
#include "shared/net/Preamble.h"
#include "shared/wire/Messages.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace tidewire {

/// How a call on a non-blocking socket went.
enum class LinkIo : std::uint8_t
{
    Progress, ///< bytes moved; there may be more
    Blocked,  ///< nothing can move now
    Ended,    ///< the connection is over, see MessageLink::endReason()
};

/// Prepares a TCP socket: no Nagle delay, a short backlog in the kernel (TCP_NOTSENT_LOWAT, so that
/// a small urgent message never waits behind more bulk than that), and keepalives that end a
/// connection whose peer is gone. Options that the socket does not have are skipped.
void configureSocket(int fd);

/// The state of one connection between its socket and its messages. Each side sends its preamble
/// at once; messages pass when the peer's has been checked and the channel is ready.
///
/// The outer loop waits for the socket and calls onReadable() and onWritable().
///
/// Thread: one.
/// Errors: ProtocolError from onReadable() and next() when the peer breaks the protocol; the link
///         can still send then, so that an ERROR message may say why.
/// Memory: the outbox, at most Channel::kMaxSealBytes of wire form, and the part of a message that has
///         come.
class MessageLink
{
public:
    /// `socket` is connected (or connecting) and non-blocking.
    MessageLink(UniqueFd socket, Security security, std::unique_ptr<Channel> channel);

    [[nodiscard]] int fd() const { return _socket.get(); }

    /// The peer's preamble has been checked and the channel is ready.
    [[nodiscard]] bool established() const
    {
        return _preambleBytes == kPreambleBytes && _channel->ready();
    }

    /// The peer's part of a handshake is here and waits for answer(); nothing may be read before.
    [[nodiscard]] bool isAsked() const { return _channel->isAsked(); }

    /// Does this side's part of the handshake, which takes its time. Only when isAsked().
    /// ProtocolError when the peer has not proven a key that is known; nothing was queued then.
    void answer() { _channel->answer(_wire); }

    /// One read of at most `scratch.size()` bytes, which are kept for next(). The content of
    /// `scratch` means nothing afterwards.
    LinkIo onReadable(MutableByteView scratch);

    /// One read whose bytes are thrown away: waits for the end of a peer that was told to go.
    LinkIo discard(MutableByteView scratch);

    /// The next whole message that has come and its size on the wire; false when there is none.
    bool next(Message& message, std::size_t& wireBytes) { return _reader.next(message, wireBytes); }

    /// Queues one encoded message.
    void send(std::shared_ptr<const Bytes> message, Lane lane);

    /// Hands as much as possible to the kernel, within a bound that lets other connections have
    /// their turn. Blocked when nothing is left or the kernel takes no more.
    LinkIo onWritable();

    /// Something could be handed to the kernel now if it had room.
    [[nodiscard]] bool wantsWrite() const
    {
        return _wireBegin < _wire.size() || (established() && !_outbox.empty());
    }

    /// Drops what waits on Bulk, except a message that is under way.
    void dropBulk() { _outbox.dropBulk(); }

    /// Tells the peer that nothing more comes; reading goes on.
    void shutdownWrite();

    /// Ends the connection at once; fd() is -1 afterwards and only the queries may be called.
    void close() { _socket.reset(); }

    /// Bytes of messages that were handed to the kernel since the last call.
    [[nodiscard]] LaneBytes takeSent();

    [[nodiscard]] const LaneBytes& queued() const { return _outbox.queued(); }

    /// Bytes received in all, preamble included.
    [[nodiscard]] std::uint64_t receivedBytes() const { return _receivedBytes; }

    /// Bytes that the kernel holds and the peer has not acknowledged (SIOCOUTQ).
    [[nodiscard]] std::uint64_t unacknowledgedBytes() const;

    /// Why the link ended; for people.
    [[nodiscard]] const std::string& endReason() const { return _endReason; }

private:
    LinkIo receive(MutableByteView scratch, std::size_t& count);
    void takeIn(MutableByteView bytes);
    void fill();
    LinkIo sendUnsealed(std::size_t& budget);
    LinkIo end(int code);

    UniqueFd _socket;
    const Security _security;
    std::unique_ptr<Channel> _channel;
    MessageReader _reader;
    Outbox _outbox;

    std::array<std::uint8_t, kPreambleBytes> _preamble{};
    std::size_t _preambleBytes = 0; // of the peer's, that have come

    Bytes _wire;                // on its way to the kernel
    std::size_t _wireBegin = 0; // what of it is gone
    LaneBytes _filled;          // message bytes that are in _wire
    LaneBytes _sent;            // not yet told by takeSent()

    std::uint64_t _receivedBytes = 0;
    std::string _endReason;
};

} // namespace tidewire
