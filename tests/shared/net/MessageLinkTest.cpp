// MessageLink: two of them over a socket pair.

#include "shared/net/MessageLink.h"

#include "shared/base/Errors.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <array>

using namespace tidewire;

namespace {

/// A channel with a handshake of one byte each way that shifts every byte by one.
class ShiftChannel: public Channel
{
public:
    void start(Bytes& wire) override { wire.push_back(42); }
    [[nodiscard]] bool ready() const override { return _ready; }
    [[nodiscard]] ByteView receive(MutableByteView& bytes) override
    {
        if (!_ready && !bytes.empty())
        {
            if (bytes.front() != 42)
            {
                throw ProtocolError("the handshake failed");
            }
            _ready = true;
            bytes = bytes.subspan(1);
        }
        for (std::uint8_t& byte : bytes)
        {
            byte = static_cast<std::uint8_t>(byte - 1);
        }
        return std::exchange(bytes, {});
    }
    void seal(Bytes& wire, std::size_t begin) override
    {
        for (std::size_t i = begin; i < wire.size(); ++i)
        {
            wire[i] = static_cast<std::uint8_t>(wire[i] + 1);
        }
    }

private:
    bool _ready = false;
};

class LinkPair
{
public:
    LinkPair()
    {
        std::array<int, 2> fds{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) != 0)
        {
            throwErrno("make", "socket pair");
        }
        left = UniqueFd(fds[0]);
        right = UniqueFd(fds[1]);
    }

    static MessageLink plain(UniqueFd& socket, Security security = Security::None)
    {
        return {std::move(socket), security, std::make_unique<PlainChannel>()};
    }

    UniqueFd left;
    UniqueFd right;
};

std::shared_ptr<const Bytes> encoded(const Message& message)
{
    return std::make_shared<const Bytes>(encodeMessage(message));
}

std::shared_ptr<const Bytes> ping(std::uint64_t token)
{
    return encoded(PingMessage{token});
}

Message frameOf(std::size_t size)
{
    FrameMessage message;
    message.frame.rawLength = static_cast<std::uint32_t>(size);
    message.frame.stored.assign(size, 7);
    return message;
}

/// Moves bytes from one to the other, in reads of `chunk`, until both stand still. The tokens of the
/// PINGs that `to` got, in order.
std::vector<std::uint64_t>
pump(MessageLink& from, MessageLink& to, std::size_t chunk = 4096, std::size_t* frames = nullptr)
{
    Bytes scratch(chunk);
    std::vector<std::uint64_t> tokens;
    bool moved = true;
    while (moved)
    {
        static_cast<void>(from.onWritable());
        moved = to.onReadable(scratch) == LinkIo::Progress;
        Message message;
        std::size_t wireBytes = 0;
        while (moved && to.next(message, wireBytes))
        {
            if (const auto* one = std::get_if<PingMessage>(&message))
            {
                tokens.push_back(one->token);
            }
            else if (frames != nullptr)
            {
                ++*frames;
            }
        }
    }
    return tokens;
}

void fillRaw(int fd, ByteView bytes)
{
    REQUIRE(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
}

} // namespace

TEST_CASE("MessageLink: messages pass once both preambles did, whatever the sizes of reads",
          "[link]")
{
    const auto chunk = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{9}, std::size_t{65536});
    CAPTURE(chunk);
    LinkPair pair;
    MessageLink one = LinkPair::plain(pair.left);
    MessageLink other = LinkPair::plain(pair.right);
    one.send(ping(1), Lane::Urgent);
    CHECK_FALSE(one.established());

    CHECK(pump(one, other, chunk).empty());
    CHECK(pump(other, one, chunk).empty());

    CHECK(one.established());
    CHECK(other.established());
    CHECK(pump(one, other, chunk) == std::vector<std::uint64_t>{1});
    one.send(ping(2), Lane::Bulk);
    one.send(ping(3), Lane::Urgent);
    CHECK(pump(one, other, chunk) == std::vector<std::uint64_t>{3, 2});
}

TEST_CASE("MessageLink: a channel with a handshake comes between preamble and messages", "[link]")
{
    LinkPair pair;
    MessageLink one(std::move(pair.left), Security::Noise, std::make_unique<ShiftChannel>());
    MessageLink other(std::move(pair.right), Security::Noise, std::make_unique<ShiftChannel>());
    one.send(ping(5), Lane::Urgent);

    CHECK(pump(one, other).empty());
    CHECK(pump(other, one).empty());

    CHECK(pump(one, other) == std::vector<std::uint64_t>{5});
}

TEST_CASE("MessageLink: sent bytes are told when the kernel has them, by lane", "[link]")
{
    LinkPair pair;
    MessageLink one = LinkPair::plain(pair.left);
    MessageLink other = LinkPair::plain(pair.right);
    static_cast<void>(pump(one, other));
    static_cast<void>(pump(other, one));
    const auto small = ping(1);
    const auto large = encoded(frameOf(128 * 1024));
    std::uint64_t bulk = 0;
    for (; bulk < 40; ++bulk)
    {
        one.send(large, Lane::Bulk);
    }
    one.send(small, Lane::Urgent);

    REQUIRE(one.onWritable() != LinkIo::Ended);
    const LaneBytes first = one.takeSent();
    CHECK(first.urgent == small->size());
    CHECK(first.bulk < bulk * large->size());
    CHECK(one.wantsWrite());

    std::size_t frames = 0;
    static_cast<void>(pump(one, other, 65536, &frames));
    const LaneBytes rest = one.takeSent();
    CHECK(frames == bulk);
    CHECK(first.bulk + rest.bulk == bulk * large->size());
    CHECK_FALSE(one.wantsWrite());
    CHECK(one.queued() == LaneBytes{});
}

TEST_CASE("MessageLink: a wrong preamble is a protocol error before any message", "[link]")
{
    LinkPair pair;
    MessageLink one = LinkPair::plain(pair.left);
    MessageLink other = LinkPair::plain(pair.right, Security::Noise);
    REQUIRE(other.onWritable() == LinkIo::Blocked);
    Bytes scratch(100);

    CHECK_THROWS_WITH(one.onReadable(scratch), Catch::Contains("security = noise"));
    CHECK_FALSE(one.established());
}

TEST_CASE("MessageLink: garbage instead of a message is a protocol error", "[link]")
{
    LinkPair pair;
    MessageLink one = LinkPair::plain(pair.left);
    const auto preamble = makePreamble(Security::None);
    fillRaw(pair.right.get(), preamble);
    fillRaw(pair.right.get(), Bytes(100, 0xFF));
    Bytes scratch(1000);

    CHECK_THROWS_AS(
        [&] {
            Message message;
            std::size_t wireBytes = 0;
            static_cast<void>(one.onReadable(scratch));
            static_cast<void>(one.next(message, wireBytes));
        }(),
        ProtocolError);
}

TEST_CASE("MessageLink: the end of the peer is an end with a reason", "[link]")
{
    LinkPair pair;
    MessageLink one = LinkPair::plain(pair.left);
    pair.right.reset();
    Bytes scratch(100);

    CHECK(one.onReadable(scratch) == LinkIo::Ended);
    CHECK_FALSE(one.endReason().empty());
    CHECK(one.onWritable() == LinkIo::Ended);
}

TEST_CASE("MessageLink: nothing to read is no end", "[link]")
{
    LinkPair pair;
    MessageLink one = LinkPair::plain(pair.left);
    Bytes scratch(100);

    CHECK(one.onReadable(scratch) == LinkIo::Blocked);
}

TEST_CASE("MessageLink: an idle link that has sent everything wants nothing", "[link]")
{
    LinkPair pair;
    MessageLink one = LinkPair::plain(pair.left);
    CHECK(one.wantsWrite());

    CHECK(one.onWritable() == LinkIo::Blocked);

    CHECK_FALSE(one.wantsWrite());
    one.send(ping(1), Lane::Urgent);
    CHECK_FALSE(one.wantsWrite());
}

TEST_CASE("MessageLink: an end in the middle of a message is told from one between two", "[link]")
{
    const Bytes message = encodeMessage(PingMessage{1});
    const auto size = GENERATE_COPY(std::size_t{0}, std::size_t{1}, std::size_t{5}, message.size());
    CAPTURE(size);
    LinkPair pair;
    MessageLink link = LinkPair::plain(pair.left);
    fillRaw(pair.right.get(), makePreamble(Security::None));
    if (size > 0)
    {
        fillRaw(pair.right.get(), ByteView(message).first(size));
    }
    pair.right.reset();
    Bytes scratch(100);
    REQUIRE(link.onReadable(scratch) == LinkIo::Progress);

    CHECK(link.onReadable(scratch) == LinkIo::Ended);
    CHECK(link.endReason() == (size == 0 || size == message.size()
                                   ? "the peer closed the connection"
                                   : "the connection was cut in the middle of a message"));
}
