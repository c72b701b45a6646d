// What a person sees with journalctl.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

std::size_t lines(const std::string& text)
{
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

} // namespace

TEST_CASE("Logs: a connection is one line on each side when it comes", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "file", "x");
    pair.cluster.settle();

    CHECK(pair.one.logLines("onnected") == 1);
    CHECK(pair.cluster.relay().logLines("one") >= 1);
}

TEST_CASE("Logs: a connection that ends and comes back is a line each", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "file", "x");
    pair.cluster.settle();
    const std::size_t agent = lines(pair.one.log());
    const std::size_t relay = lines(pair.cluster.relay().log());

    pair.one.traffic().cut();
    pair.cluster.await("it is back", [&] { return pair.one.traffic().attempts() > 1; });
    writeFile(pair.one / "file", "y");
    pair.cluster.await("it goes on", [&] { return readFile(pair.two / "file") == "y"; });

    CHECK(lines(pair.one.log()) - agent >= 2);
    CHECK(lines(pair.one.log()) - agent <= 5);
    CHECK(lines(pair.cluster.relay().log()) - relay >= 2);
    CHECK(lines(pair.cluster.relay().log()) - relay <= 5);
}

TEST_CASE("Logs: a batch of many files is a summary, not a line each", "[e2e]")
{
    Pair pair;
    for (unsigned i = 0; i < 500; ++i)
    {
        writeFile(pair.one / ("file-" + std::to_string(i)), textBytes(i, 100));
    }
    pair.cluster.settle();

    CHECK(lines(pair.one.log()) < 100);
    CHECK(lines(pair.two.log()) < 100);
    CHECK(lines(pair.cluster.relay().log()) < 100);
}

TEST_CASE("Logs: a file is named at level debug, not at info", "[e2e]")
{
    Cluster cluster;
    AgentNode& one = cluster.startAgent("one", {"", "log = debug\n"});
    AgentNode& two = cluster.startAgent("two");
    writeFile(one / "some file", "x");
    cluster.settle();

    CHECK(one.logLines("some file") >= 1);
    CHECK(two.logLines("some file") == 0);
}

TEST_CASE("Logs: a conflict is one line that names the file", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "disputed", "base");
    pair.cluster.settle();
    pair.two.traffic().goOffline();
    writeFile(pair.one / "disputed", "one");
    pair.cluster.awaitQuiet(pair.one);
    writeFile(pair.two / "disputed", "two");
    pair.two.traffic().goOnline();
    pair.cluster.await("the copy arrives",
                       [&] { return countNames(pair.one.folder(), "disputed.conflict-") == 1; });
    pair.cluster.settle();

    CHECK(pair.two.logLines("disputed.conflict-") == 1);
}

TEST_CASE("Logs: a file name cannot forge a line", "[e2e]")
{
    Pair pair;
    const std::string name = "x\n<2> forged line";
    writeFile(pair.one / name, "base");
    pair.cluster.settle();
    pair.two.traffic().goOffline();
    writeFile(pair.one / name, "one");
    pair.cluster.awaitQuiet(pair.one);
    writeFile(pair.two / name, "two");
    pair.two.traffic().goOnline();
    pair.cluster.await("the copy arrives",
                       [&] { return countNames(pair.one.folder(), ".conflict-") == 1; });

    for (Node* node : {static_cast<Node*>(&pair.two), &pair.cluster.relay()})
    {
        CHECK(node->log().find("\n<2> forged") == std::string::npos);
    }
}

TEST_CASE("Logs: no content of a file stands in them", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "file", "password=7b1c9f");
    pair.cluster.settle();
    writeFile(pair.one / "file", "password=7b1c9f, changed");
    pair.cluster.settle();

    for (Node* node :
         {static_cast<Node*>(&pair.one), static_cast<Node*>(&pair.two), &pair.cluster.relay()})
    {
        CHECK(node->log().find("7b1c9f") == std::string::npos);
    }
}

TEST_CASE("Logs: a path that is too long for the share holds up nothing else", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "before", "x");
    pair.cluster.settle();
    const std::string name(200, 'd');
    UniqueFd folder(::open(pair.one.folder().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int depth = 0; depth < 30; ++depth)
    {
        REQUIRE(::mkdirat(folder.get(), name.c_str(), 0755) == 0);
        folder.reset(::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        REQUIRE(folder);
    }
    writeFile(pair.one / "after", "x");

    pair.cluster.await("other files go on", [&] { return exists(pair.two / "after"); });
    runShell(pair.one.folder(), "rm -rf " + name);
}
