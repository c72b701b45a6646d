// One non-blocking connection that carries messages.

#include "shared/net/MessageLink.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace tidewire {

namespace {

/// Unsent bytes in the kernel above which a socket counts as not writable: one frame, so a small
/// change waits for no more than that.
constexpr int kUnsentBytes = 128 * 1024;

/// A peer that acknowledges nothing for so long is gone (TCP_USER_TIMEOUT).
constexpr int kUserTimeoutMs = 90'000;

constexpr int kKeepaliveIdleSeconds = 60;
constexpr int kKeepaliveIntervalSeconds = 10;
constexpr int kKeepaliveProbes = 3;

/// What one onWritable() takes from the outbox, then others have their turn.
constexpr std::size_t kTurnBytes = 1 << 20;

/// The same when they have to be sealed, which takes its time: meanwhile whoever fills the outbox hears of what has gone.
constexpr std::size_t kSealTurnBytes = 2 * Channel::kMaxSealBytes;

/// What a sealed piece is longer than its plain bytes, about: a hint for the allocation.
constexpr std::size_t kSealBytes = 32;

/// Messages that are handed to the kernel in one call.
constexpr std::size_t kMessagesAtOnce = 32;

void setOption(int fd, int level, int option, int value)
{
    // A failure is a socket without the option (a socket pair in a test): nothing depends on it.
    static_cast<void>(::setsockopt(fd, level, option, &value, sizeof value));
}

} // namespace

void configureSocket(int fd)
{
    setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    setOption(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytes);
    setOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
    setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    setOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveIdleSeconds);
    setOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveIntervalSeconds);
    setOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
}

MessageLink::MessageLink(UniqueFd socket, Security security, std::unique_ptr<Channel> channel):
    _socket(std::move(socket)),
    _security(security),
    _channel(std::move(channel))
{
    const auto preamble = makePreamble(security);
    _wire.assign(preamble.begin(), preamble.end());
    _channel->start(_wire);
}

LinkIo MessageLink::receive(MutableByteView scratch, std::size_t& count)
{
    const ssize_t size = ::recv(_socket.get(), scratch.data(), scratch.size(), 0);
    if (size > 0)
    {
        count = static_cast<std::size_t>(size);
        _receivedBytes += count;
        return LinkIo::Progress;
    }
    if (size == 0)
    {
        _endReason = established() && (_channel->isCut() || _reader.isCut())
                         ? "the connection was cut in the middle of a message"
                         : "the peer closed the connection";
        return LinkIo::Ended;
    }
    const int code = errno;
    return code == EAGAIN || code == EWOULDBLOCK || code == EINTR ? LinkIo::Blocked : end(code);
}

LinkIo MessageLink::onReadable(MutableByteView scratch)
{
    std::size_t count = 0;
    const LinkIo io = receive(scratch, count);
    if (io == LinkIo::Progress)
    {
        takeIn(scratch.first(count));
    }
    return io;
}

LinkIo MessageLink::discard(MutableByteView scratch)
{
    std::size_t count = 0;
    return receive(scratch, count);
}

void MessageLink::takeIn(MutableByteView bytes)
{
    if (_preambleBytes < kPreambleBytes)
    {
        const std::size_t missing = std::min(kPreambleBytes - _preambleBytes, bytes.size());
        std::copy_n(bytes.begin(), missing, _preamble.begin() + static_cast<int>(_preambleBytes));
        checkPreamble(ByteView(_preamble).first(_preambleBytes + missing), _security);
        _preambleBytes += missing;
        bytes = bytes.subspan(missing);
    }
    for (ByteView plain = _channel->receive(bytes); !plain.empty();
         plain = _channel->receive(bytes))
    {
        _reader.feed(plain);
    }
}

void MessageLink::send(std::shared_ptr<const Bytes> message, Lane lane)
{
    _outbox.push(std::move(message), lane);
}

void MessageLink::fill()
{
    const std::uint64_t queued = _outbox.queued().urgent + _outbox.queued().bulk;
    std::size_t room = Channel::kMaxSealBytes;
    const std::size_t headroom = _channel->headroom();
    _wire.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(queued, room)) + kSealBytes);
    _wire.resize(headroom);
    while (room > 0 && !_outbox.empty())
    {
        const ByteView whole = _outbox.front();
        const ByteView piece = whole.first(std::min(whole.size(), room));
        _wire.insert(_wire.end(), piece.begin(), piece.end());
        _filled[_outbox.frontLane()] += piece.size();
        room -= piece.size();
        _outbox.take(piece.size());
    }
    _channel->seal(_wire, 0);
}

LinkIo MessageLink::onWritable()
{
    for (std::size_t budget = _channel->isTransparent() ? kTurnBytes : kSealTurnBytes; budget > 0;)
    {
        if (_wireBegin == _wire.size())
        {
            _sent.urgent += _filled.urgent;
            _sent.bulk += _filled.bulk;
            _filled = {};
            _wireBegin = 0;
            if (!established() || _outbox.empty())
            {
                Bytes().swap(_wire); // a thousand idle connections keep no buffer
                return LinkIo::Blocked;
            }
            if (_channel->isTransparent())
            {
                Bytes().swap(_wire);
                if (const LinkIo io = sendUnsealed(budget); io != LinkIo::Progress)
                {
                    return io;
                }
                continue;
            }
            _wire.clear();
            fill();
            budget -= std::min(budget, Channel::kMaxSealBytes);
        }
        const ssize_t count = ::send(
            _socket.get(), _wire.data() + _wireBegin, _wire.size() - _wireBegin, MSG_NOSIGNAL);
        if (count < 0)
        {
            const int code = errno;
            return code == EAGAIN || code == EWOULDBLOCK || code == EINTR ? LinkIo::Blocked
                                                                          : end(code);
        }
        _wireBegin += static_cast<std::size_t>(count);
    }
    return LinkIo::Progress;
}

/// Hands messages to the kernel from where they are.
LinkIo MessageLink::sendUnsealed(std::size_t& budget)
{
    std::array<ByteView, kMessagesAtOnce> views;
    std::array<iovec, kMessagesAtOnce> pieces;
    const std::size_t found = _outbox.front(views);
    std::size_t count = 0;
    for (std::size_t left = budget; count < found && left > 0; ++count)
    {
        const ByteView piece = views[count].first(std::min(views[count].size(), left));
        // sendmsg() does not write there; its interface lacks the const.
        pieces[count] = {const_cast<std::uint8_t*>(piece.data()), piece.size()};
        left -= piece.size();
    }
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(_socket.get(), &message, MSG_NOSIGNAL);
    if (sent < 0)
    {
        const int code = errno;
        return code == EAGAIN || code == EWOULDBLOCK || code == EINTR ? LinkIo::Blocked : end(code);
    }
    const LaneBytes before = _outbox.queued();
    _outbox.take(static_cast<std::size_t>(sent));
    _sent.urgent += before.urgent - _outbox.queued().urgent;
    _sent.bulk += before.bulk - _outbox.queued().bulk;
    budget -= static_cast<std::size_t>(sent);
    return LinkIo::Progress;
}

void MessageLink::shutdownWrite()
{
    // A failure means that the peer is gone already, which the next read tells.
    static_cast<void>(::shutdown(_socket.get(), SHUT_WR));
}

LaneBytes MessageLink::takeSent()
{
    return std::exchange(_sent, LaneBytes{});
}

std::uint64_t MessageLink::unacknowledgedBytes() const
{
    int bytes = 0;
    return ::ioctl(_socket.get(), SIOCOUTQ, &bytes) == 0 && bytes > 0
               ? static_cast<std::uint64_t>(bytes)
               : 0;
}

LinkIo MessageLink::end(int code)
{
    _endReason = std::generic_category().message(code);
    return LinkIo::Ended;
}

} // namespace tidewire
