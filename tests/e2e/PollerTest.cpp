// The same promises without notifications: watch = poll.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"
#include "tests/e2e/support/TreeSnapshot.h"

#include <catch2/catch.hpp>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

/// A poll may take its whole interval to see a change.
constexpr auto kLong = std::chrono::seconds(120);

struct PolledPair
{
    Cluster cluster;
    AgentNode& one = cluster.startAgent("one", {"watch = poll\npoll = 1s\n", ""});
    AgentNode& two = cluster.startAgent("two", {"watch = poll\npoll = 1s\n", ""});
};

} // namespace

TEST_CASE("Poller: all kinds of changes arrive both ways", "[e2e]")
{
    PolledPair pair;
    makeFolders(pair.one / "dir/sub");
    writeFile(pair.one / "dir/sub/file", "x");
    writeFile(pair.one / "deleted", "x");
    writeFile(pair.one / "log", textBytes(1, 100000));
    writeFile(pair.one / "kind", "x");
    makeLink("dir", pair.one / "link");
    pair.cluster.await(
        "the tree arrives", [&] { return exists(pair.two / "link"); }, kLong);
    pair.cluster.settle({}, kLong);

    AgentNode& from = GENERATE(false, true) ? pair.two : pair.one;
    AgentNode& to = &from == &pair.one ? pair.two : pair.one;
    removeTree(from / "deleted");
    appendFile(from / "log", "more");
    renamePath(from / "dir", from / "renamed");
    writeFile(from / "renamed/sub/new", "new");
    changeMode(from / "renamed/sub/file", 0600);
    removeTree(from / "kind");
    makeFolders(from / "kind/inside");
    const TreeSnapshot expected = TreeSnapshot::take(from.folder());

    pair.cluster.await(
        "the changes arrive",
        [&] { return expected.differenceTo(TreeSnapshot::take(to.folder())).empty(); },
        kLong);
    pair.cluster.settle({}, kLong);
    CHECK(expected.differenceTo(TreeSnapshot::take(from.folder())) == "");
}

TEST_CASE("Poller: an edit that keeps size and mtime is seen", "[e2e]")
{
    PolledPair pair;
    writeFile(pair.one / "file", "first");
    setMtime(pair.one / "file", 1600000000, 0);
    pair.cluster.await(
        "it arrives", [&] { return exists(pair.two / "file"); }, kLong);

    overwriteAt(pair.one / "file", 0, "other");
    setMtime(pair.one / "file", 1600000000, 0);

    pair.cluster.await(
        "the edit arrives", [&] { return readFile(pair.two / "file") == "other"; }, kLong);
}

TEST_CASE("Poller: what it applies does not come back", "[e2e]")
{
    PolledPair pair;
    writeFile(pair.one / "file", randomBytes(1, 1 << 20));
    pair.cluster.await(
        "it arrives", [&] { return exists(pair.two / "file"); }, kLong);
    writeFile(pair.two / "answer", "x");
    pair.cluster.await(
        "a later scan has run", [&] { return exists(pair.one / "answer"); }, kLong);

    CHECK(pair.two.traffic().bytes(Direction::Up) < 16384);
    CHECK(countNames(pair.one.folder(), "conflict") == 0);
}
