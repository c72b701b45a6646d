// HandshakeQueue: whose turn it is, and how much time all of them get.

#include "relay/HandshakeQueue.h"

#include <catch2/catch.hpp>

using namespace tidewire;
using namespace std::chrono_literals;

namespace {

constexpr SteadyTime kStart = 1000s;

} // namespace

TEST_CASE("HandshakeQueue: who came first is served first", "[relay][handshake]")
{
    HandshakeQueue queue;
    CHECK(queue.nextAt(kStart) == SteadyTime::max());
    queue.add(7, "a");
    queue.add(3, "b");
    queue.add(5, "a");
    queue.remove(3);

    CHECK(queue.nextAt(kStart) == kStart);
    CHECK(queue.next(kStart) == 7);
    CHECK(queue.next(kStart) == 5);
    CHECK_FALSE(queue.next(kStart));
}

TEST_CASE("HandshakeQueue: networks that have failed come after all others, for a while",
          "[relay][handshake]")
{
    HandshakeQueue queue;
    queue.failed("bad", kStart);
    queue.add(1, "bad");
    queue.add(2, "good");
    queue.add(3, "bad");
    queue.add(4, "other");

    CHECK(queue.next(kStart) == 2);
    CHECK(queue.next(kStart) == 4);
    CHECK(queue.next(kStart) == 1);
    queue.add(5, "good");
    CHECK(queue.next(kStart + HandshakeQueue::kSuspicion) == 3);
    CHECK(queue.next(kStart + HandshakeQueue::kSuspicion) == 5);
}

TEST_CASE("HandshakeQueue: after a burst handshakes get half of the time", "[relay][handshake]")
{
    constexpr SteadyTime kCost = 1ms;
    HandshakeQueue queue;
    SteadyTime now = kStart;
    int burst = 0;
    queue.add(1, "a");
    while (queue.next(now))
    {
        ++burst;
        queue.spent(kCost);
        queue.add(1, "a");
    }
    CHECK(burst == HandshakeQueue::kBurst / kCost);

    int later = 0;
    while (now < kStart + 1s)
    {
        now = queue.nextAt(now);
        REQUIRE(queue.next(now));
        ++later;
        queue.spent(kCost);
        queue.add(1, "a");
    }
    CHECK(later >= 450);
    CHECK(later <= 501);
}

TEST_CASE("HandshakeQueue: one handshake that takes long is paid for before the next",
          "[relay][handshake]")
{
    HandshakeQueue queue;
    queue.add(1, "a");
    REQUIRE(queue.next(kStart));
    queue.spent(HandshakeQueue::kBurst + 100ms);
    queue.add(2, "a");

    CHECK_FALSE(queue.next(kStart));
    CHECK_FALSE(queue.next(kStart + 199ms));
    CHECK(queue.nextAt(kStart + 199ms) > kStart + 199ms);
    CHECK(queue.nextAt(kStart + 199ms) < kStart + 202ms);
    CHECK(queue.next(kStart + 201ms) == 2);
}

TEST_CASE("HandshakeQueue: any number of networks may fail", "[relay][handshake]")
{
    HandshakeQueue queue;
    for (std::size_t i = 0; i < 3 * HandshakeQueue::kMostSuspects; ++i)
    {
        queue.failed(std::to_string(i), kStart);
    }
    queue.failed("last", kStart);
    queue.add(1, "last");
    queue.add(2, "good");

    CHECK(queue.next(kStart) == 2);
}
