// Tests the pace of the poller.

#include "agent/watch/PollingWatcher.h"

#include "tests/agent/watch/RealFolder.h"
#include "tests/support/ManualClock.h"

#include <catch2/catch.hpp>

namespace tidewire {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("PollingWatcher: scanning takes a tenth of the time at most", "[watch]")
{
    const PollingOptions options{seconds(5), minutes(10)};

    CHECK(pollInterval(milliseconds(1), options) == seconds(5));
    CHECK(pollInterval(seconds(2), options) == seconds(20));
    CHECK(pollInterval(hours(1), options) == minutes(10));
    CHECK(pollInterval(SteadyTime::max(), options) == minutes(10));
    CHECK(pollInterval(SteadyTime::min(), options) == seconds(5));
}

TEST_CASE("PollingWatcher: other rules are a reason to scan at once", "[watch]")
{
    const TempFolder folder;
    const SystemClock clock;
    HintQueue hints;
    PollingWatcher watcher(hints.sink(), clock, {hours(1), hours(1)});
    watcher.add(1, folder.path(), {});
    CHECK_FALSE(hints.tryNext());

    watcher.setIgnored(1, {});

    CHECK(hints.next() == Hint{1, RelativePath(), HintScope::Subtree, HintTiming::Settled});
}

TEST_CASE("PollingWatcher: every folder has its own pace", "[watch]")
{
    const TempFolder slow;
    const TempFolder quick;
    const SystemClock clock;
    HintQueue hints;
    PollingWatcher watcher(hints.sink(), clock, {milliseconds(1), hours(1)});
    watcher.add(1, slow.path(), {});
    watcher.noteScan(1, minutes(6));
    while (hints.tryNext())
    {
    }

    watcher.add(2, quick.path(), {});

    for (int i = 0; i < 10; ++i)
    {
        const auto hint = hints.next();
        REQUIRE(hint);
        CHECK(hint->watch == 2);
    }
    CHECK(watcher.coverage(1).polled == 1);
    CHECK(watcher.coverage(1).watched == 0);
    CHECK(watcher.coverage(1).problem.empty());
}

TEST_CASE("PollingWatcher: the shortest time of one folder is its own", "[watch]")
{
    const TempFolder asked;
    const TempFolder other;
    const ManualClock clock;
    HintQueue hints;
    PollingWatcher watcher(hints.sink(), clock, {hours(1), hours(2)});
    watcher.setShortest(1, SteadyTime(0));

    watcher.add(1, asked.path(), {});
    watcher.add(2, other.path(), {});

    for (int i = 0; i < 10; ++i)
    {
        const auto hint = hints.next();
        REQUIRE(hint);
        CHECK(hint->watch == 1);
    }
}

TEST_CASE("PollingWatcher: what is not watched can be asked about and removed", "[watch]")
{
    const SystemClock clock;
    HintQueue hints;
    PollingWatcher watcher(hints.sink(), clock, {});

    watcher.remove(9);
    watcher.setIgnored(9, {});
    watcher.noteScan(9, seconds(1));

    CHECK(watcher.coverage(9).polled == 0);
}

} // namespace tidewire
