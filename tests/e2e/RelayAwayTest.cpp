// A relay or a network that is away is not in anybody's way.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

constexpr auto kLong = std::chrono::seconds(120);

/// Most memory that a program may take; a sanitizer keeps what was freed.
constexpr std::uint64_t kMaxResident = (kIsSanitized ? 1024U : 64U) << 20U;

std::size_t lines(const std::string& text)
{
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

} // namespace

TEST_CASE("Away: an agent that is started before its relay connects when it comes", "[e2e]")
{
    Cluster cluster;
    cluster.relay().stop();
    AgentNode& one = cluster.startAgent("one");
    AgentNode& two = cluster.startAgent("two");
    writeFile(one / "file", "written before the relay came");
    cluster.await("they have tried", [&] { return one.traffic().attempts() > 1; });

    cluster.startRelay();

    cluster.await(
        "the file arrives", [&] { return exists(two / "file"); }, kLong);
}

TEST_CASE("Away: repeated failure does not flood the log", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "file", "x");
    pair.cluster.settle();
    const std::size_t before = lines(pair.one.log());
    const std::uint64_t attempts = pair.one.traffic().attempts();
    pair.one.traffic().goOffline();

    pair.cluster.await(
        "it tries again and again",
        [&] { return pair.one.traffic().attempts() >= attempts + 4; },
        kLong);
    CHECK(lines(pair.one.log()) - before <= 3);

    pair.one.traffic().goOnline();
    writeFile(pair.one / "file", "changed meanwhile");
    pair.cluster.await(
        "it is back", [&] { return readFile(pair.two / "file") == "changed meanwhile"; }, kLong);
    CHECK(lines(pair.one.log()) - before <= 8);
}

TEST_CASE("Away: while the relay is away an agent gathers changes without growing", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "first", "x");
    pair.cluster.settle();
    pair.one.traffic().goOffline();
    makeFolders(pair.one / "many");
    for (unsigned i = 0; i < 3000; ++i)
    {
        writeFile(pair.one / ("many/file-" + std::to_string(i)), textBytes(i, 4000));
    }
    CHECK(pair.one.process().residentBytes() < kMaxResident);

    pair.one.traffic().goOnline();
    pair.cluster.settle({}, kLong);
    CHECK(countNames(pair.two / "many", "") == 3000);
}

TEST_CASE("Away: cuts at any moment lose nothing and double nothing", "[e2e]")
{
    Pair pair;
    for (unsigned round = 0; round < 20; ++round)
    {
        pair.one.traffic().goOfflineAfter(Direction::Up, 200 + round * 5000);
        pair.two.traffic().goOfflineAfter(Direction::Down, 100 + round * 7000);
        for (unsigned i = 0; i < 10; ++i)
        {
            writeFile(pair.one / ("file-" + std::to_string(i)), textBytes(round * 10 + i, 8000));
        }
        appendFile(pair.one / "log", "round " + std::to_string(round) + "\n");
        pair.one.traffic().goOnline();
        pair.two.traffic().goOnline();
        if (round % 5 == 4)
        {
            pair.one.traffic().cut();
            pair.two.traffic().cut();
        }
    }
    // Cuts that are still to come must not keep it offline.
    pair.cluster.await(
        "all arrives",
        [&] {
            pair.one.traffic().goOnline();
            pair.two.traffic().goOnline();
            return readFile(pair.two / "log") == readFile(pair.one / "log") &&
                   readFile(pair.two / "file-9") == textBytes(199, 8000);
        },
        kLong);
    pair.one.traffic().goOfflineAfter(Direction::Up, ~0ULL);
    pair.two.traffic().goOfflineAfter(Direction::Down, ~0ULL);
    pair.one.traffic().goOnline();
    pair.two.traffic().goOnline();

    pair.cluster.settle({}, kLong);
    CHECK(countNames(pair.one.folder(), "conflict") == 0);
}

TEST_CASE("Away: a line that stalled goes on", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "before", "x");
    pair.cluster.settle();
    pair.two.traffic().setStalled(true);
    writeFile(pair.one / "meanwhile", "x");
    pair.cluster.awaitQuiet(pair.one);
    CHECK_FALSE(exists(pair.two / "meanwhile"));

    pair.two.traffic().setStalled(false);

    pair.cluster.await(
        "it goes on", [&] { return exists(pair.two / "meanwhile"); }, kLong);
}

TEST_CASE("Away: one agent that does not read holds up no other", "[e2e]")
{
    Pair pair;
    AgentNode& three = pair.cluster.startAgent("three");
    writeFile(pair.one / "before", "x");
    pair.cluster.settle();
    three.traffic().setStalled(true);

    writeFile(pair.one / "large", randomBytes(1, 20 << 20));
    pair.cluster.await("the others go on", [&] { return exists(pair.two / "large"); });
    for (unsigned i = 0; i < 200; ++i)
    {
        writeFile(pair.one / ("file-" + std::to_string(i)), randomBytes(i, 50000));
    }
    pair.cluster.await("and on", [&] { return countNames(pair.two.folder(), "file-") == 200; });
    CHECK(pair.cluster.relay().process().residentBytes() < kMaxResident);

    three.traffic().setStalled(false);
    pair.cluster.settle({}, kLong);
}
