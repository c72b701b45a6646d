// Many small files from one agent to another, against two rsync runs through a daemon.
//
// ManyFilesBench [--files N] [--runs N]

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"
#include "tests/e2e/support/TreeSnapshot.h"

#include <deque>
#include <filesystem>
#include <iostream>

#include "bench/Figures.h"
#include "bench/RsyncDaemon.h"

using namespace tidewire;
using namespace tidewire::bench;
using namespace tidewire::e2e;

namespace {

constexpr unsigned kFilesInFolder = 100;

/// Files of 1 to 8 KiB, every other one text, in folders of a hundred.
void makeFiles(const std::string& root, unsigned files)
{
    for (unsigned i = 0; i < files; ++i)
    {
        const std::string folder = root + "/folder-" + std::to_string(i / kFilesInFolder);
        if (i % kFilesInFolder == 0)
        {
            makeFolders(folder);
        }
        const std::size_t size = 1024 + i * 2654435761U % (7 * 1024);
        writeFile(folder + "/file-" + std::to_string(i),
                  i % 2 == 0 ? textBytes(i, size) : randomBytes(i, size));
    }
}

/// The last folder that is not full yet is counted again, the others are remembered.
class Counter
{
public:
    Counter(std::string root, unsigned files): _root(std::move(root)), _folders(files / 100) {}

    bool isComplete()
    {
        while (_full < _folders)
        {
            const std::string folder = _root + "/folder-" + std::to_string(_full);
            if (!exists(folder) || countNames(folder, "") < kFilesInFolder)
            {
                return false;
            }
            ++_full;
        }
        return true;
    }

private:
    std::string _root;
    unsigned _folders;
    unsigned _full = 0;
};

double agents(Cluster& cluster, const std::string& tree, unsigned files)
{
    AgentNode& one = cluster.startAgent("one", {"", "", Route::Direct});
    AgentNode& two = cluster.startAgent("two", {"", "", Route::Direct});
    writeFile(one / "first", "x");
    cluster.await("they are connected", [&] { return exists(two / "first"); });
    std::filesystem::copy(tree, cluster.scratch("tree"), std::filesystem::copy_options::recursive);
    (void)runProgram("sync", {});

    const Stopwatch watch;
    renamePath(cluster.scratch("tree"), one / "tree");
    Counter counter(two / "tree", files);
    cluster.await(
        "all files arrive", [&] { return counter.isComplete(); }, std::chrono::minutes(10));
    const double seconds = watch.seconds();
    cluster.settle();
    std::cerr << "cpu seconds: sender " << one.process().cpuSeconds() << ", relay "
              << cluster.relay().process().cpuSeconds() << ", receiver "
              << two.process().cpuSeconds() << "\n";
    one.stop();
    two.stop();
    cluster.relay().stop();
    return seconds;
}

double rsync(const TempFolder& home, const std::string& tree)
{
    const RsyncDaemon daemon(home.path());
    std::filesystem::copy(tree, home / "tree", std::filesystem::copy_options::recursive);
    return daemon.twoRuns(home / "tree", home / "target");
}

} // namespace

int main(int argc, char** argv)
{
    const unsigned files = option(argc, argv, "files", 20000) / kFilesInFolder * kFilesInFolder;
    const unsigned runs = option(argc, argv, "runs", 3);
    const TempFolder source;
    makeFiles(source / "tree", files);

    // Kept to the end: for minutes ext4 searches around the inodes of deleted files when it makes new ones
    // (recently_deleted in fs/ext4/ialloc.c), which would slow down whoever comes next.
    std::deque<Cluster> clusters;
    std::deque<TempFolder> homes;
    std::vector<double> ours;
    std::vector<double> theirs;
    for (unsigned i = 0; i < runs; ++i)
    {
        ours.push_back(agents(clusters.emplace_back(), source / "tree", files));
        theirs.push_back(rsync(homes.emplace_back(), source / "tree"));
    }
    const double our = percentile(ours, 0.5);
    const double their = percentile(theirs, 0.5);
    printFigure("many_files_tidewire", our, "s");
    printFigure("many_files_rsync", their, "s");
    printFigure("many_files_rsync_to_tidewire", their / our, "times", "> 1");
    return 0;
}
