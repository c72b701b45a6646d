// Nothing is deleted on doubt: lost folders, markers, states and stores lead to a union.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"
#include "tests/e2e/support/TreeSnapshot.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

/// True when some file of the folder has this content.
bool holds(const std::string& folder, const std::string& content)
{
    for (const auto& item : std::filesystem::recursive_directory_iterator(folder))
    {
        if (item.is_regular_file() && readFile(item.path().string()) == content)
        {
            return true;
        }
    }
    return false;
}

constexpr auto kLong = std::chrono::seconds(120);

void makeTree(const AgentNode& agent)
{
    makeFolders(agent / "dir/empty");
    for (unsigned i = 0; i < 30; ++i)
    {
        writeFile(agent / ("dir/file-" + std::to_string(i)), randomBytes(i, 20000));
    }
    writeFile(agent / "top", "top");
}

void copyTree(const std::string& from, const std::string& to)
{
    std::filesystem::copy(from,
                          to,
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::copy_symlinks);
}

/// A pair with a tree on both sides and what it looks like.
struct FilledPair: Pair
{
    /// Nothing of the tree is missing at the first agent.
    void checkNothingLost() const
    {
        CHECK(tree.differenceTo(TreeSnapshot::take(one.folder())) == "");
    }

    /// Waits until the first agent has surely heard what the second has to say, if anything.
    void awaitOneWay()
    {
        writeFile(one / "sign", "x");
        cluster.awaitQuiet(one);
        removeTree(one / "sign");
        cluster.awaitQuiet(one);
    }

    TreeSnapshot tree = [this] {
        makeTree(one);
        cluster.settle();
        return TreeSnapshot::take(one.folder());
    }();
};

} // namespace

TEST_CASE("Safety: a folder whose disk is not mounted deletes nothing, and goes on later", "[e2e]")
{
    const bool isRunning = GENERATE(false, true);
    CAPTURE(isRunning);
    FilledPair pair;
    const std::string away = pair.cluster.scratch("unmounted");
    if (!isRunning)
    {
        pair.two.stop();
    }

    renamePath(pair.two.folder(), away);
    makeFolders(pair.two.folder()); // the empty mount point
    if (!isRunning)
    {
        pair.two.start();
    }
    pair.awaitOneWay();
    pair.checkNothingLost();
    CHECK(countNames(pair.two.folder(), "") == 0);

    removeTree(pair.two.folder());
    renamePath(away, pair.two.folder());
    writeFile(pair.one / "later", "x");
    pair.cluster.await(
        "it starts again by itself", [&] { return exists(pair.two / "later"); }, kLong);
    pair.cluster.settle();
}

TEST_CASE("Safety: a missing folder deletes nothing, and goes on later", "[e2e]")
{
    const bool isRunning = GENERATE(false, true);
    CAPTURE(isRunning);
    FilledPair pair;
    const std::string away = pair.cluster.scratch("moved-away");
    if (!isRunning)
    {
        pair.two.stop();
    }

    renamePath(pair.two.folder(), away);
    if (!isRunning)
    {
        pair.two.start();
    }
    pair.awaitOneWay();
    pair.checkNothingLost();
    CHECK_FALSE(exists(pair.two.folder()));
    CHECK(pair.two.running());

    renamePath(away, pair.two.folder());
    writeFile(pair.one / "later", "x");
    pair.cluster.await(
        "it starts again by itself", [&] { return exists(pair.two / "later"); }, kLong);
    pair.cluster.settle();
}

TEST_CASE("Safety: a missing marker stops the share", "[e2e]")
{
    FilledPair pair;
    pair.two.stop();
    renamePath(pair.two / ".tidewire", pair.cluster.scratch("marker"));
    removeTree(pair.two / "dir");
    pair.two.start();

    pair.awaitOneWay();
    pair.checkNothingLost();
    CHECK_FALSE(exists(pair.two / "dir"));
    CHECK_FALSE(exists(pair.two / ".tidewire"));
    pair.cluster.await("the log says so", [&] { return pair.two.logLines("marker") > 0; });
}

TEST_CASE("Safety: the marker of another folder stops the share", "[e2e]")
{
    FilledPair pair;
    Cluster foreign;
    AgentNode& stranger = foreign.startAgent("stranger");
    foreign.awaitQuiet(stranger);
    pair.two.stop();
    removeTree(pair.two.folder());
    stranger.stop();
    copyTree(stranger.folder(), pair.two.folder());
    pair.two.start();

    pair.awaitOneWay();
    pair.checkNothingLost();
    CHECK(countNames(pair.two.folder(), "") == 0);
}

TEST_CASE("Safety: a folder that was emptied while the agent was off is filled again", "[e2e]")
{
    FilledPair pair;
    pair.two.stop();
    removeTree(pair.two / "dir");
    removeTree(pair.two / "top");

    pair.two.start();

    pair.cluster.await("all comes back", [&] { return exists(pair.two / "dir/file-29"); });
    pair.cluster.settle();
    pair.checkNothingLost();
}

TEST_CASE("Safety: a relay whose store was wiped gets the union from its agents", "[e2e]")
{
    FilledPair pair;
    pair.cluster.relay().stop();
    writeFile(pair.one / "of one", "1");
    writeFile(pair.two / "of two", "2");
    removeTree(pair.cluster.relay().stateFolder());
    makeFolders(pair.cluster.relay().stateFolder());

    pair.cluster.startRelay();
    pair.cluster.await(
        "both new files arrive",
        [&] { return exists(pair.two / "of one") && exists(pair.one / "of two"); },
        kLong);
    pair.cluster.settle();

    CHECK(countNames(pair.one.folder(), "conflict") == 0);
    removeTree(pair.one / "of one");
    removeTree(pair.one / "of two");
    pair.cluster.settle();
    pair.checkNothingLost();
}

TEST_CASE("Safety: a relay that was restored from an older copy leads to a union", "[e2e]")
{
    FilledPair pair;
    const std::string copy = pair.cluster.scratch("backup");
    pair.cluster.relay().stop();
    copyTree(pair.cluster.relay().stateFolder(), copy);
    pair.cluster.startRelay();
    writeFile(pair.one / "after the backup", "new");
    writeFile(pair.one / "top", "edited after the backup");
    pair.cluster.await(
        "the changes arrive",
        [&] {
            return readFile(pair.two / "top") == "edited after the backup" &&
                   exists(pair.two / "after the backup");
        },
        kLong);
    pair.cluster.settle();

    pair.cluster.relay().stop();
    removeTree(pair.cluster.relay().stateFolder());
    renamePath(copy, pair.cluster.relay().stateFolder());
    pair.cluster.startRelay();
    writeFile(pair.one / "sign-1", "");
    writeFile(pair.two / "sign-2", "");
    pair.cluster.await(
        "they go on",
        [&] { return exists(pair.two / "sign-1") && exists(pair.one / "sign-2"); },
        kLong);
    pair.cluster.settle();

    CHECK(readFile(pair.one / "after the backup") == "new");
    // Nobody can tell any more which of the two contents is the newer one: both are kept.
    CHECK(holds(pair.one.folder(), "edited after the backup"));
    CHECK(holds(pair.one.folder(), "top"));
    CHECK(exists(pair.one / "dir/file-29"));

    // Whoever joins now gets all of it from the relay.
    AgentNode& three = pair.cluster.startAgent("three");
    pair.cluster.settle();
    CHECK(holds(three.folder(), "edited after the backup"));
}

TEST_CASE("Safety: an agent whose state was wiped adopts what it has", "[e2e]")
{
    FilledPair pair;
    pair.two.stop();
    removeTree(pair.two.stateFolder());
    makeFolders(pair.two.stateFolder());
    writeFile(pair.one / "while it was off", "x");
    const std::uint64_t before =
        pair.two.traffic().bytes(Direction::Up) + pair.two.traffic().bytes(Direction::Down);

    pair.two.start();
    pair.cluster.await("it goes on", [&] { return exists(pair.two / "while it was off"); });
    pair.cluster.settle();

    removeTree(pair.one / "while it was off");
    pair.cluster.settle();
    pair.checkNothingLost();
    CHECK(pair.two.traffic().bytes(Direction::Up) + pair.two.traffic().bytes(Direction::Down) -
              before <
          50000);
}

TEST_CASE("Safety: an edit made while the state was lost is not lost", "[e2e]")
{
    FilledPair pair;
    pair.two.stop();
    removeTree(pair.two.stateFolder());
    makeFolders(pair.two.stateFolder());
    writeFile(pair.two / "top", "edited here");
    writeFile(pair.one / "top", "edited there");
    pair.cluster.awaitQuiet(pair.one);

    pair.two.start();
    pair.cluster.await("it goes on",
                       [&] { return countNames(pair.one.folder(), "top.conflict-") == 1; });
    pair.cluster.settle();
    CHECK(readFile(pair.two / "top") == "edited there");
}

TEST_CASE("Safety: a link in the way of a folder leads nobody outside", "[e2e]")
{
    FilledPair pair;
    const std::string outside = pair.cluster.scratch("outside");
    makeFolders(outside);
    writeFile(outside + "/file-0", "must stay");
    pair.two.stop();
    renamePath(pair.two / "dir", pair.cluster.scratch("dir"));
    makeLink(outside, pair.two / "dir");
    writeFile(pair.one / "dir/file-0", "must not go outside");
    writeFile(pair.one / "dir/new", "must not go outside");
    removeTree(pair.one / "dir/file-1");
    pair.cluster.awaitQuiet(pair.one);

    pair.two.start();
    writeFile(pair.one / "sign", "");
    pair.cluster.await("it goes on", [&] { return exists(pair.two / "sign"); });
    pair.cluster.settle();

    CHECK(readFile(outside + "/file-0") == "must stay");
    CHECK_FALSE(exists(outside + "/new"));
}

TEST_CASE("Safety: bytes that are no protocol harm nobody", "[e2e]")
{
    FilledPair pair;
    for (const std::string& bytes :
         {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100000, '\xFF'), std::string(1, '\0')})
    {
        const std::string file = pair.cluster.scratch("bytes");
        writeFile(file, bytes);
        runShell("/",
                 "bash -c 'cat " + file + " > /dev/tcp/" + pair.cluster.relayHost() + "/" +
                     std::to_string(pair.cluster.relayPort()) + "' 2>/dev/null || true");
    }

    writeFile(pair.one / "after", "x");
    pair.cluster.await("agents go on", [&] { return exists(pair.two / "after"); });
    CHECK(pair.cluster.relay().running());
}
