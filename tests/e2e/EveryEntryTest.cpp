// Everything that a tree can hold comes to the other side as it is.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"
#include "tests/e2e/support/TreeSnapshot.h"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

constexpr std::uint64_t kGiB = 1ULL << 30U;

/// Settles, and checks that the sender's tree is still what it was when the change was made.
void settleUnchanged(Pair& pair, const TreeSnapshot& expected)
{
    pair.cluster.settle();
    CHECK(expected.differenceTo(TreeSnapshot::take(pair.one.folder())) == "");
    CHECK(expected.differenceTo(TreeSnapshot::take(pair.two.folder())) == "");
}

} // namespace

TEST_CASE("Entries: files of all sizes arrive with their content", "[e2e]")
{
    Pair pair;
    for (const std::size_t size : {0U,
                                   1U,
                                   2U,
                                   1023U,
                                   1024U,
                                   1025U,
                                   4096U,
                                   131071U,
                                   131072U,
                                   131073U,
                                   1048575U,
                                   1048576U,
                                   1048577U,
                                   5000000U})
    {
        writeFile(pair.one / ("random-" + std::to_string(size)), randomBytes(size, size));
        writeFile(pair.one / ("text-" + std::to_string(size)), textBytes(size, size));
    }

    settleUnchanged(pair, TreeSnapshot::take(pair.one.folder()));
}

TEST_CASE("Entries: any file name that Linux allows is a name", "[e2e]")
{
    Pair pair;
    const std::vector<std::string> names = {std::string(255, 'n'),
                                            "new\nline",
                                            "\xFF\xFE invalid utf-8 \xC0\x80",
                                            "-leading-dash",
                                            "trailing blank ",
                                            "   ",
                                            "back\\slash",
                                            "*",
                                            "?[a-z]",
                                            "...",
                                            "..a",
                                            "~",
                                            "quote\"'`$(x)",
                                            "tab\there",
                                            "\x01\x7F",
                                            "caf\xC3\xA9",
                                            "cafe\xCC\x81",
                                            "UPPER",
                                            "upper",
                                            "a:b",
                                            "con.",
                                            ".tidewire2",
                                            "#comment",
                                            "!bang"};
    for (const std::string& name : names)
    {
        writeFile(pair.one / name, "content of " + name);
        makeFolders(pair.one / ("folder/" + name));
        writeFile(pair.one / ("folder/" + name + "/inside"), name);
    }
    makeFolders(pair.one / "links");
    for (const std::string& name : names)
    {
        makeLink(name, pair.one / ("links/" + name));
    }

    settleUnchanged(pair, TreeSnapshot::take(pair.one.folder()));
}

TEST_CASE("Entries: a folder named like the marker below the root is an ordinary one", "[e2e]")
{
    Pair pair;
    makeFolders(pair.one / "below/.tidewire");
    writeFile(pair.one / "below/.tidewire/file", "x");

    settleUnchanged(pair, TreeSnapshot::take(pair.one.folder()));
}

TEST_CASE("Entries: deep paths arrive", "[e2e]")
{
    Pair pair;
    std::string path = pair.one.folder();
    for (int depth = 0; depth < 60; ++depth)
    {
        path += "/level-" + std::to_string(depth);
    }
    makeFolders(path);
    writeFile(path + "/leaf", "deep");

    settleUnchanged(pair, TreeSnapshot::take(pair.one.folder()));
}

TEST_CASE("Entries: empty folders and modes of folders arrive", "[e2e]")
{
    Pair pair;
    makeFolders(pair.one / "empty/more empty");
    makeFolders(pair.one / "private/inner");
    makeFolders(pair.one / "read only");
    writeFile(pair.one / "read only/file", "inside");
    changeMode(pair.one / "private/inner", 0711);
    changeMode(pair.one / "private", 0700);
    changeMode(pair.one / "read only", 0555);

    settleUnchanged(pair, TreeSnapshot::take(pair.one.folder()));
    changeMode(pair.one / "read only", 0755);
    changeMode(pair.two / "read only", 0755);
}

TEST_CASE("Entries: links are kept as links and never followed", "[e2e]")
{
    Pair pair;
    const std::string outside = pair.cluster.scratch("outside");
    makeFolders(outside);
    writeFile(outside + "/secret", "not for others");
    makeLink("nowhere/at all", pair.one / "dangling");
    makeLink(outside, pair.one / "absolute");
    makeLink("loop-b", pair.one / "loop-a");
    makeLink("loop-a", pair.one / "loop-b");
    makeLink(".", pair.one / "self");
    makeLink("..", pair.one / "parent");
    makeLink(std::string(4000, 'x'), pair.one / "long");
    setMtime(pair.one / "dangling", 1234567890, 987654321);

    settleUnchanged(pair, TreeSnapshot::take(pair.one.folder()));
    CHECK(readFile(outside + "/secret") == "not for others");
}

TEST_CASE("Entries: permission bits arrive, setuid and setgid do not", "[e2e]")
{
    Pair pair;
    for (const unsigned mode : {0600U, 0400U, 0644U, 0755U, 0777U, 0444U, 0100U, 0U})
    {
        const std::string path = pair.one / ("mode-" + std::to_string(mode));
        writeFile(path, "x");
        changeMode(path, mode);
    }
    writeFile(pair.one / "setuid", "x");
    changeMode(pair.one / "setuid", 06755);

    settleUnchanged(pair, TreeSnapshot::take(pair.one.folder()));
    CHECK(modeOf(pair.two / "setuid") == 0755);
    CHECK(modeOf(pair.one / "setuid") == 06755);
}

TEST_CASE("Entries: mtimes arrive to the nanosecond, before 1970 and far ahead too", "[e2e]")
{
    Pair pair;
    const std::vector<std::pair<std::time_t, long>> times = {{0, 0},
                                                             {0, 1},
                                                             {1, 999999999},
                                                             {-1, 999999999},
                                                             {-1, 1},
                                                             {-1000000, 5},
                                                             {1700000000, 123456789},
                                                             {2147483647, 1},
                                                             {2147483648, 0},
                                                             {4294967296, 7},
                                                             {-2147483647, 3}};
    for (const auto& [seconds, nanoseconds] : times)
    {
        const std::string path =
            pair.one / (std::to_string(seconds) + "." + std::to_string(nanoseconds));
        writeFile(path, "x");
        setMtime(path, seconds, nanoseconds);
    }

    settleUnchanged(pair, TreeSnapshot::take(pair.one.folder()));
}

TEST_CASE("Entries: a sparse file of 10 GiB with 1 MiB of data stays sparse", "[e2e]")
{
    Pair pair;
    const std::string path = pair.one / "sparse";
    writeFile(path, "");
    resizeFile(path, 10 * kGiB);
    overwriteAt(path, 3 * kGiB + 12345, randomBytes(1, 1 << 20));

    pair.cluster.settle({}, std::chrono::seconds(120));

    CHECK(sizeOf(pair.two / "sparse") == 10 * kGiB);
    CHECK(allocatedBytes(pair.two / "sparse") < 8 << 20);
    CHECK(pair.one.traffic().bytes(Direction::Up) < 2 << 20);
    CHECK(pair.two.traffic().bytes(Direction::Down) < 2 << 20);
}

TEST_CASE("Entries: data beyond 4 GiB arrives at its place", "[e2e]")
{
    Pair pair;
    const std::string path = pair.one / "large";
    writeFile(path, "begin");
    resizeFile(path, 4 * kGiB + 4096);
    appendFile(path, "the end");
    overwriteAt(path, 4 * kGiB - 3, "across");

    pair.cluster.settle({}, std::chrono::seconds(120));
    overwriteAt(path, 4 * kGiB + 100, "later");
    pair.cluster.settle({}, std::chrono::seconds(120));

    CHECK(sizeOf(pair.two / "large") == 4 * kGiB + 4096 + 7);
}

TEST_CASE("Entries: hard links are synchronised as separate files", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "first", "shared content");
    REQUIRE(::link((pair.one / "first").c_str(), (pair.one / "second").c_str()) == 0);

    pair.cluster.settle();
    CHECK(readFile(pair.two / "second") == "shared content");
    CHECK(inodeOf(pair.two / "first") != inodeOf(pair.two / "second"));

    // The second name changes without an event of its own.
    appendFile(pair.one / "first", " and more");
    pair.cluster.await("both names follow", [&] {
        return readFile(pair.two / "first") == "shared content and more" &&
               readFile(pair.two / "second") == "shared content and more";
    });
    pair.cluster.settle();
}

TEST_CASE("Entries: special files are skipped with one log line each", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "before", "1");
    REQUIRE(::mkfifo((pair.one / "a-fifo").c_str(), 0644) == 0);
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const std::string socketPath = pair.one / "a-socket";
    REQUIRE(socketPath.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, socketPath.c_str(), socketPath.size() + 1);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    for (int i = 0; i < 5; ++i)
    {
        writeFile(pair.one / ("after-" + std::to_string(i)), "2");
        changeMode(pair.one / "a-fifo", 0600U + static_cast<unsigned>(i));
        pair.cluster.await("the file arrives",
                           [&] { return exists(pair.two / ("after-" + std::to_string(i))); });
    }

    pair.cluster.settle();
    CHECK_FALSE(exists(pair.two / "a-fifo"));
    CHECK_FALSE(exists(pair.two / "a-socket"));
    CHECK(pair.one.logLines("a-fifo") == 1);
    CHECK(pair.one.logLines("a-socket") == 1);
}

TEST_CASE("Entries: content of a private file is never readable by others on its way", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "private", randomBytes(1, 3000000));
    changeMode(pair.one / "private", 0600);
    pair.cluster.settle();

    CHECK(modeOf(pair.two / "private") == 0600);
    CHECK((modeOf(pair.two / ".tidewire") & 077U) == 0);
}
