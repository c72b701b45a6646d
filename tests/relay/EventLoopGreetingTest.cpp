// EventLoop: who is let in, and what holds before the greeting was answered.

#include "tests/relay/EventLoopFixture.h"

#include <sys/resource.h>

using namespace tidewire;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

EventLoopLimits limitsOf(std::size_t connections, std::size_t greetings)
{
    EventLoopLimits limits;
    limits.connections = connections;
    limits.greetings = greetings;
    return limits;
}

} // namespace

TEST_CASE("EventLoop: a foreign protocol gets the preamble and the end", "[eventloop]")
{
    LoopFixture fixture;
    TestPeer peer = TestPeer::connect(fixture.loop.port());

    peer.sendBytes(asBytes("GET / HTTP/1.1\r\n\r\n"));

    peer.expectPreamble();
    CHECK(peer.isEnded());
    CHECK_FALSE(fixture.events.tryPop());
}

TEST_CASE("EventLoop: garbage before the greeting is answered with an ERROR", "[eventloop]")
{
    LoopFixture fixture;
    TestPeer peer = TestPeer::connect(fixture.loop.port());
    peer.sendPreamble();

    peer.sendBytes(Bytes(64, 0xFF));

    peer.expectPreamble();
    const auto message = peer.receive();
    REQUIRE(message);
    CHECK(std::get<ErrorMessage>(*message).code == ErrorCode::ProtocolViolation);
    CHECK(peer.isEnded());
}

TEST_CASE("EventLoop: a first message that is not HELLO ends the connection", "[eventloop]")
{
    LoopFixture fixture;
    TestPeer peer = TestPeer::connect(fixture.loop.port());
    peer.sendPreamble();

    peer.send(PingMessage{1});

    peer.expectPreamble();
    const auto message = peer.receive();
    REQUIRE(message);
    CHECK_THAT(std::get<ErrorMessage>(*message).text, Contains("not HELLO"));
    CHECK(peer.isEnded());
    CHECK_FALSE(fixture.events.tryPop());
}

TEST_CASE("EventLoop: nothing behind HELLO is taken before it was accepted", "[eventloop]")
{
    constexpr int kFrames = 40; // far more than the kernel holds
    LoopFixture fixture;
    auto [other, otherId] = fixture.greeted("other");
    TestPeer peer = TestPeer::connect(fixture.loop.port(), kSmallBuffer);
    peer.sendPreamble();
    peer.send(helloOf("eager"));
    peer.expectPreamble();
    const ConnectionId id = fixture.next<PeerConnected>().connection;
    REQUIRE(fixture.next<PeerMessage>().connection == id);
    const auto frame = frameOf(100'000);
    BackgroundSender sender({&peer}, [&] {
        for (int i = 0; i < kFrames; ++i)
        {
            peer.sendBytes(*frame);
        }
    });

    SECTION("accepted")
    {
        other.send(PingMessage{5});
        REQUIRE(other.receive()); // the loop has been round
        CHECK_FALSE(fixture.hasMessage());
        fixture.welcome(id);
        for (int i = 0; i < kFrames; ++i)
        {
            CHECK(fixture.next<PeerMessage>().connection == id);
        }
        sender.join();
    }
    SECTION("refused")
    {
        fixture.loop.send(id, frame, Lane::Urgent);
        fixture.loop.close(id);
        CHECK(peer.receive());
        sender.join();
        CHECK_FALSE(fixture.hasMessage());
    }
}

TEST_CASE("EventLoop: a first message that is too large ends the connection", "[eventloop]")
{
    LoopFixture fixture;
    TestPeer peer = TestPeer::connect(fixture.loop.port());
    peer.sendPreamble();
    // The beginning of a message that is within its type's limit but never ends.
    const auto frame = encodeMessage([] {
        FrameMessage message;
        message.frame.rawLength = kFrameBytes;
        message.frame.stored.assign(kFrameBytes, 1);
        return message;
    }());

    peer.sendBytes(ByteView(frame).first(70'000));

    peer.expectPreamble();
    const auto message = peer.receive();
    REQUIRE(message);
    CHECK_THAT(std::get<ErrorMessage>(*message).text, Contains("too large"));
    CHECK(peer.isEnded());
}

TEST_CASE("EventLoop: who does not greet in time is ended", "[eventloop]")
{
    LoopFixture fixture;
    TestPeer silent = TestPeer::connect(fixture.loop.port());
    silent.expectPreamble();
    TestPeer half = TestPeer::connect(fixture.loop.port());
    half.sendPreamble();
    half.expectPreamble();
    auto [greeted, id] = fixture.greeted("a");

    fixture.advance(11s);

    CHECK(silent.isEnded());
    CHECK(half.isEnded());
    greeted.send(PingMessage{1});
    CHECK(greeted.receive());
}

TEST_CASE("EventLoop: one connection too many is refused with a reason", "[eventloop]")
{
    LoopFixture fixture(limitsOf(2, 100));
    auto [one, oneId] = fixture.greeted("a");
    auto [two, twoId] = fixture.greeted("b");

    TestPeer three = TestPeer::connect(fixture.loop.port());
    three.expectPreamble();
    const auto refusal = three.receive();
    REQUIRE(refusal);
    CHECK(std::get<ErrorMessage>(*refusal).code == ErrorCode::Overloaded);
    CHECK(three.isEnded());

    one.close();
    CHECK(fixture.next<PeerDisconnected>().connection == oneId);
    auto [four, fourId] = fixture.greeted("d");
}

TEST_CASE("EventLoop: peers that never greet cannot keep others out", "[eventloop]")
{
    LoopFixture fixture(limitsOf(100, 3));
    std::vector<TestPeer> silent;
    for (int i = 0; i < 3; ++i)
    {
        silent.push_back(TestPeer::connect(fixture.loop.port()));
        silent.back().expectPreamble();
    }
    TestPeer late = TestPeer::connect(fixture.loop.port());
    late.sendPreamble();
    late.send(helloOf("late"));

    fixture.advance(3s);

    late.expectPreamble();
    CHECK(fixture.next<PeerConnected>().connection == 4);
    CHECK(silent[0].isEnded());
}

TEST_CASE("EventLoop: a crowd from one network that never greets gives way sooner", "[eventloop]")
{
    constexpr int kCrowd = 12;
    LoopFixture fixture(limitsOf(100, kCrowd));
    std::vector<TestPeer> silent;
    for (int i = 0; i < kCrowd; ++i)
    {
        silent.push_back(TestPeer::connect(fixture.loop.port()));
        silent.back().expectPreamble();
    }
    TestPeer late = TestPeer::connect(fixture.loop.port());
    late.sendPreamble();
    late.send(helloOf("late"));

    fixture.advance(300ms);

    late.expectPreamble();
    CHECK(fixture.next<PeerConnected>().connection == kCrowd + 1);
    CHECK(silent[0].isEnded());
}

TEST_CASE("EventLoop: with no descriptor left it waits, and goes on when there are some again",
          "[eventloop]")
{
    LoopFixture fixture;
    std::vector<TestPeer> peers;
    peers.push_back(TestPeer::connect(fixture.loop.port()));
    peers.back().expectPreamble();
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    // The client's socket below takes the last descriptor that is allowed.
    UniqueFd probe(::dup(0));
    rlimit tight = before;
    tight.rlim_cur = static_cast<rlim_t>(probe.get()) + 1;
    probe.reset();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    TestPeer late = TestPeer::connect(fixture.loop.port());
    late.sendPreamble();
    late.send(helloOf("late"));
    // An answer to another connection shows that the loop has been round and is alive.
    peers[0].sendPreamble();
    peers[0].send(helloOf("first"));
    CHECK(fixture.next<PeerConnected>().connection == 1);

    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    fixture.advance(2s);

    late.expectPreamble();
    CHECK(fixture.next<PeerConnected>().connection == 2);
}
