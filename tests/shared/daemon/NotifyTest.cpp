// Notify and Pulse: what a service manager hears.

#include "shared/daemon/Notify.h"

#include "shared/daemon/Pulse.h"
#include "tests/support/DatagramSocket.h"
#include "tests/support/Environment.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <vector>

using namespace tidewire;
using namespace std::chrono_literals;
using Catch::Matchers::StartsWith;

namespace {

/// A service manager that watches every `watchdog` microseconds.
struct Manager
{
    explicit Manager(const std::string& watchdog = "40000000"):
        socket(folder / "notify"),
        address("NOTIFY_SOCKET", folder / "notify"),
        interval("WATCHDOG_USEC", watchdog),
        process("WATCHDOG_PID", std::to_string(::getpid()))
    {
    }

    TempFolder folder;
    DatagramSocket socket;
    Environment address;
    Environment interval;
    Environment process;
};

} // namespace

TEST_CASE("Notify: the manager hears of start, reload and end", "[notify]")
{
    const Manager manager;
    const Notify notify;
    REQUIRE(notify.isHeard());

    notify.ready("2 agents connected");
    notify.reloading();
    notify.stopping();

    CHECK(manager.socket.take() == "READY=1\nSTATUS=2 agents connected");
    const std::string reloading = manager.socket.take();
    CHECK_THAT(reloading, StartsWith("RELOADING=1\nMONOTONIC_USEC="));
    CHECK(reloading.find_first_of("123456789", reloading.find("USEC=")) != std::string::npos);
    CHECK_THAT(manager.socket.take(), StartsWith("STOPPING=1\n"));
    CHECK(manager.socket.take().empty());
}

TEST_CASE("Notify: a socket in the abstract namespace is reached", "[notify]")
{
    const std::string name = "@tidewire-test-" + std::to_string(::getpid());
    const DatagramSocket socket(name);
    const Environment address("NOTIFY_SOCKET", name);

    Notify().alive("at work");

    CHECK(socket.take() == "WATCHDOG=1\nSTATUS=at work");
}

TEST_CASE("Notify: nothing is said where nobody listens", "[notify]")
{
    const std::string address = GENERATE(as<std::string>(), "", "@", "relative", "vsock:2:1");
    const Environment variable("NOTIFY_SOCKET", address);
    const Environment watchdog("WATCHDOG_USEC", "1000000");
    const Notify notify;

    CHECK_FALSE(notify.isHeard());
    CHECK_FALSE(notify.watchdog());
    notify.ready("");
}

TEST_CASE("Notify: words cannot forge a field, and are cut", "[notify]")
{
    const Manager manager;
    const Notify notify;

    notify.alive("a\nREADY=1");
    notify.alive(std::string(10'000, 'x'));

    CHECK(manager.socket.take() == "WATCHDOG=1\nSTATUS=a READY=1");
    CHECK(manager.socket.take().size() < 1000);
}

TEST_CASE("Notify: a watchdog is another process's, off, or ours", "[notify]")
{
    const Manager manager("3000000");
    CHECK(Notify().watchdog() == SteadyTime(3s));
    {
        const Environment process("WATCHDOG_PID", "1");
        CHECK_FALSE(Notify().watchdog());
    }
    for (const char* wrong : {"0", "", "-5", "10s", "99999999999999999999999"})
    {
        const Environment interval("WATCHDOG_USEC", wrong);
        CHECK_FALSE(Notify().watchdog());
    }
}

TEST_CASE("Pulse: the watchdog is fed once the last thread has answered", "[notify]")
{
    const Manager manager;
    const Notify notify;
    Pulse pulse(notify);
    std::vector<HeartbeatPtr> threads;
    pulse.beat([&](const HeartbeatPtr& heartbeat) {
        heartbeat->say("2 shares");
        threads = {heartbeat, heartbeat};
    });
    CHECK(manager.socket.take().empty());

    threads.pop_back();
    CHECK(manager.socket.take().empty());
    threads.pop_back();

    CHECK(manager.socket.take() == "WATCHDOG=1\nSTATUS=2 shares");
}

TEST_CASE("Pulse: a thread that hangs is not asked again, and starves the watchdog", "[notify]")
{
    const Manager manager;
    const Notify notify;
    Pulse pulse(notify);
    HeartbeatPtr hung;
    pulse.beat([&](const HeartbeatPtr& heartbeat) { hung = heartbeat; });

    bool asked = false;
    pulse.beat([&](const HeartbeatPtr&) { asked = true; });
    CHECK_FALSE(asked);
    CHECK(manager.socket.take().empty());

    hung.reset();
    pulse.beat([&](const HeartbeatPtr&) { asked = true; });
    CHECK(asked);
}

TEST_CASE("Pulse: rounds are short enough for the watchdog, and never far apart", "[notify]")
{
    {
        const Manager manager("2000000");
        const Notify notify;
        CHECK(Pulse(notify).interval() == SteadyTime(500ms));
    }
    const Manager manager("600000000");
    const Notify notify;
    CHECK(Pulse(notify).interval() == Pulse::kLongest);
}
