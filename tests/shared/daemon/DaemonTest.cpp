// Daemon: the command line, and the life of a program by its exit codes.

#include "shared/daemon/Daemon.h"

#include "shared/base/Errors.h"
#include "tests/support/DatagramSocket.h"
#include "tests/support/Environment.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/stat.h>

#include <functional>
#include <vector>

using namespace tidewire;
using Catch::Matchers::Contains;

namespace {

DaemonArguments parse(std::vector<const char*> words)
{
    return parseDaemonArguments(words);
}

/// Notes what happens; each hook may do something of the test's.
class ProbeDaemon: public Daemon
{
public:
    ProbeDaemon(): Daemon("probe") {}

    void load(const std::string& file) override
    {
        calls += "load ";
        onLoad(file);
    }
    [[nodiscard]] LogLevel logLevel() const override { return LogLevel::Error; }
    void start() override
    {
        calls += "start ";
        onStart();
    }
    void reload() override
    {
        calls += "reload ";
        onReload();
    }
    void stop() override { calls += "stop "; }
    void pulse(const HeartbeatPtr& heartbeat) override { heartbeat->say("probing"); }

    int runWith(std::vector<const char*> words)
    {
        words.insert(words.begin(), "probe");
        return run(static_cast<int>(words.size()), words.data());
    }

    std::string calls;
    std::function<void(const std::string&)> onLoad = [](const std::string&) {
    };
    std::function<void()> onStart = [] {
    };
    std::function<void()> onReload = [] {
    };
};

void raiseHere(int signal)
{
    // All are blocked by run(), so that they wait for its sigwait().
    ::pthread_kill(::pthread_self(), signal);
}

} // namespace

TEST_CASE("Daemon: the arguments are understood in both forms and any order", "[daemon]")
{
    const DaemonArguments spaced = parse({"--verbose", "--config", "a.ini", "--check"});
    CHECK(spaced.config == "a.ini");
    CHECK(spaced.check);
    CHECK(spaced.verbose);
    CHECK_FALSE(spaced.version);
    CHECK(parse({"--config=b=c.ini"}).config == "b=c.ini");
    CHECK(parse({"--version"}).version);
    CHECK(parse({"-h"}).help);
}

TEST_CASE("Daemon: arguments that make no sense are refused with the word", "[daemon]")
{
    CHECK_THROWS_WITH(parse({}), Contains("--config FILE is missing"));
    CHECK_THROWS_WITH(parse({"--config"}), Contains("needs a file name"));
    CHECK_THROWS_WITH(parse({"--config="}), Contains("needs a file name"));
    CHECK_THROWS_WITH(parse({"--confg", "x"}), Contains("--confg (did you mean --config?)"));
    CHECK_THROWS_WITH(parse({"--config", "x", "extra"}), Contains("unknown argument extra"));
}

TEST_CASE("Daemon: wrong usage ends with 64, before anything is done", "[daemon]")
{
    ProbeDaemon daemon;

    CHECK(daemon.runWith({"--nonsense"}) == 64);

    CHECK(daemon.calls.empty());
}

TEST_CASE("Daemon: the files that it makes are nobody else's", "[daemon]")
{
    const mode_t before = ::umask(0);
    ProbeDaemon daemon;
    mode_t inside = 0;
    daemon.onStart = [&] {
        inside = ::umask(077);
        raiseHere(SIGTERM);
    };

    CHECK(daemon.runWith({"--config", "x"}) == 0);

    ::umask(before);
    CHECK(inside == 077);
}

TEST_CASE("Daemon: SIGTERM ends it with 0", "[daemon]")
{
    const auto signal = GENERATE(SIGTERM, SIGINT);
    ProbeDaemon daemon;
    daemon.onStart = [&] {
        raiseHere(signal);
    };

    CHECK(daemon.runWith({"--config", "x"}) == 0);

    CHECK(daemon.calls == "load start stop ");
}

TEST_CASE("Daemon: SIGHUP reads the file again, and a wrong one changes nothing", "[daemon]")
{
    ProbeDaemon daemon;
    int loads = 0;
    daemon.onLoad = [&](const std::string& file) {
        CHECK(file == "x");
        if (++loads == 2)
        {
            raiseHere(SIGHUP);
            throw ConfigError("x:1: wrong");
        }
    };
    daemon.onStart = [] {
        raiseHere(SIGHUP);
    };
    daemon.onReload = [] {
        raiseHere(SIGTERM);
    };

    CHECK(daemon.runWith({"--config", "x"}) == 0);

    CHECK(daemon.calls == "load start load load reload stop ");
}

TEST_CASE("Daemon: a wrong configuration ends it with 78, with --check too", "[daemon]")
{
    ProbeDaemon daemon;
    daemon.onLoad = [](const std::string&) {
        throw ConfigError("x:1: wrong\nx:2: wrong too");
    };

    CHECK(daemon.runWith({"--config", "x"}) == 78);
    CHECK(daemon.runWith({"--config", "x", "--check"}) == 78);

    CHECK(daemon.calls == "load load ");
}

TEST_CASE("Daemon: --check of a right configuration ends with 0 and starts nothing", "[daemon]")
{
    ProbeDaemon daemon;

    CHECK(daemon.runWith({"--config", "x", "--check"}) == 0);

    CHECK(daemon.calls == "load ");
}

TEST_CASE("Daemon: what start() throws ends it with 1, after stop()", "[daemon]")
{
    ProbeDaemon daemon;
    daemon.onStart = [] {
        throw Error("cannot listen");
    };

    CHECK(daemon.runWith({"--config", "x"}) == 1);

    CHECK(daemon.calls == "load start stop ");
}

TEST_CASE("Daemon: fail() ends it with 1", "[daemon]")
{
    ProbeDaemon daemon;
    daemon.onStart = [&] {
        daemon.fail("the disk is gone");
        daemon.fail("and more");
    };

    CHECK(daemon.runWith({"--config", "x"}) == 1);

    CHECK(daemon.calls == "load start stop ");
}

TEST_CASE("Daemon: a service manager is told of start, work, reload and end", "[daemon]")
{
    const TempFolder folder;
    const DatagramSocket manager(folder / "notify");
    const Environment address("NOTIFY_SOCKET", folder / "notify");
    ProbeDaemon daemon;
    daemon.onStart = [] {
        raiseHere(SIGHUP);
    };
    daemon.onReload = [] {
        raiseHere(SIGTERM);
    };

    CHECK(daemon.runWith({"--config", "x"}) == 0);

    CHECK(manager.take() == "READY=1\nSTATUS=running");
    CHECK(manager.take() == "WATCHDOG=1\nSTATUS=probing");
    CHECK_THAT(manager.take(), Contains("RELOADING=1\nMONOTONIC_USEC="));
    CHECK(manager.take() == "READY=1\nSTATUS=the configuration was read again");
    CHECK(manager.take() == "WATCHDOG=1\nSTATUS=probing");
    CHECK_THAT(manager.take(), Contains("STOPPING=1"));
    CHECK(manager.take().empty());
}

TEST_CASE("Daemon: a start that fails is never called ready", "[daemon]")
{
    const TempFolder folder;
    const DatagramSocket manager(folder / "notify");
    const Environment address("NOTIFY_SOCKET", folder / "notify");
    ProbeDaemon daemon;
    daemon.onStart = [] {
        throw Error("cannot listen");
    };

    CHECK(daemon.runWith({"--config", "x"}) == 1);

    CHECK_THAT(manager.take(), Contains("STOPPING=1"));
    CHECK(manager.take().empty());
}
