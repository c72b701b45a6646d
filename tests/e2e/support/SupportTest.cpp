// The tools of the end-to-end tests themselves: what they say must be true.

#include "tests/e2e/support/Eventually.h"
#include "tests/e2e/support/Files.h"
#include "tests/e2e/support/Process.h"
#include "tests/e2e/support/Traffic.h"
#include "tests/e2e/support/TreeSnapshot.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <ctime>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

/// Two ends of a connection through a Traffic.
struct Line
{
    static UniqueFd listenerOn(std::uint16_t& port)
    {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(fd.get(), generic, length) == 0);
        REQUIRE(::listen(fd.get(), 8) == 0);
        REQUIRE(::getsockname(fd.get(), generic, &length) == 0);
        port = ntohs(address.sin_port);
        return fd;
    }

    void connect()
    {
        agent.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(traffic.port());
        REQUIRE(::connect(agent.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }

    void acceptRelay() { relay.reset(::accept(listener.get(), nullptr, nullptr)); }

    static std::string receive(const UniqueFd& fd, std::size_t size)
    {
        std::string bytes(size, '\0');
        const ssize_t got = ::recv(fd.get(), bytes.data(), size, MSG_WAITALL);
        return got < 0 ? "broken" : bytes.substr(0, static_cast<std::size_t>(got));
    }

    static void send(const UniqueFd& fd, const std::string& bytes)
    {
        ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }

    std::uint16_t port = 0;
    UniqueFd listener = listenerOn(port);
    Traffic traffic{"127.0.0.1", port};
    UniqueFd agent;
    UniqueFd relay;
};

} // namespace

TEST_CASE("TreeSnapshot: equal trees show no difference, whatever their holes", "[e2e]")
{
    const TempFolder left;
    const TempFolder right;
    for (const auto* folder : {&left, &right})
    {
        makeFolders(*folder / "dir/empty");
        writeFile(*folder / "dir/file", "content");
        makeLink("nowhere", *folder / "link");
        makeFolders(*folder / ".tidewire");
        writeFile(*folder / ".tidewire/own", folder->path());
        setMtime(*folder / "dir/file", 5, 7);
        setMtime(*folder / "link", -5, 7);
    }
    writeFile(left / "sparse", std::string(100000, '\0') + "end");
    writeFile(right / "sparse", "");
    resizeFile(right / "sparse", 100000);
    appendFile(right / "sparse", "end");
    setMtime(left / "sparse", 1, 1);
    setMtime(right / "sparse", 1, 1);

    CHECK(treeDifference(left.path(), right.path()) == "");
    CHECK(TreeSnapshot::take(left.path()).entries().size() == 5);
}

TEST_CASE("TreeSnapshot: every kind of difference is found", "[e2e]")
{
    const TempFolder left;
    const TempFolder right;
    for (const auto* folder : {&left, &right})
    {
        writeFile(*folder / "file", "content");
        setMtime(*folder / "file", 5, 7);
        makeFolders(*folder / "dir");
        makeLink("a", *folder / "link");
        setMtime(*folder / "link", 5, 7);
    }
    REQUIRE(treeDifference(left.path(), right.path()) == "");

    SECTION("content of the same size and time")
    {
        writeFile(right / "file", "CONTENT");
        setMtime(right / "file", 5, 7);
    }
    SECTION("nanoseconds")
    {
        setMtime(right / "file", 5, 8);
    }
    SECTION("mode of a folder")
    {
        changeMode(right / "dir", 0700);
    }
    SECTION("kind")
    {
        removeTree(right / "dir");
        makeLink("a", right / "dir");
    }
    SECTION("target of a link")
    {
        removeTree(right / "link");
        makeLink("b", right / "link");
        setMtime(right / "link", 5, 7);
    }
    SECTION("an entry more on the right")
    {
        writeFile(right / "dir/more", "");
    }
    SECTION("an entry more on the left")
    {
        makeFolders(left / "dir/more");
    }

    CHECK(treeDifference(left.path(), right.path()) != "");
}

TEST_CASE("Process: exit code, signal and outputs are seen", "[e2e]")
{
    const ProgramResult result = runProgram("/bin/sh", {"-c", "echo out; echo err >&2; exit 3"});
    CHECK(result.exitCode == 3);
    CHECK(result.out == "out\n");
    CHECK(result.err == "err\n");

    const TempFolder folder;
    Process process("/bin/sleep", {"1000"}, folder / "out", folder / "err");
    CHECK(process.running());
    CHECK(process.residentBytes() > 0);
    CHECK(process.cpuSeconds() < 10);
    CHECK(process.terminate() == -SIGTERM);
    CHECK_FALSE(process.running());
}

TEST_CASE("Traffic: bytes go through and are counted each way", "[e2e]")
{
    Line line;
    line.connect();
    line.acceptRelay();

    Line::send(line.agent, "hello");
    CHECK(Line::receive(line.relay, 5) == "hello");
    Line::send(line.relay, "good day");
    CHECK(Line::receive(line.agent, 8) == "good day");

    CHECK(line.traffic.bytes(Direction::Up) == 5);
    CHECK(line.traffic.bytes(Direction::Down) == 8);
    line.agent.reset();
    CHECK(Line::receive(line.relay, 1).empty());
}

TEST_CASE("Traffic: a cut ends the connection, offline refuses new ones", "[e2e]")
{
    Line line;
    line.connect();
    line.acceptRelay();
    Line::send(line.agent, "x");
    REQUIRE(Line::receive(line.relay, 1) == "x");

    line.traffic.goOffline();
    CHECK(Line::receive(line.agent, 1) != "x");
    CHECK(Line::receive(line.relay, 1) != "x");
    line.connect();
    CHECK(Line::receive(line.agent, 1) != "x");
    CHECK(line.traffic.attempts() == 2);

    line.traffic.goOnline();
    line.connect();
    line.acceptRelay();
    Line::send(line.relay, "y");
    CHECK(Line::receive(line.agent, 1) == "y");
}

TEST_CASE("Traffic: it goes offline after exactly so many bytes", "[e2e]")
{
    Line line;
    line.traffic.goOfflineAfter(Direction::Up, 3);
    line.connect();
    line.acceptRelay();

    Line::send(line.agent, "abcdef");

    CHECK(eventually([&] { return !line.traffic.online(); }));
    CHECK(line.traffic.bytes(Direction::Up) == 3);
}

TEST_CASE("Traffic: a stalled line keeps its bytes and gives them later", "[e2e]")
{
    Line line;
    line.connect();
    line.acceptRelay();
    line.traffic.setStalled(true);
    Line::send(line.agent, "later");
    CHECK(line.traffic.bytes(Direction::Up) == 0);

    line.traffic.setStalled(false);

    CHECK(Line::receive(line.relay, 5) == "later");
}

TEST_CASE("Traffic: a rate lets all bytes through in time", "[e2e]")
{
    Line line;
    line.traffic.setRate(1 << 20);
    line.connect();
    line.acceptRelay();

    Line::send(line.agent, std::string(20000, 'r'));

    CHECK(Line::receive(line.relay, 20000) == std::string(20000, 'r'));
}
