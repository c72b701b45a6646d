// EventLoop with Noise: who is let in, and what the others get.

#include "relay/EventLoop.h"
#include "shared/daemon/Worker.h"
#include "shared/net/NoiseChannel.h"
#include "tests/support/SharedClock.h"
#include "tests/support/TestPeer.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>

using namespace tidewire;
using namespace std::chrono_literals;

namespace {

constexpr SteadyTime kDeadline = 60s;

/// A loop on a thread of its own that knows the agent "kitchen"; the test is the core.
class NoiseFixture
{
public:
    NoiseFixture():
        events(8U << 20U),
        loop(Security::Noise, {}, clock, events, relay, {{kitchen.open, "kitchen"}})
    {
        loop.listen({"127.0.0.1", 0});
        worker.emplace(
            "loop",
            [this] { loop.run(); },
            [this](const std::string& reason) { failure = reason; });
    }
    ~NoiseFixture()
    {
        loop.stop();
        worker->join();
        CHECK(failure.empty());
    }
    NoiseFixture(const NoiseFixture&) = delete;
    NoiseFixture& operator=(const NoiseFixture&) = delete;

    template <typename Event>
    Event next()
    {
        for (;;)
        {
            auto event = events.pop(kDeadline);
            REQUIRE(event);
            loop.roomMade();
            if (auto* wanted = std::get_if<Event>(&*event))
            {
                return std::move(*wanted);
            }
        }
    }

    [[nodiscard]] std::unique_ptr<Channel> channelOf(const KeyPair& own) const
    {
        return std::make_unique<NoiseInitiatorChannel>(own, relay->open);
    }

    /// A peer that has proven its key and said HELLO, and its number.
    std::pair<TestPeer, ConnectionId> greeted(const KeyPair& own, const std::string& agent)
    {
        TestPeer peer = TestPeer::connect(loop.port());
        REQUIRE(peer.secure(channelOf(own)));
        HelloMessage hello;
        hello.agent = agent;
        peer.send(hello);
        const auto event = next<PeerConnected>();
        CHECK(event.agent == agent);
        REQUIRE(next<PeerMessage>().connection == event.connection);
        loop.send(event.connection,
                  std::make_shared<const Bytes>(encodeMessage(WelcomeMessage{})),
                  Lane::Urgent);
        const auto answer = peer.receive();
        REQUIRE(answer);
        REQUIRE(std::holds_alternative<WelcomeMessage>(*answer));
        return {std::move(peer), event.connection};
    }

    void advance(SteadyTime by)
    {
        clock.advance(by);
        loop.wake();
    }

    SharedClock clock;
    RelayEventQueue events;
    const std::shared_ptr<const KeyPair> relay = std::make_shared<const KeyPair>(makeKeyPair());
    const KeyPair kitchen = makeKeyPair();
    EventLoop loop;
    std::optional<Worker> worker;
    std::string failure;
};

/// Preamble and request of a connection that is never gone on with.
Bytes requestOf(Channel& channel)
{
    const auto preamble = makePreamble(Security::Noise);
    Bytes wire(preamble.begin(), preamble.end());
    channel.start(wire);
    return wire;
}

} // namespace

TEST_CASE_METHOD(NoiseFixture, "EventLoopNoise: an agent's messages pass both ways", "[eventloop]")
{
    auto [peer, id] = greeted(kitchen, "kitchen");

    loop.send(id, std::make_shared<const Bytes>(encodeMessage(PingMessage{7})), Lane::Urgent);
    const auto down = peer.receive();
    REQUIRE(down);
    CHECK(std::get<PingMessage>(*down).token == 7);
    peer.send(CursorMessage{0, 42});
    CHECK(std::get<CursorMessage>(next<PeerMessage>().message).cursor == 42);
}

TEST_CASE_METHOD(NoiseFixture,
                 "EventLoopNoise: a key that belongs to nobody gets the preamble and the end",
                 "[eventloop]")
{
    TestPeer stranger = TestPeer::connect(loop.port());

    CHECK_FALSE(stranger.secure(channelOf(makeKeyPair())));

    CHECK_FALSE(events.tryPop());
    static_cast<void>(greeted(kitchen, "kitchen"));
}

TEST_CASE_METHOD(NoiseFixture,
                 "EventLoopNoise: a request that proves nothing gets the preamble and the end",
                 "[eventloop]")
{
    const auto byte = GENERATE(std::size_t{8}, std::size_t{50}, std::size_t{103});
    const auto channel = channelOf(kitchen);
    Bytes wire = requestOf(*channel);
    wire[byte] ^= 1U;
    TestPeer peer = TestPeer::connect(loop.port());

    peer.sendBytes(wire);

    peer.expectPreamble(Security::Noise);
    CHECK(peer.isEnded());
    CHECK_FALSE(events.tryPop());
}

TEST_CASE_METHOD(NoiseFixture,
                 "EventLoopNoise: of a recorded connection nothing reaches the core again",
                 "[eventloop]")
{
    const auto channel = channelOf(kitchen);
    const Bytes request = requestOf(*channel);
    TestPeer first = TestPeer::connect(loop.port());
    first.sendBytes(request);
    first.expectPreamble(Security::Noise);
    Bytes answer = first.receiveBytes(kIkAnswerBytes);
    MutableByteView bytes = answer;
    REQUIRE(channel->receive(bytes).empty());
    REQUIRE(channel->ready());
    const Bytes hello = encodeMessage(HelloMessage{});
    Bytes record(kRecordHeadBytes + hello.size());
    std::copy(hello.rbegin(), hello.rend(), record.rbegin());
    channel->seal(record, 0);

    TestPeer replay = TestPeer::connect(loop.port());
    replay.sendBytes(request);
    replay.expectPreamble(Security::Noise);
    CHECK(replay.receiveBytes(kIkAnswerBytes) != answer);
    replay.sendBytes(record);
    // An ERROR, which the replaying side cannot read, and the end.
    CHECK(replay.receiveBytes(1000).size() < 200);
    CHECK_FALSE(events.tryPop());

    first.sendBytes(record);
    CHECK(next<PeerConnected>().agent == "kitchen");
}

TEST_CASE_METHOD(NoiseFixture,
                 "EventLoopNoise: who proves a key and does not greet is ended in time",
                 "[eventloop]")
{
    TestPeer peer = TestPeer::connect(loop.port());
    REQUIRE(peer.secure(channelOf(kitchen)));

    advance(11s);

    CHECK(peer.isEnded());
    CHECK_FALSE(events.tryPop());
}

TEST_CASE_METHOD(NoiseFixture,
                 "EventLoopNoise: a peer without security is told by the preamble, and ended",
                 "[eventloop]")
{
    TestPeer peer = TestPeer::connect(loop.port());
    peer.sendPreamble(Security::None);
    peer.expectPreamble(Security::Noise);

    CHECK(peer.isEnded());
}

TEST_CASE_METHOD(NoiseFixture,
                 "EventLoopNoise: agents are taken in and ended while it runs",
                 "[eventloop]")
{
    const KeyPair garden = makeKeyPair();
    auto [peer, id] = greeted(kitchen, "kitchen");
    TestPeer undecided = TestPeer::connect(loop.port());
    REQUIRE(undecided.secure(channelOf(kitchen)));

    bool isRun = false;
    loop.setAgents({{garden.open, "garden"}}, [&] { isRun = true; });

    // The core ends those that it knows; the loop the others.
    next<CoreTask>().run();
    CHECK(isRun);
    CHECK(undecided.isEnded());
    auto [other, otherId] = greeted(garden, "garden");
    loop.send(id, std::make_shared<const Bytes>(encodeMessage(PingMessage{1})), Lane::Urgent);
    CHECK(peer.receive());
    TestPeer late = TestPeer::connect(loop.port());
    CHECK_FALSE(late.secure(channelOf(kitchen)));
}

TEST_CASE_METHOD(NoiseFixture,
                 "EventLoopNoise: strangers that prove nothing keep no agent out",
                 "[eventloop]")
{
    for (int i = 0; i < 300; ++i)
    {
        TestPeer stranger = TestPeer::connect(loop.port());
        CHECK_FALSE(stranger.secure(channelOf(makeKeyPair())));
    }

    static_cast<void>(greeted(kitchen, "kitchen"));
}
