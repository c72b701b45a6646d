// EventLoop: real sockets on loopback, limits and time-outs by a clock in the test's hand.

#include "relay/EventLoop.h"

#include "shared/daemon/Worker.h"
#include "tests/support/SharedClock.h"
#include "tests/support/TestPeer.h"

#include <catch2/catch.hpp>

#include <sys/resource.h>

#include <map>
#include <optional>

using namespace tidewire;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr SteadyTime kDeadline = 60s;

HelloMessage helloOf(const std::string& agent)
{
    HelloMessage hello;
    hello.agent = agent;
    return hello;
}

std::shared_ptr<const Bytes> frameOf(std::size_t size)
{
    FrameMessage message;
    message.frame.rawLength = static_cast<std::uint32_t>(size);
    message.frame.stored.assign(size, 7);
    return std::make_shared<const Bytes>(encodeMessage(message));
}

std::shared_ptr<const Bytes> ping(std::uint64_t token)
{
    return std::make_shared<const Bytes>(encodeMessage(PingMessage{token}));
}

/// A loop on a thread of its own; the test is the core.
class LoopFixture
{
public:
    explicit LoopFixture(const EventLoopLimits& limits = {}, std::size_t queueBytes = 8U << 20U):
        events(queueBytes),
        loop(Security::None, limits, clock, events)
    {
        loop.listen({"127.0.0.1", 0});
        worker.emplace(
            "loop",
            [this] { loop.run(); },
            [this](const std::string& reason) { failure = reason; });
    }
    ~LoopFixture()
    {
        loop.stop();
        worker->join();
        CHECK(failure.empty());
    }
    LoopFixture(const LoopFixture&) = delete;
    LoopFixture& operator=(const LoopFixture&) = delete;

    /// Takes the next event that is an `Event`, as the core would; others are dropped.
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

    /// A peer that has said HELLO, and its number.
    std::pair<TestPeer, ConnectionId> greeted(const std::string& agent, int receiveBytes = 0)
    {
        TestPeer peer = TestPeer::connect(loop.port(), receiveBytes);
        peer.sendPreamble();
        peer.send(helloOf(agent));
        peer.expectPreamble();
        const ConnectionId id = next<PeerConnected>().connection;
        REQUIRE(next<PeerMessage>().connection == id);
        welcome(id);
        const auto answer = peer.receive();
        REQUIRE(answer);
        REQUIRE(std::holds_alternative<WelcomeMessage>(*answer));
        return {std::move(peer), id};
    }

    /// Takes what is queued; true when a message was among it.
    bool hasMessage()
    {
        bool found = false;
        while (const auto event = events.tryPop())
        {
            found = found || std::holds_alternative<PeerMessage>(*event);
        }
        return found;
    }

    void welcome(ConnectionId id)
    {
        const auto message = std::make_shared<const Bytes>(encodeMessage(WelcomeMessage{}));
        loop.send(id, message, Lane::Urgent);
        while (next<PeerSent>().connection != id)
        {
            // Another connection's answer left late.
        }
    }

    /// The clock goes on and the loop looks at it.
    void advance(SteadyTime by)
    {
        clock.advance(by);
        loop.wake();
    }

    SharedClock clock;
    RelayEventQueue events;
    EventLoop loop;
    std::optional<Worker> worker;
    std::string failure;
};

EventLoopLimits limitsOf(std::size_t connections, std::size_t greetings)
{
    EventLoopLimits limits;
    limits.connections = connections;
    limits.greetings = greetings;
    return limits;
}

} // namespace

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
    constexpr int kFrames = 200;
    LoopFixture fixture;
    auto [other, otherId] = fixture.greeted("other");
    TestPeer peer = TestPeer::connect(fixture.loop.port(), 4096);
    peer.sendPreamble();
    peer.send(helloOf("eager"));
    peer.expectPreamble();
    const ConnectionId id = fixture.next<PeerConnected>().connection;
    REQUIRE(fixture.next<PeerMessage>().connection == id);
    const auto frame = frameOf(100'000);
    Worker sender(
        "sender",
        [&] {
            for (int i = 0; i < kFrames; ++i)
            {
                peer.sendBytes(*frame);
            }
        },
        [](const std::string&) {});

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

TEST_CASE("EventLoop: a full queue stops the reading of who fills it, and of nobody else",
          "[eventloop]")
{
    LoopFixture fixture({}, 64 * 1024);
    auto [flooder, flooderId] = fixture.greeted("flooder");
    auto [other, otherId] = fixture.greeted("other");
    const auto frame = frameOf(30'000);

    constexpr int kMessages = 6;
    for (int i = 0; i < kMessages; ++i)
    {
        flooder.sendBytes(*frame);
    }
    other.send(PingMessage{5});
    CHECK(std::get<PongMessage>(other.receive().value()).token == 5);
    CHECK(fixture.events.cost() <= 64 * 1024);
    for (int i = 0; i < kMessages; ++i)
    {
        CHECK(fixture.next<PeerMessage>().connection == flooderId);
    }
}

TEST_CASE("EventLoop: nothing is lost or reordered while the queue is full again and again",
          "[eventloop]")
{
    constexpr std::uint32_t kMessages = 2000;
    LoopFixture fixture({}, 4096);
    auto [one, oneId] = fixture.greeted("a");
    auto [two, twoId] = fixture.greeted("b");
    Worker sender(
        "sender",
        [&one = one, &two = two] {
            for (std::uint32_t i = 0; i < kMessages; ++i)
            {
                one.send(CreditMessage{i});
                two.send(CreditMessage{i});
            }
        },
        [](const std::string&) {});

    std::map<ConnectionId, std::uint32_t> seen;
    bool inOrder = true;
    for (std::uint32_t i = 0; i < 2 * kMessages; ++i)
    {
        const PeerMessage message = fixture.next<PeerMessage>();
        const auto& credit = std::get<CreditMessage>(message.message);
        inOrder = inOrder && credit.bytes == seen[message.connection];
        ++seen[message.connection];
    }
    sender.join();

    CHECK(inOrder);
    CHECK(seen[oneId] == kMessages);
    CHECK(seen[twoId] == kMessages);
}

TEST_CASE("EventLoop: a slow reader holds up nobody, and its bulk gives way to what is urgent",
          "[eventloop]")
{
    constexpr int kFrames = 200;
    LoopFixture fixture;
    auto [slow, slowId] = fixture.greeted("slow", 4096);
    auto [fast, fastId] = fixture.greeted("fast");
    const auto frame = frameOf(100'000);
    for (int i = 0; i < kFrames; ++i)
    {
        fixture.loop.send(slowId, frame, Lane::Bulk);
    }
    fixture.loop.send(fastId, ping(1), Lane::Urgent);
    CHECK(std::get<PingMessage>(fast.receive().value()).token == 1);

    fixture.loop.send(slowId, ping(2), Lane::Urgent);

    int before = 0;
    int frames = 0;
    for (bool found = false; frames < kFrames || !found;)
    {
        const auto message = slow.receive();
        REQUIRE(message);
        if (std::holds_alternative<PingMessage>(*message))
        {
            found = true;
            before = frames;
        }
        else
        {
            ++frames;
        }
    }
    CHECK(before < kFrames / 2);
    CHECK(frames == kFrames);
}

TEST_CASE("EventLoop: a peer that asks and takes no answers is not read until it does",
          "[eventloop]")
{
    constexpr int kFrames = 100;
    EventLoopLimits limits;
    limits.urgentBytes = 100'000;
    LoopFixture fixture(limits);
    auto [peer, id] = fixture.greeted("a", 4096);
    auto [other, otherId] = fixture.greeted("b");
    const auto frame = frameOf(100'000);
    for (int i = 0; i < kFrames; ++i)
    {
        fixture.loop.send(id, frame, Lane::Urgent);
    }
    fixture.loop.send(otherId, ping(1), Lane::Urgent);
    REQUIRE(other.receive()); // by now the frames are queued
    peer.send(CreditMessage{1});
    other.send(PingMessage{2});
    REQUIRE(other.receive()); // by now the loop has seen what it watches

    while (const auto event = fixture.events.tryPop())
    {
        CHECK(std::holds_alternative<PeerSent>(*event));
    }

    SECTION("it takes them after all")
    {
        for (int i = 0; i < kFrames; ++i)
        {
            REQUIRE(peer.receive());
        }
        CHECK(std::holds_alternative<CreditMessage>(fixture.next<PeerMessage>().message));
    }
    SECTION("it never does")
    {
        // Bytes may still have been on their way at the first look, hence more than one.
        bool ended = false;
        for (int i = 0; i < 1000 && !ended; ++i)
        {
            fixture.advance(151s);
            const auto event = fixture.events.pop(100ms);
            const auto* gone = event ? std::get_if<PeerDisconnected>(&*event) : nullptr;
            ended = gone != nullptr && gone->connection == id;
        }
        CHECK(ended);
    }
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
