// NoiseChannel: both sides joined in memory, and by a connection with messages.

#include "shared/net/NoiseChannel.h"

#include "shared/base/Errors.h"
#include "shared/net/MessageLink.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>

using namespace tidewire;

namespace {

/// An agent and a relay that knows it, and what each has to send.
struct Sides
{
    explicit Sides(bool isKnown = true):
        agent(std::make_unique<NoiseInitiatorChannel>(agentKeys, relayKeys->open)),
        relay(std::make_unique<NoiseResponderChannel>(relayKeys,
                                                      [this, isKnown](const PublicKey& key) {
                                                          asked = key;
                                                          return isKnown;
                                                      }))
    {
        agent->start(fromAgent);
        relay->start(fromRelay);
    }

    void shakeHands()
    {
        give(*relay, fromAgent);
        relay->answer(fromRelay);
        give(*agent, fromRelay);
    }

    /// Everything that `channel` makes of the bytes, which are used up.
    static Bytes give(Channel& channel, Bytes& wire, std::size_t chunk = 1000)
    {
        Bytes result;
        for (std::size_t at = 0; at < wire.size(); at += chunk)
        {
            MutableByteView bytes =
                MutableByteView(wire).subspan(at, std::min(chunk, wire.size() - at));
            for (ByteView plain = channel.receive(bytes); !plain.empty();
                 plain = channel.receive(bytes))
            {
                result.insert(result.end(), plain.begin(), plain.end());
            }
        }
        wire.clear();
        return result;
    }

    static Bytes seal(Channel& channel, std::string_view text)
    {
        Bytes wire(channel.headroom() + text.size());
        std::copy(text.rbegin(), text.rend(), wire.rbegin());
        channel.seal(wire, 0);
        return wire;
    }

    const KeyPair agentKeys = makeKeyPair();
    const std::shared_ptr<const KeyPair> relayKeys = std::make_shared<const KeyPair>(makeKeyPair());
    std::optional<PublicKey> asked;
    std::unique_ptr<NoiseInitiatorChannel> agent;
    std::unique_ptr<NoiseResponderChannel> relay;
    Bytes fromAgent;
    Bytes fromRelay;
};

std::string textOf(const Bytes& bytes)
{
    return std::string(asText(bytes));
}

} // namespace

TEST_CASE("NoiseChannel: after the handshake bytes pass both ways", "[noise]")
{
    Sides sides;
    CHECK(sides.fromAgent.size() == 96);
    CHECK(sides.fromRelay.empty());

    sides.shakeHands();

    CHECK(sides.agent->ready());
    CHECK(sides.relay->ready());
    CHECK(sides.asked == sides.agentKeys.open);
    Bytes up = Sides::seal(*sides.agent, "HELLO");
    Bytes down = Sides::seal(*sides.relay, "WELCOME");
    CHECK(textOf(Sides::give(*sides.relay, up)) == "HELLO");
    CHECK(textOf(Sides::give(*sides.agent, down)) == "WELCOME");
}

TEST_CASE("NoiseChannel: the sizes of reads never matter", "[noise]")
{
    const auto chunk = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{95}, std::size_t{97});
    Sides sides;
    static_cast<void>(Sides::give(*sides.relay, sides.fromAgent, chunk));
    REQUIRE(sides.relay->isAsked());
    sides.relay->answer(sides.fromRelay);
    CHECK(sides.fromRelay.size() == 48);
    Bytes down = sides.fromRelay;
    const Bytes record = Sides::seal(*sides.relay, "WELCOME");
    down.insert(down.end(), record.begin(), record.end());

    CHECK(textOf(Sides::give(*sides.agent, down, chunk)) == "WELCOME");
}

TEST_CASE("NoiseChannel: a key that is not known gets no byte", "[noise]")
{
    Sides sides(false);
    static_cast<void>(Sides::give(*sides.relay, sides.fromAgent));

    CHECK_THROWS_AS(sides.relay->answer(sides.fromRelay), ProtocolError);

    CHECK(sides.fromRelay.empty());
    CHECK_FALSE(sides.relay->ready());
}

TEST_CASE("NoiseChannel: who has not proven a key is not looked up, and gets no byte", "[noise]")
{
    Sides sides;
    const std::size_t bit = GENERATE(range<std::size_t>(0, 96 * 8));
    sides.fromAgent[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    static_cast<void>(Sides::give(*sides.relay, sides.fromAgent));

    CHECK_THROWS_AS(sides.relay->answer(sides.fromRelay), ProtocolError);

    CHECK(sides.fromRelay.empty());
    CHECK_FALSE(sides.asked);
}

TEST_CASE("NoiseChannel: bytes that come before the answer are refused", "[noise]")
{
    Sides sides;
    sides.fromAgent.push_back(0);

    CHECK_THROWS_AS(Sides::give(*sides.relay, sides.fromAgent), ProtocolError);
}

TEST_CASE("NoiseChannel: a replayed handshake lets no record pass", "[noise]")
{
    Sides sides;
    Bytes request = sides.fromAgent;
    sides.shakeHands();
    Bytes hello = Sides::seal(*sides.agent, "HELLO");
    NoiseResponderChannel again(sides.relayKeys, [](const PublicKey&) { return true; });
    Bytes answer;

    static_cast<void>(Sides::give(again, request));
    again.answer(answer);

    CHECK_THROWS_AS(Sides::give(again, hello), ProtocolError);
}

TEST_CASE("NoiseChannel: what a side has sent is refused when it comes back", "[noise]")
{
    Sides sides;
    Bytes reflected = sides.fromAgent;
    reflected.resize(48);
    CHECK_THROWS_AS(Sides::give(*sides.agent, reflected), ProtocolError);

    Sides others;
    others.shakeHands();
    Bytes hello = Sides::seal(*others.agent, "HELLO");
    CHECK_THROWS_AS(Sides::give(*others.agent, hello), ProtocolError);
}

TEST_CASE("NoiseChannel: messages of all sizes pass over a connection", "[noise]")
{
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
    const KeyPair agentKeys = makeKeyPair();
    const std::shared_ptr<const KeyPair> relayKeys = std::make_shared<const KeyPair>(makeKeyPair());
    MessageLink agent(UniqueFd{fds[0]},
                      Security::Noise,
                      std::make_unique<NoiseInitiatorChannel>(agentKeys, relayKeys->open));
    MessageLink relay(UniqueFd{fds[1]},
                      Security::Noise,
                      std::make_unique<NoiseResponderChannel>(
                          relayKeys, [&](const PublicKey& key) { return key == agentKeys.open; }));
    std::vector<std::size_t> sizes;
    for (const std::size_t size : {1U, 65000U, 131072U, 2U, 131072U, 3U, 65519U})
    {
        FrameMessage message;
        message.frame.rawLength = static_cast<std::uint32_t>(size);
        message.frame.stored.assign(size, 7);
        agent.send(std::make_shared<const Bytes>(encodeMessage(message)), Lane::Bulk);
        sizes.push_back(size);
    }

    std::vector<std::size_t> received;
    Bytes scratch(4096);
    for (int idle = 0; idle < 2; ++idle)
    {
        static_cast<void>(agent.onWritable());
        static_cast<void>(relay.onWritable());
        if (agent.onReadable(scratch) == LinkIo::Progress)
        {
            idle = 0;
        }
        if (!relay.isAsked() && relay.onReadable(scratch) == LinkIo::Progress)
        {
            idle = 0;
        }
        if (relay.isAsked())
        {
            relay.answer();
        }
        Message message;
        std::size_t wireBytes = 0;
        while (relay.next(message, wireBytes))
        {
            received.push_back(std::get<FrameMessage>(message).frame.stored.size());
        }
    }

    CHECK(received == sizes);
    agent.shutdownWrite();
    CHECK(relay.onReadable(scratch) == LinkIo::Ended);
    CHECK(relay.endReason() == "the peer closed the connection");
}
