// From the close of a small file on one agent to its being visible on another, via the relay.
//
// LatencyBench [--rounds N] [--beside-mib N [--rate-mib N]]

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>
#include <limits>

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

/// Writes small files in one folder until `rounds` are done or `isOver` says so, and awaits each in the other.
std::vector<double> measure(const std::string& prefix,
                            AgentNode& from,
                            AgentNode& to,
                            unsigned rounds,
                            const std::function<bool()>& isOver)
{
    Arrivals arrivals(to.folder());
    std::vector<double> milliseconds;
    for (unsigned i = 0; i < rounds && !isOver(); ++i)
    {
        // Every other one is a new file, the rest are new contents of existing ones.
        const std::string name = prefix + "-" + std::to_string(i % 2 == 0 ? i : i % 20);
        const std::string content = textBytes(i, 200 + i * 7 % 4000);
        writeFile(from / name, content);
        const Stopwatch watch;
        do
        {
            if (!arrivals.await(name))
            {
                throw std::runtime_error("round " + std::to_string(i) + " does not arrive\n" +
                                         to.log());
            }
        } while (readFile(to / name) != content);
        milliseconds.push_back(watch.seconds() * 1000);
    }
    return milliseconds;
}

void print(const std::string& name, const std::vector<double>& milliseconds)
{
    printFigure(name + "_p50", percentile(milliseconds, 0.5), "ms", "< 6");
    printFigure(name + "_p90", percentile(milliseconds, 0.9), "ms");
    printFigure(name + "_p99", percentile(milliseconds, 0.99), "ms", "< 30");
    printFigure(name + "_max", percentile(milliseconds, 1), "ms");
}

/// The delay of small changes while a large file goes from one agent to the relay and on to the other.
void measureBeside(Cluster& cluster, AgentNode& one, AgentNode& two, unsigned mib, bool isSameWay)
{
    const std::string way = isSameWay ? "same_way" : "other_way";
    const std::string large = "large-" + way;
    const std::uint64_t size = std::uint64_t{mib} << 20U;
    writeRandomFile(cluster.scratch(large), isSameWay ? 1 : 2, size);
    renamePath(cluster.scratch(large), one / large);
    AgentNode& from = isSameWay ? one : two;
    AgentNode& to = isSameWay ? two : one;
    const Stopwatch watch;
    const auto delays = measure(
        way, from, to, std::numeric_limits<unsigned>::max(), [&] { return exists(two / large); });
    const double seconds = watch.seconds();
    print("beside_" + way, delays);
    printFigure("beside_" + way + "_changes", static_cast<double>(delays.size()), "");
    printFigure("beside_" + way + "_large", mib / seconds, "MiB/s");
}

} // namespace

int main(int argc, char** argv)
{
    const unsigned rounds = option(argc, argv, "rounds", 500);
    const unsigned besideMib = option(argc, argv, "beside-mib", 0);
    const unsigned rateMib = option(argc, argv, "rate-mib", 0);
    Cluster cluster;
    const AgentOptions options = {"", "", rateMib == 0 ? Route::Direct : Route::Counted};
    AgentNode& one = cluster.addAgent("one", options);
    AgentNode& two = cluster.addAgent("two", options);
    for (AgentNode* agent : {&one, &two})
    {
        if (rateMib != 0)
        {
            agent->traffic().setRate(std::uint64_t{rateMib} << 20U);
        }
        agent->start();
    }
    writeFile(one / "first", "x");
    cluster.await("they are connected", [&] { return exists(two / "first"); });

    print("latency", measure("alone", one, two, rounds, [] { return false; }));
    if (besideMib != 0)
    {
        measureBeside(cluster, one, two, besideMib, true);
        measureBeside(cluster, one, two, besideMib, false);
    }
    return 0;
}
