// Backoff: ceilings, jitter, and when it starts anew.

#include "shared/net/Backoff.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace tidewire;
using namespace std::chrono_literals;

TEST_CASE("Backoff: a delay never exceeds its ceiling, which doubles up to a minute", "[backoff]")
{
    const auto seed = GENERATE(range(std::uint64_t{0}, std::uint64_t{50}));
    CAPTURE(seed);
    Backoff backoff(seed);
    SteadyTime ceiling = 500ms;
    for (int attempt = 0; attempt < 12; ++attempt)
    {
        const SteadyTime delay = backoff.failed(0s);

        CAPTURE(attempt);
        CHECK(delay >= 0s);
        CHECK(delay <= ceiling);
        ceiling = std::min<SteadyTime>(ceiling * 2, 60s);
    }
}

TEST_CASE("Backoff: agents with different seeds do not come back together", "[backoff]")
{
    std::set<SteadyTime> delays;
    for (std::uint64_t seed = 0; seed < 100; ++seed)
    {
        delays.insert(Backoff(seed).failed(0s));
    }

    CHECK(delays.size() > 95);
}

TEST_CASE("Backoff: the same seed gives the same delays", "[backoff]")
{
    Backoff one(7);
    Backoff other(7);

    CHECK(one.failed(0s) == other.failed(0s));
    CHECK(one.failed(0s) == other.failed(0s));
}

TEST_CASE("Backoff: only a stable minute starts it anew", "[backoff]")
{
    const auto [lasted, startsAnew] =
        GENERATE(table<SteadyTime, bool>({{59s, false}, {60s, true}, {3600s, true}}));
    CAPTURE(lasted.count());
    // With many seeds, a ceiling of a minute shows as a delay above the first ceiling.
    SteadyTime longest{0};
    for (std::uint64_t seed = 0; seed < 50; ++seed)
    {
        Backoff backoff(seed);
        for (int attempt = 0; attempt < 10; ++attempt)
        {
            static_cast<void>(backoff.failed(0s));
        }
        backoff.connected(1000s);
        longest = std::max(longest, backoff.failed(1000s + lasted));
    }

    CHECK((longest <= Backoff::kFirstCeiling) == startsAnew);
}

TEST_CASE("Backoff: a minute without a connection is no stable minute", "[backoff]")
{
    SteadyTime longest{0};
    for (std::uint64_t seed = 0; seed < 50; ++seed)
    {
        Backoff backoff(seed);
        for (int attempt = 0; attempt < 10; ++attempt)
        {
            static_cast<void>(backoff.failed(std::chrono::minutes(attempt)));
        }
        longest = std::max(longest, backoff.failed(1h));
    }

    CHECK(longest > Backoff::kFirstCeiling);
}
