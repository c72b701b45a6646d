// A large log that grows by 200 bytes a second: what the agent reads and sends for it.
//
// GrowingLogBench [--mib N] [--growths N]

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <thread>

#include "bench/Figures.h"

using namespace tidewire;
using namespace tidewire::bench;
using namespace tidewire::e2e;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

void makeLog(const std::string& path, std::uint64_t size)
{
    const std::string piece = textBytes(1, kMiB);
    for (std::uint64_t at = 0; at < size; at += kMiB)
    {
        std::string line = std::to_string(at);
        line += piece.substr(line.size());
        appendFile(path, line);
    }
}

} // namespace

int main(int argc, char** argv)
{
    const std::uint64_t size = option(argc, argv, "mib", 1024) * kMiB;
    const unsigned growths = option(argc, argv, "growths", 30);
    Pair pair;
    makeLog(pair.cluster.scratch("log"), size);
    renamePath(pair.cluster.scratch("log"), pair.one / "log");
    pair.cluster.settle({}, std::chrono::minutes(10));

    Process& agent = pair.one.process();
    std::vector<double> asked;
    std::vector<double> fromDisk;
    std::vector<double> sent;
    for (unsigned i = 0; i < growths; ++i)
    {
        const std::uint64_t askedBefore = agent.ioBytes("rchar");
        const std::uint64_t diskBefore = agent.ioBytes("read_bytes");
        const std::uint64_t sentBefore = pair.one.traffic().bytes(Direction::Up);
        appendFile(pair.one / "log", textBytes(1000 + i, 200));
        std::this_thread::sleep_for(std::chrono::seconds(1));
        const std::uint64_t expected = size + (i + 1) * 200;
        pair.cluster.await("the growth arrives",
                           [&] { return sizeOf(pair.two / "log") == expected; });
        asked.push_back(static_cast<double>(agent.ioBytes("rchar") - askedBefore));
        fromDisk.push_back(static_cast<double>(agent.ioBytes("read_bytes") - diskBefore));
        sent.push_back(static_cast<double>(pair.one.traffic().bytes(Direction::Up) - sentBefore));
    }
    printFigure("growth_read_p50", percentile(asked, 0.5), "bytes", "< 2097152");
    printFigure("growth_read_max", percentile(asked, 1), "bytes", "< 2097152");
    printFigure("growth_read_from_disk_max", percentile(fromDisk, 1), "bytes");
    printFigure("growth_sent_p50", percentile(sent, 0.5), "bytes", "< 1024");
    printFigure("growth_sent_max", percentile(sent, 1), "bytes", "< 1024");
    return 0;
}
