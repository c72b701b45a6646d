// Ignored paths stay where they are; shares that only send or only receive.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <catch2/catch.hpp>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

/// Waits until what was written before has gone both ways.
void exchangeSigns(Cluster& cluster, AgentNode& one, AgentNode& two, const std::string& name)
{
    writeFile(one / ("sign-1-" + name), "");
    writeFile(two / ("sign-2-" + name), "");
    cluster.await("the signs arrive", [&] {
        return exists(two / ("sign-1-" + name)) && exists(one / ("sign-2-" + name));
    });
    cluster.awaitQuiet(one);
    cluster.awaitQuiet(two);
}

} // namespace

TEST_CASE("Ignore: patterns of the INI file keep paths at home", "[e2e]")
{
    Cluster cluster;
    const AgentOptions options = {"ignore = *.tmp, /cache/, !keep.tmp, logs/**/debug\n", ""};
    AgentNode& one = cluster.startAgent("one", options);
    AgentNode& two = cluster.startAgent("two", options);
    makeFolders(one / "cache/deep");
    makeFolders(one / "sub/cache");
    makeFolders(one / "logs/a/b");
    writeFile(one / "cache/deep/file", "x");
    writeFile(one / "work.tmp", "x");
    writeFile(one / "sub/work.tmp", "x");
    writeFile(one / "logs/a/b/debug", "x");
    writeFile(one / "keep.tmp", "kept");
    writeFile(one / "sub/cache/file", "kept");

    exchangeSigns(cluster, one, two, "a");

    CHECK(readFile(two / "keep.tmp") == "kept");
    CHECK(readFile(two / "sub/cache/file") == "kept");
    CHECK(exists(two / "logs/a/b"));
    for (const char* path : {"cache", "work.tmp", "sub/work.tmp", "logs/a/b/debug"})
    {
        CAPTURE(path);
        CHECK(exists(one / path));
        CHECK_FALSE(exists(two / path));
    }
}

TEST_CASE("Ignore: the file in the root is synchronised and obeyed on every side", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / ".tidewireignore", "# comment\n*.o\n!important.o\nbuild/\n/only-root\n");
    pair.cluster.settle();
    for (AgentNode* agent : {&pair.one, &pair.two})
    {
        const std::string own = agent->name();
        makeFolders(*agent / "build");
        makeFolders(*agent / "sub");
        writeFile(*agent / ("build/of-" + own), "x");
        writeFile(*agent / ("of-" + own + ".o"), "x");
        writeFile(*agent / "only-root", own);
    }
    writeFile(pair.one / "important.o", "kept");
    writeFile(pair.one / "sub/only-root", "kept");

    exchangeSigns(pair.cluster, pair.one, pair.two, "a");

    CHECK(readFile(pair.two / "important.o") == "kept");
    CHECK(readFile(pair.two / "sub/only-root") == "kept");
    CHECK(readFile(pair.two / "only-root") == "two");
    CHECK(readFile(pair.one / "only-root") == "one");
    CHECK_FALSE(exists(pair.two / "build/of-one"));
    CHECK_FALSE(exists(pair.one / "of-two.o"));
}

TEST_CASE("Ignore: a pattern that goes lets the files go out", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / ".tidewireignore", "secret*/\n*.log\n");
    pair.cluster.settle();
    makeFolders(pair.one / "secret folder/deep");
    writeFile(pair.one / "secret folder/deep/file", "x");
    writeFile(pair.one / "a.log", "x");
    exchangeSigns(pair.cluster, pair.one, pair.two, "a");
    REQUIRE_FALSE(exists(pair.two / "a.log"));

    writeFile(pair.one / ".tidewireignore", "*.log\n");
    pair.cluster.await("what is no longer ignored arrives",
                       [&] { return exists(pair.two / "secret folder/deep/file"); });
    writeFile(pair.one / "secret folder/deep/later", "watched now");
    pair.cluster.await("later changes arrive too",
                       [&] { return exists(pair.two / "secret folder/deep/later"); });

    CHECK_FALSE(exists(pair.two / "a.log"));
    removeTree(pair.one / ".tidewireignore");
    pair.cluster.await("the rest arrives", [&] { return exists(pair.two / "a.log"); });
    pair.cluster.settle();
}

TEST_CASE("Ignore: a pattern that comes deletes nothing anywhere", "[e2e]")
{
    Pair pair;
    makeFolders(pair.one / "folder");
    writeFile(pair.one / "folder/file", "x");
    writeFile(pair.one / "a.log", "x");
    pair.cluster.settle();

    writeFile(pair.one / ".tidewireignore", "*.log\nfolder/\n");
    pair.cluster.settle();
    writeFile(pair.one / "a.log", "changed at home");
    writeFile(pair.two / "folder/new", "at home too");
    exchangeSigns(pair.cluster, pair.one, pair.two, "a");

    CHECK(readFile(pair.one / "a.log") == "changed at home");
    CHECK(readFile(pair.two / "a.log") == "x");
    CHECK(exists(pair.one / "folder/file"));
    CHECK(exists(pair.two / "folder/file"));
    CHECK_FALSE(exists(pair.one / "folder/new"));
}

TEST_CASE("Ignore: a folder with ignored files inside can still be deleted elsewhere", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / ".tidewireignore", "*.o\n");
    makeFolders(pair.one / "project");
    writeFile(pair.one / "project/main.c", "x");
    pair.cluster.settle();
    writeFile(pair.two / "project/main.o", "built here");

    removeTree(pair.one / "project");
    pair.cluster.await("the deletion arrives",
                       [&] { return !exists(pair.two / "project/main.c"); });
    exchangeSigns(pair.cluster, pair.one, pair.two, "a");

    // What is ignored belongs to its own side: nobody else may delete it.
    CHECK(readFile(pair.two / "project/main.o") == "built here");
    CHECK_FALSE(exists(pair.one / "project/main.c"));
}

TEST_CASE("Modes: mode = send lets nothing in", "[e2e]")
{
    Cluster cluster;
    AgentNode& sender = cluster.startAgent("sender", {"mode = send\n", ""});
    AgentNode& other = cluster.startAgent("other");
    writeFile(sender / "file", "from the sender");
    cluster.await("it arrives", [&] { return readFile(other / "file") == "from the sender"; });

    writeFile(other / "new", "from the other");
    writeFile(other / "file", "changed by the other");
    cluster.awaitQuiet(other);
    writeFile(sender / "last", "x");
    cluster.await("the sender goes on", [&] { return exists(other / "last"); });
    cluster.awaitQuiet(sender);

    CHECK(readFile(sender / "file") == "from the sender");
    CHECK_FALSE(exists(sender / "new"));
}

TEST_CASE("Modes: mode = receive lets nothing out", "[e2e]")
{
    Cluster cluster;
    AgentNode& receiver = cluster.startAgent("receiver", {"mode = receive\n", ""});
    AgentNode& other = cluster.startAgent("other");
    writeFile(other / "file", "first");
    cluster.await("it arrives", [&] { return readFile(receiver / "file") == "first"; });

    writeFile(receiver / "own", "stays here");
    writeFile(receiver / "file", "changed here");
    cluster.awaitQuiet(receiver);
    writeFile(other / "last", "x");
    cluster.await("the receiver goes on", [&] { return exists(receiver / "last"); });
    cluster.awaitQuiet(other);

    CHECK_FALSE(exists(other / "own"));
    CHECK(readFile(other / "file") == "first");
    CHECK(readFile(receiver / "own") == "stays here");

    writeFile(other / "file", "second");
    cluster.await("the newer content arrives",
                  [&] { return readFile(receiver / "file") == "second"; });
    CHECK(countNames(receiver.folder(), "conflict") == 1);
    CHECK(countNames(other.folder(), "conflict") == 0);
}
