// EventLoop: what comes and goes on open connections, and how they end.

#include "tests/relay/EventLoopFixture.h"

#include <map>
#include <optional>

using namespace tidewire;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

TEST_CASE("EventLoop: a greeting reaches the core, and its answer the peer", "[eventloop]")
{
    LoopFixture fixture;
    auto [peer, id] = fixture.greeted("kitchen");

    fixture.loop.send(id, ping(7), Lane::Urgent);

    const auto message = peer.receive();
    REQUIRE(message);
    CHECK(std::get<PingMessage>(*message).token == 7);
    const PeerSent sent = fixture.next<PeerSent>();
    CHECK(sent.connection == id);
    CHECK(sent.bytes == LaneBytes{ping(7)->size(), 0});
}

TEST_CASE("EventLoop: many connections are served side by side", "[eventloop]")
{
    constexpr std::size_t kPeers = 200;
    LoopFixture fixture;
    std::map<ConnectionId, std::size_t> numbers;
    std::vector<TestPeer> peers;
    for (std::size_t i = 0; i < kPeers; ++i)
    {
        auto [peer, id] = fixture.greeted("agent" + std::to_string(i));
        numbers[id] = i;
        peers.push_back(std::move(peer));
    }
    const auto shared = frameOf(10'000);
    for (const auto& [id, number] : numbers)
    {
        fixture.loop.send(id, shared, Lane::Bulk);
        fixture.loop.send(id, ping(number), Lane::Urgent);
    }

    for (std::size_t i = 0; i < kPeers; ++i)
    {
        CAPTURE(i);
        std::size_t frames = 0;
        std::optional<std::uint64_t> token;
        for (int count = 0; count < 2; ++count)
        {
            const auto message = peers[i].receive();
            REQUIRE(message);
            frames += std::holds_alternative<FrameMessage>(*message) ? 1U : 0U;
            if (const auto* one = std::get_if<PingMessage>(&*message))
            {
                token = one->token;
            }
        }
        CHECK(frames == 1);
        CHECK(token == i);
    }
}

TEST_CASE("EventLoop: the end of a peer is told once", "[eventloop]")
{
    LoopFixture fixture;
    auto [peer, id] = fixture.greeted("a");

    peer.close();

    CHECK(fixture.next<PeerDisconnected>().connection == id);
    CHECK_FALSE(fixture.events.tryPop());
}

TEST_CASE("EventLoop: close() sends what is urgent and is not answered with an event",
          "[eventloop]")
{
    LoopFixture fixture;
    auto [peer, id] = fixture.greeted("a");
    fixture.loop.send(id, ping(1), Lane::Urgent);
    fixture.loop.close(id);
    fixture.loop.send(id, ping(2), Lane::Urgent);

    CHECK(std::get<PingMessage>(peer.receive().value()).token == 1);
    CHECK(peer.isEnded());
    peer.close();

    // The next greeting comes after whatever the end of the first had to tell.
    auto [other, otherId] = fixture.greeted("b");
    CHECK(otherId != id);
}

TEST_CASE("EventLoop: a PING is answered without the core", "[eventloop]")
{
    LoopFixture fixture;
    auto [peer, id] = fixture.greeted("a");

    peer.send(PingMessage{99});

    CHECK(std::get<PongMessage>(peer.receive().value()).token == 99);
}

TEST_CASE("EventLoop: garbage after the greeting is told to the core, which ends it", "[eventloop]")
{
    LoopFixture fixture;
    auto [peer, id] = fixture.greeted("a");

    peer.sendBytes(Bytes(64, 0xFF));

    const PeerViolation violation = fixture.next<PeerViolation>();
    CHECK(violation.connection == id);
    CHECK_FALSE(violation.reason.empty());
    fixture.loop.send(id, ping(1), Lane::Urgent);
    fixture.loop.close(id);
    CHECK(std::get<PingMessage>(peer.receive().value()).token == 1);
    CHECK(peer.isEnded());
}

TEST_CASE("EventLoop: who is silent for too long is ended, and the core is told", "[eventloop]")
{
    LoopFixture fixture;
    auto [silent, silentId] = fixture.greeted("a");
    auto [alive, aliveId] = fixture.greeted("b");

    fixture.advance(100s);
    alive.send(PingMessage{1});
    REQUIRE(alive.receive());
    fixture.advance(51s);

    CHECK(silent.isEnded());
    CHECK(fixture.next<PeerDisconnected>().connection == silentId);
    alive.send(PingMessage{2});
    CHECK(alive.receive());
}

TEST_CASE("EventLoop: at the end everybody is told", "[eventloop]")
{
    std::optional<LoopFixture> fixture;
    fixture.emplace();
    auto [peer, id] = fixture->greeted("a");

    fixture.reset();

    const auto message = peer.receive();
    REQUIRE(message);
    CHECK(std::get<ErrorMessage>(*message).code == ErrorCode::ShuttingDown);
    CHECK(peer.isEnded());
}

TEST_CASE("EventLoop: an address that is in use is told as such", "[eventloop]")
{
    LoopFixture fixture;
    RelayEventQueue events(1);
    EventLoop second(Security::None, {}, fixture.clock, events);

    CHECK_THROWS_WITH(second.listen({"127.0.0.1", fixture.loop.port()}),
                      Contains("Address already in use") && Contains("another relay"));
}
