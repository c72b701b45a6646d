// From the close of a small file on one agent to its being visible on another, via the relay.
//
// LatencyBench [--rounds N]

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <iostream>

#include "bench/Figures.h"

using namespace tidewire;
using namespace tidewire::bench;
using namespace tidewire::e2e;

namespace {

/// Hears when a name appears in a folder, by rename or by exchange.
class Arrivals
{
public:
    explicit Arrivals(const std::string& folder): _fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK))
    {
        if (::inotify_add_watch(_fd.get(), folder.c_str(), IN_MOVED_TO | IN_CREATE) < 0)
        {
            throw std::runtime_error("cannot watch " + folder);
        }
    }

    /// False when it does not come within a few seconds.
    bool await(const std::string& name)
    {
        for (;;)
        {
            pollfd polled = {_fd.get(), POLLIN, 0};
            if (::poll(&polled, 1, 10000) <= 0)
            {
                return false;
            }
            alignas(inotify_event) std::array<char, 65536> buffer;
            const ssize_t got = ::read(_fd.get(), buffer.data(), buffer.size());
            for (ssize_t at = 0; at < got;)
            {
                inotify_event event = {};
                std::memcpy(&event, buffer.data() + at, sizeof event);
                if (event.len != 0 && name == buffer.data() + at + sizeof event)
                {
                    return true;
                }
                at += static_cast<ssize_t>(sizeof event + event.len);
            }
        }
    }

private:
    UniqueFd _fd;
};

} // namespace

int main(int argc, char** argv)
{
    const unsigned rounds = option(argc, argv, "rounds", 500);
    Cluster cluster;
    AgentNode& one = cluster.startAgent("one", {"", "", Route::Direct});
    AgentNode& two = cluster.startAgent("two", {"", "", Route::Direct});
    writeFile(one / "first", "x");
    cluster.await("they are connected", [&] { return exists(two / "first"); });

    Arrivals arrivals(two.folder());
    std::vector<double> milliseconds;
    for (unsigned i = 0; i < rounds; ++i)
    {
        // Every other one is a new file, the rest are new contents of existing ones.
        const std::string name = "file-" + std::to_string(i % 2 == 0 ? i : i % 20);
        const std::string content = textBytes(i, 200 + i * 7 % 4000);
        writeFile(one / name, content);
        const Stopwatch watch;
        do
        {
            if (!arrivals.await(name))
            {
                std::cerr << "round " << i << " does not arrive\n" << two.log();
                return 1;
            }
        } while (readFile(two / name) != content);
        milliseconds.push_back(watch.seconds() * 1000);
    }
    printFigure("latency_p50", percentile(milliseconds, 0.5), "ms", "< 6");
    printFigure("latency_p90", percentile(milliseconds, 0.9), "ms");
    printFigure("latency_p99", percentile(milliseconds, 0.99), "ms", "< 30");
    printFigure("latency_max", percentile(milliseconds, 1), "ms");
    return 0;
}
