// One large incompressible file from one agent to another, with encryption and without, against two rsync runs through a
// daemon.
//
// BigFileBench [--mib N] [--runs N]

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <iostream>

#include "bench/Figures.h"
#include "bench/RsyncDaemon.h"

using namespace tidewire;
using namespace tidewire::bench;
using namespace tidewire::e2e;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

double agents(std::uint64_t size, unsigned seed, Security security)
{
    Cluster cluster(security);
    AgentNode& one = cluster.startAgent("one", {"", "", Route::Direct});
    AgentNode& two = cluster.startAgent("two", {"", "", Route::Direct});
    writeFile(one / "first", "x");
    cluster.await("they are connected", [&] { return exists(two / "first"); });
    writeRandomFile(cluster.scratch("large"), seed, size);
    (void)runProgram("sync", {});

    const Stopwatch watch;
    renamePath(cluster.scratch("large"), one / "large");
    cluster.await(
        "the file arrives",
        [&] { return exists(two / "large") && sizeOf(two / "large") == size; },
        std::chrono::minutes(10));
    const double seconds = watch.seconds();
    cluster.settle({}, std::chrono::minutes(2));
    std::cerr << "security " << securityName(security) << ", cpu seconds: sender "
              << one.process().cpuSeconds() << ", relay " << cluster.relay().process().cpuSeconds()
              << ", receiver " << two.process().cpuSeconds() << "\n";
    return seconds;
}

double rsync(std::uint64_t size, unsigned seed)
{
    const TempFolder home;
    const RsyncDaemon daemon(home.path());
    makeFolders(home / "source");
    writeRandomFile(home / "source/large", seed, size);
    return daemon.twoRuns(home / "source", home / "target");
}

} // namespace

int main(int argc, char** argv)
{
    const std::uint64_t size = option(argc, argv, "mib", 1024) * kMiB;
    const unsigned runs = option(argc, argv, "runs", 3);

    std::vector<double> ours;
    std::vector<double> unencrypted;
    std::vector<double> theirs;
    for (unsigned i = 0; i < runs; ++i)
    {
        ours.push_back(agents(size, i, Security::Noise));
        unencrypted.push_back(agents(size, i, Security::None));
        theirs.push_back(rsync(size, i));
    }
    const double our = percentile(ours, 0.5);
    const double their = percentile(theirs, 0.5);
    printFigure("big_file_tidewire", our, "s");
    printFigure("big_file_rsync", their, "s");
    printFigure("big_file_rsync_to_tidewire", their / our, "times", "> 2");
    const double plain = percentile(unencrypted, 0.5);
    printFigure("big_file_unencrypted", plain, "s");
    printFigure("big_file_unencrypted_to_encrypted", plain / our, "times", "> 0.6");
    return 0;
}
