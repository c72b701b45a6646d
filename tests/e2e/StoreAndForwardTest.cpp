// Agents that were away, that join later, that never meet; a relay that restarts.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"
#include "tests/e2e/support/TreeSnapshot.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

constexpr std::size_t kMiB = 1 << 20;

void makeTree(const AgentNode& agent)
{
    makeFolders(agent / "dir/empty");
    for (unsigned i = 0; i < 50; ++i)
    {
        writeFile(agent / ("dir/file-" + std::to_string(i)), randomBytes(i, 20000));
    }
    makeLink("dir", agent / "link");
    writeFile(agent / "large", randomBytes(99, 5 * kMiB));
}

} // namespace

TEST_CASE("Away: an agent gets what it missed, coalesced", "[e2e]")
{
    Pair pair;
    AgentNode& three = pair.cluster.startAgent("three");
    writeFile(pair.one / "file", randomBytes(0, 200000));
    pair.cluster.settle();
    pair.two.stop();
    for (unsigned i = 1; i <= 20; ++i)
    {
        const std::string content = randomBytes(i, 200000);
        writeFile(pair.one / "file", content);
        pair.cluster.await("the version arrives elsewhere",
                           [&] { return readFile(three / "file") == content; });
    }
    const std::uint64_t before = pair.two.traffic().bytes(Direction::Down);

    pair.two.start();
    pair.cluster.settle();

    CHECK(readFile(pair.two / "file") == randomBytes(20, 200000));
    CHECK(pair.two.traffic().bytes(Direction::Down) - before < 300000);
}

TEST_CASE("Away: an agent gets the delta to what it has, over many versions", "[e2e]")
{
    Pair pair;
    AgentNode& three = pair.cluster.startAgent("three");
    writeFile(pair.one / "large", randomBytes(0, 10 * kMiB));
    pair.cluster.settle();
    pair.two.stop();
    for (unsigned i = 1; i <= 10; ++i)
    {
        overwriteAt(pair.one / "large", i * 700000U, "version " + std::to_string(i));
        pair.cluster.settle({&pair.one, &three});
    }
    const std::uint64_t before = pair.two.traffic().bytes(Direction::Down);

    pair.two.start();
    pair.cluster.settle();

    CHECK(pair.two.traffic().bytes(Direction::Down) - before < 100000);
}

TEST_CASE("Away: all kinds of changes are caught up with", "[e2e]")
{
    Pair pair;
    makeTree(pair.one);
    writeFile(pair.one / "deleted", "x");
    writeFile(pair.one / "becomes folder", "x");
    makeFolders(pair.one / "deleted tree/below");
    writeFile(pair.one / "deleted tree/below/file", "x");
    pair.cluster.settle();

    pair.two.stop();
    removeTree(pair.one / "deleted");
    removeTree(pair.one / "deleted tree");
    removeTree(pair.one / "becomes folder");
    makeFolders(pair.one / "becomes folder/inside");
    renamePath(pair.one / "dir", pair.one / "renamed");
    changeMode(pair.one / "large", 0600);
    writeFile(pair.one / "new", "new");
    pair.cluster.awaitQuiet(pair.one);
    const TreeSnapshot expected = TreeSnapshot::take(pair.one.folder());
    pair.two.start();

    pair.cluster.settle();
    CHECK(expected.differenceTo(TreeSnapshot::take(pair.two.folder())) == "");
}

TEST_CASE("Away: changes made while the agent was off are found at its start", "[e2e]")
{
    Pair pair;
    makeTree(pair.one);
    pair.cluster.settle();
    pair.one.stop();
    renamePath(pair.one / "dir", pair.one / "renamed");
    removeTree(pair.one / "link");
    overwriteAt(pair.one / "large", 1000000, "changed");
    const TreeSnapshot expected = TreeSnapshot::take(pair.one.folder());

    pair.one.start();
    pair.cluster.await("the changes arrive", [&] {
        return expected.differenceTo(TreeSnapshot::take(pair.two.folder())).empty();
    });
    CHECK(expected.differenceTo(TreeSnapshot::take(pair.one.folder())) == "");
}

TEST_CASE("Joining: a new agent gets everything", "[e2e]")
{
    Pair pair;
    makeTree(pair.one);
    pair.cluster.settle();

    AgentNode& three = pair.cluster.startAgent("three");
    pair.cluster.settle();

    CHECK(readFile(three / "large") == randomBytes(99, 5 * kMiB));
}

TEST_CASE("Joining: a new agent gets everything when its writer is off", "[e2e]")
{
    Cluster cluster;
    AgentNode& one = cluster.startAgent("one");
    makeTree(one);
    cluster.awaitQuiet(one);
    one.stop();

    AgentNode& two = cluster.startAgent("two");
    cluster.settle({&one, &two});
    CHECK(exists(two / "large"));
}

TEST_CASE("Joining: agents that hold the same files adopt them without moving content", "[e2e]")
{
    Cluster cluster;
    AgentNode& one = cluster.addAgent("one");
    AgentNode& two = cluster.addAgent("two");
    makeTree(one);
    std::filesystem::copy(one.folder(),
                          two.folder(),
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::copy_symlinks);
    one.start();
    cluster.awaitQuiet(one);

    two.start();
    cluster.settle();

    CHECK(two.traffic().bytes(Direction::Up) < 100000);
    CHECK(two.traffic().bytes(Direction::Down) < 100000);
    CHECK(countNames(one.folder(), "conflict") == 0);
    CHECK(countNames(one / "dir", "conflict") == 0);
}

TEST_CASE("Joining: two agents with the same files at the same time make no conflicts", "[e2e]")
{
    Cluster cluster;
    AgentNode& one = cluster.addAgent("one");
    AgentNode& two = cluster.addAgent("two");
    for (AgentNode* agent : {&one, &two})
    {
        makeTree(*agent);
    }

    one.start();
    two.start();
    cluster.settle();

    CHECK(countNames(one.folder(), "conflict") == 0);
    CHECK(countNames(one / "dir", "conflict") == 0);
}

TEST_CASE("Joining: different files on both sides become their union", "[e2e]")
{
    Cluster cluster;
    AgentNode& one = cluster.addAgent("one");
    AgentNode& two = cluster.addAgent("two");
    makeFolders(one / "dir");
    makeFolders(two / "dir");
    writeFile(one / "dir/of one", "1");
    writeFile(two / "dir/of two", "2");

    one.start();
    two.start();
    cluster.settle();

    CHECK(readFile(two / "dir/of one") == "1");
    CHECK(readFile(one / "dir/of two") == "2");
}

TEST_CASE("Restart: the relay goes on where it was", "[e2e]")
{
    const bool isKilled = GENERATE(false, true);
    CAPTURE(isKilled);
    Pair pair;
    makeTree(pair.one);
    pair.cluster.settle();
    const std::uint64_t before = pair.one.traffic().bytes(Direction::Up);

    isKilled ? pair.cluster.relay().kill() : pair.cluster.relay().stop();
    writeFile(pair.one / "while it was away", "x");
    removeTree(pair.two / "link");
    pair.cluster.startRelay();

    pair.cluster.await("both changes go through", [&] {
        return exists(pair.two / "while it was away") && !exists(pair.one / "link");
    });
    pair.cluster.settle();
    CHECK(pair.one.traffic().bytes(Direction::Up) - before < 10000);
}

TEST_CASE("Restart: an agent goes on where it was and sends nothing again", "[e2e]")
{
    const bool isKilled = GENERATE(false, true);
    CAPTURE(isKilled);
    Pair pair;
    makeTree(pair.one);
    pair.cluster.settle();
    const std::uint64_t before =
        pair.two.traffic().bytes(Direction::Up) + pair.two.traffic().bytes(Direction::Down);

    isKilled ? pair.two.kill() : pair.two.stop();
    pair.two.start();
    writeFile(pair.one / "sign", "x");
    pair.cluster.await("the sign arrives", [&] { return exists(pair.two / "sign"); });
    pair.cluster.settle();

    CHECK(pair.two.traffic().bytes(Direction::Up) + pair.two.traffic().bytes(Direction::Down) -
              before <
          20000);
}

TEST_CASE("Never together: two agents that are never online at once stay in step", "[e2e]")
{
    Cluster cluster;
    AgentNode& one = cluster.addAgent("one");
    AgentNode& two = cluster.addAgent("two");
    makeTree(one);

    for (int round = 0; round < 4; ++round)
    {
        AgentNode& writer = round % 2 == 0 ? one : two;
        writer.start();
        cluster.awaitQuiet(writer);
        appendFile(writer / "diary", writer.name() + std::to_string(round) + "\n");
        removeTree(writer / ("dir/file-" + std::to_string(round)));
        cluster.awaitQuiet(writer);
        writer.stop();
    }
    one.start();
    cluster.awaitQuiet(one);
    cluster.settle({&one, &two});

    CHECK(readFile(one / "diary") == "one0\ntwo1\none2\ntwo3\n");
    CHECK_FALSE(exists(one / "dir/file-3"));
    CHECK(countNames(one.folder(), "conflict") == 0);
}
