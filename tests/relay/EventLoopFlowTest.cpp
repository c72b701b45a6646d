// EventLoop: full queues, slow readers and peers that take no answers.

#include "tests/relay/EventLoopFixture.h"

#include <map>

using namespace tidewire;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

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
    BackgroundSender sender({&one, &two}, [&one = one, &two = two] {
        for (std::uint32_t i = 0; i < kMessages; ++i)
        {
            one.send(CreditMessage{i});
            two.send(CreditMessage{i});
        }
    });

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
    constexpr int kFrames = 40; // far more than the kernel holds
    LoopFixture fixture;
    auto [slow, slowId] = fixture.greeted("slow", kSmallBuffer);
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
    constexpr int kFrames = 20;
    EventLoopLimits limits;
    limits.urgentBytes = 100'000;
    LoopFixture fixture(limits);
    auto [peer, id] = fixture.greeted("a", kSmallBuffer);
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
