// Liveness: when a PING goes out and when a peer is dead.

#include "shared/net/Liveness.h"

#include <catch2/catch.hpp>

using namespace tidewire;
using namespace std::chrono_literals;

namespace {

struct LivenessFixture
{
    Liveness liveness{45s, 20s, 0s};
};

} // namespace

TEST_CASE_METHOD(LivenessFixture, "Liveness: silence brings a PING, then the end", "[liveness]")
{
    CHECK(liveness.deadline() == SteadyTime(45s));
    CHECK(liveness.step(44s, 0, true) == LivenessStep::Nothing);
    CHECK(liveness.step(45s, 0, true) == LivenessStep::Ping);
    CHECK(liveness.deadline() == SteadyTime(65s));
    CHECK(liveness.step(64s, 0, true) == LivenessStep::Nothing);
    CHECK(liveness.step(65s, 0, true) == LivenessStep::Dead);
}

TEST_CASE_METHOD(LivenessFixture, "Liveness: any byte is a sign of life", "[liveness]")
{
    REQUIRE(liveness.step(45s, 0, true) == LivenessStep::Ping);

    liveness.heard(50s);

    CHECK(liveness.step(65s, 0, true) == LivenessStep::Nothing);
    CHECK(liveness.deadline() == SteadyTime(95s));
}

TEST_CASE_METHOD(LivenessFixture,
                 "Liveness: a slow line that still takes bytes is not dead",
                 "[liveness]")
{
    REQUIRE(liveness.step(45s, 100'000, true) == LivenessStep::Ping);

    CHECK(liveness.step(65s, 60'000, true) == LivenessStep::Nothing);
    CHECK(liveness.step(85s, 20'000, true) == LivenessStep::Nothing);
    CHECK(liveness.step(105s, 20'000, true) == LivenessStep::Dead);
}

TEST_CASE_METHOD(LivenessFixture,
                 "Liveness: a peer that is not read is asked again and not given up",
                 "[liveness]")
{
    REQUIRE(liveness.step(45s, 0, false) == LivenessStep::Ping);

    CHECK(liveness.step(65s, 0, false) == LivenessStep::Nothing);
    CHECK(liveness.step(110s, 0, false) == LivenessStep::Ping);
}
