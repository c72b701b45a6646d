// The core thread's loop, run on the test's own thread over what is queued.

#include "relay/CoreLoop.h"

#include "tests/relay/session/RelayFixture.h"

#include <catch2/catch.hpp>

using namespace tidewire;

TEST_CASE_METHOD(RelayFixture,
                 "CoreLoop: what is queued at the end is committed and answered",
                 "[relay]")
{
    RelayEventQueue events(kEventQueueBytes);
    std::size_t emptied = 0;
    CoreLoop loop(core, events, clock, [&] { ++emptied; });
    HelloMessage hello;
    hello.agent = "kitchen";
    hello.shares.emplace_back().name = "photos";
    REQUIRE(events.pushNow(PeerConnected{1, "test", {}}));
    REQUIRE(events.pushNow(PeerMessage{1, hello}));
    REQUIRE(events.pushNow(PeerMessage{1, ProposeMessage{0, {proposalOf("a", folderEntry())}}}));
    loop.stop();

    loop.run();

    CHECK(store().state().head == 1);
    take<WelcomeMessage>(1);
    CHECK(take<ResultMessage>(1).results.at(0).verdict == Verdict::Accepted);
    CHECK(emptied > 0);
}
