// Memory, processor time and wake-ups of agents and relay that have nothing to do.
//
// IdleBench [--files N] [--agents N] [--seconds N]

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <thread>

#include "bench/Figures.h"

using namespace tidewire;
using namespace tidewire::bench;
using namespace tidewire::e2e;

namespace {

constexpr double kMiB = 1 << 20;

/// Memory, processor time and wake-ups of one process over a while.
class Observation
{
public:
    Observation(std::string name, Process& process):
        _name(std::move(name)),
        _process(process),
        _cpu(process.cpuSeconds()),
        _wakeUps(process.wakeUps())
    {
    }

    void print(const std::string& memoryTarget, const std::string& cpuTarget) const
    {
        printFigure(_name + "_rss",
                    static_cast<double>(_process.residentBytes()) / kMiB,
                    "MiB",
                    memoryTarget);
        printFigure(_name + "_cpu", _process.cpuSeconds() - _cpu, "s", cpuTarget);
        printFigure(
            _name + "_wakeups", static_cast<double>(_process.wakeUps() - _wakeUps), "switches");
    }

private:
    std::string _name;
    Process& _process;
    double _cpu;
    std::uint64_t _wakeUps;
};

} // namespace

int main(int argc, char** argv)
{
    const unsigned files = option(argc, argv, "files", 20000);
    const unsigned agents = option(argc, argv, "agents", 8);
    const auto pause = std::chrono::seconds(option(argc, argv, "seconds", 60));
    Cluster cluster;
    std::vector<AgentNode*> nodes;
    for (unsigned i = 0; i < agents; ++i)
    {
        nodes.push_back(&cluster.startAgent("agent-" + std::to_string(i)));
    }
    for (unsigned i = 0; i < files; ++i)
    {
        const std::string folder = *nodes[0] / ("folder-" + std::to_string(i / 100));
        makeFolders(folder);
        writeFile(folder + "/file-" + std::to_string(i), textBytes(i, 1000));
    }
    cluster.settle({}, std::chrono::minutes(20));
    nodes[1]->stop();
    nodes[1]->start();
    writeFile(*nodes[0] / "sign", "");
    cluster.await(
        "the restarted agent is there again",
        [&] { return exists(*nodes[1] / "sign"); },
        std::chrono::minutes(2));
    cluster.settle({}, std::chrono::minutes(2));

    const Observation sender("idle_sender", nodes[0]->process());
    const Observation restarted("idle_restarted_agent", nodes[1]->process());
    const Observation receiver("idle_receiver", nodes[2 % agents]->process());
    const Observation relay("idle_relay", cluster.relay().process());
    std::this_thread::sleep_for(pause);
    const std::string perTime = "0 but for the keepalive";
    sender.print("< 12", perTime);
    restarted.print("< 12", perTime);
    receiver.print("< 12", perTime);
    relay.print("< 16", "");
    return 0;
}
