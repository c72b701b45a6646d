// DirtySet: hints coalesce, writers are waited for, and memory is bounded.

#include "agent/sync/DirtySet.h"

#include "tests/support/FileTools.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace tidewire;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> takeAll(DirtySet& set, SteadyTime now)
{
    std::vector<std::string> paths;
    while (const auto next = set.take(now))
    {
        paths.push_back(next->path.text());
    }
    return paths;
}

void mark(DirtySet& set, std::string_view path, HintTiming timing, SteadyTime now)
{
    set.mark(pathOf(path), HintScope::Entry, timing, now);
}

} // namespace

TEST_CASE("DirtySet: a path is in it once, however often it is hinted at", "[dirtyset]")
{
    DirtySet set;
    for (int i = 0; i < 1000; ++i)
    {
        mark(set, "a", HintTiming::Settled, 5s);
    }

    CHECK(set.size() == 1);
    CHECK(takeAll(set, 5s) == std::vector<std::string>{"a"});
    CHECK(set.empty());
    CHECK_FALSE(set.nextDue());
}

TEST_CASE("DirtySet: a settled path is due at once, and not as one that is written", "[dirtyset]")
{
    DirtySet set;
    mark(set, "a", HintTiming::Settled, 5s);

    CHECK_FALSE(set.take(5s - 1ns));
    const auto taken = set.take(5s);
    REQUIRE(taken);
    CHECK_FALSE(taken->forced);
    CHECK(taken->scope == HintScope::Entry);
}

TEST_CASE("DirtySet: what is due for longest comes first", "[dirtyset]")
{
    DirtySet set;
    mark(set, "c", HintTiming::Settled, 1s);
    mark(set, "a", HintTiming::Settled, 3s);
    mark(set, "b", HintTiming::Settled, 2s);

    CHECK(takeAll(set, 9s) == std::vector<std::string>{"c", "b", "a"});
}

TEST_CASE("DirtySet: a file that is written is due once it was quiet for a second", "[dirtyset]")
{
    DirtySet set;
    mark(set, "log", HintTiming::Writing, 0s);
    mark(set, "log", HintTiming::Writing, 600ms);

    CHECK(set.nextDue() == SteadyTime(1600ms));
    CHECK_FALSE(set.take(1600ms - 1ns));
    const auto taken = set.take(1600ms);
    REQUIRE(taken);
    CHECK(taken->forced);
}

TEST_CASE("DirtySet: a file that is never quiet is held for ten seconds and no longer",
          "[dirtyset]")
{
    DirtySet set;
    SteadyTime now{0};
    std::optional<DirtyPath> taken;
    while (!taken && now < 60s)
    {
        mark(set, "log", HintTiming::Writing, now);
        now += 100ms;
        taken = set.take(now);
    }

    REQUIRE(taken);
    CHECK(taken->forced);
    CHECK(now == 10s);
}

TEST_CASE("DirtySet: the hold begins anew after the path was taken", "[dirtyset]")
{
    DirtySet set;
    mark(set, "log", HintTiming::Writing, 0s);
    REQUIRE(set.take(10s));

    mark(set, "log", HintTiming::Writing, 10s);

    CHECK(set.nextDue() == SteadyTime(11s));
}

TEST_CASE("DirtySet: a close makes a written file due at once", "[dirtyset]")
{
    DirtySet set;
    mark(set, "a", HintTiming::Writing, 0s);
    mark(set, "a", HintTiming::Settled, 200ms);

    const auto taken = set.take(200ms);
    REQUIRE(taken);
    CHECK_FALSE(taken->forced);
}

TEST_CASE("DirtySet: a write does not put off what is due already", "[dirtyset]")
{
    DirtySet set;
    mark(set, "a", HintTiming::Settled, 1s);

    set.mark(pathOf("a"), HintScope::Subtree, HintTiming::Writing, 2s);

    const auto taken = set.take(2s);
    REQUIRE(taken);
    CHECK(taken->scope == HintScope::Subtree);
}

TEST_CASE("DirtySet: the widest scope of all hints counts", "[dirtyset]")
{
    DirtySet set;
    set.mark(pathOf("a"), HintScope::Subtree, HintTiming::Settled, 0s);
    SECTION("with a settled hint")
    {
        mark(set, "a", HintTiming::Settled, 1s);
    }
    SECTION("with one for later")
    {
        set.markLater(pathOf("a"), HintScope::Entry, 0s, 5s);
    }
    CHECK(set.take(9s)->scope == HintScope::Subtree);
}

TEST_CASE("DirtySet: another try comes after its delay, unless the path is due before",
          "[dirtyset]")
{
    DirtySet set;
    SECTION("alone")
    {
        set.markLater(pathOf("a"), HintScope::Entry, 1s, 5s);
        CHECK(set.nextDue() == SteadyTime(6s));
        CHECK_FALSE(set.take(6s)->forced);
    }
    SECTION("due before")
    {
        mark(set, "a", HintTiming::Settled, 1s);
        set.markLater(pathOf("a"), HintScope::Subtree, 1s, 5s);
        CHECK(set.nextDue() == SteadyTime(1s));
        CHECK(set.take(1s)->scope == HintScope::Subtree);
    }
    SECTION("being written, due before")
    {
        mark(set, "a", HintTiming::Writing, 1s);
        set.markLater(pathOf("a"), HintScope::Entry, 1s, 5s);
        CHECK(set.nextDue() == SteadyTime(2s));
        CHECK(set.take(2s)->forced);
    }
    SECTION("due after")
    {
        set.markLater(pathOf("a"), HintScope::Entry, 1s, 5s);
        set.markLater(pathOf("a"), HintScope::Entry, 1s, 2s);
        CHECK(set.nextDue() == SteadyTime(3s));
    }
    CHECK(set.size() <= 1);
}

TEST_CASE("DirtySet: a hint brings forward what waits for another try", "[dirtyset]")
{
    DirtySet set;
    set.markLater(pathOf("a"), HintScope::Entry, 0s, 60s);

    mark(set, "a", HintTiming::Settled, 1s);

    CHECK(takeAll(set, 1s) == std::vector<std::string>{"a"});
    CHECK(set.empty());
}

TEST_CASE("DirtySet: too many paths become one look at the whole share", "[dirtyset]")
{
    const bool later = GENERATE(true, false);
    DirtySet set;
    for (std::size_t i = 0; i < DirtySet::kMaxDirtyPaths; ++i)
    {
        mark(set, "f" + std::to_string(i), HintTiming::Settled, 1s);
    }
    CHECK(set.size() == DirtySet::kMaxDirtyPaths);

    if (later)
    {
        set.markLater(pathOf("one more"), HintScope::Entry, 2s, 5s);
    }
    else
    {
        mark(set, "one more", HintTiming::Writing, 2s);
    }

    REQUIRE(set.size() == 1);
    const auto taken = set.take(2s);
    REQUIRE(taken);
    CHECK(taken->path.isRoot());
    CHECK(taken->scope == HintScope::Subtree);
    CHECK_FALSE(set.nextDue());
}
