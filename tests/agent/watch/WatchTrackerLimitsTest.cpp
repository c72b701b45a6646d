// Tests what happens when events are lost, watches run out, or the root goes away.

#include "agent/watch/WatchProblem.h"
#include "tests/agent/watch/TrackerRig.h"

#include <catch2/catch.hpp>

#include <sys/inotify.h>

#include <cerrno>
#include <set>

namespace tidewire {

namespace {

TrackerOptions options()
{
    TrackerOptions result;
    result.rescanPause = std::chrono::seconds(5);
    result.walk.pollCycle = std::chrono::seconds(30);
    result.walk.pollStep = std::chrono::milliseconds(100);
    return result;
}

WatchCoverage coverageOf(const TrackerRig& rig)
{
    return rig.tracker->coverage(TrackerRig::kShare);
}

/// Lets time go by as the watcher's thread does: from deadline to deadline.
std::size_t runFor(TrackerRig& rig, SteadyTime duration)
{
    std::size_t wakeUps = 0;
    const SteadyTime end = rig.clock.steady() + duration;
    while (rig.tracker->deadline() && *rig.tracker->deadline() <= end)
    {
        rig.clock.advance(std::max(SteadyTime(0), *rig.tracker->deadline() - rig.clock.steady()));
        rig.settle();
        ++wakeUps;
    }
    rig.clock.advance(std::max(SteadyTime(0), end - rig.clock.steady()));
    return wakeUps;
}

} // namespace

TEST_CASE("WatchTracker: lost events end in a walk and a hint at everything", "[watch]")
{
    TrackerRig rig(options());
    rig.disk.makeFolder("/share/a");
    rig.start();
    rig.disk.queueLimit = 10;
    for (int i = 0; i < 50; ++i)
    {
        rig.disk.makeFolders(numbered("/share/a/new", i) + "/below");
    }
    rig.disk.rename("/share/a", "/share/b");

    const std::vector<Hint> hints = rig.take();

    CHECK(hints.back() == subtreeHint(""));
    CHECK(rig.disk.unwatchedFolders("/share").empty());
    CHECK(rig.disk.watchCount() == 102);
    rig.disk.queueLimit = 16384;
    rig.disk.makeFile("/share/b/new7/below/file");
    CHECK(contains(rig.take(), entryHint("b/new7/below/file")));
}

TEST_CASE("WatchTracker: an overflow is seen although it has no watch and no name", "[watch]")
{
    TrackerRig rig(options());
    rig.start();

    rig.disk.queueRaw(rawEvent(-1, IN_Q_OVERFLOW));

    CHECK(rig.take() == std::vector<Hint>{subtreeHint("")});
}

TEST_CASE("WatchTracker: a storm of overflows makes one rescan per pause", "[watch]")
{
    TrackerRig rig(options());
    rig.start();
    for (int i = 0; i < 20; ++i)
    {
        rig.disk.queueRaw(rawEvent(-1, IN_Q_OVERFLOW));
        rig.settle();
    }
    CHECK(rig.hints.size() == 1);

    runFor(rig, std::chrono::seconds(4));
    CHECK(rig.hints.size() == 1);
    runFor(rig, std::chrono::seconds(2));

    CHECK(rig.hints.size() == 2);
    CHECK_FALSE(rig.tracker->deadline());
}

TEST_CASE("WatchTracker: events of a watch that nobody knows lead to a rescan", "[watch]")
{
    TrackerRig rig(options());
    rig.start();

    rig.disk.queueRaw(rawEvent(4711, IN_MODIFY, 0, "x"));

    CHECK(rig.take() == std::vector<Hint>{subtreeHint("")});
}

TEST_CASE("WatchTracker: late events of a watch that was ended here are dropped", "[watch]")
{
    TrackerRig rig(options());
    rig.disk.makeFolder("/share/a");
    rig.start();
    const int wd = rig.disk.find("/share/a")->wd;
    rig.tracker->setIgnored(TrackerRig::kShare, [](const RelativePath&) { return true; });
    rig.tracker->step();
    (void)rig.tracker->takeHints();

    rig.tracker->onEvents(rawEvent(wd, IN_MODIFY, 0, "x"));
    rig.tracker->step();

    CHECK(rig.tracker->takeHints().empty());
    CHECK_FALSE(rig.tracker->deadline());
}

TEST_CASE("WatchTracker: beyond the budget the folders changed last are watched", "[watch]")
{
    TrackerRig rig(options());
    for (int i = 0; i < 20; ++i)
    {
        const std::string path = numbered("/share/d", i);
        rig.disk.makeFolders(path + "/below");
        rig.disk.find(path)->mtime = i;
        rig.disk.find(path + "/below")->mtime = i;
    }
    rig.disk.budgetValue = 11;

    rig.start();

    CHECK(rig.disk.watchCount() == 11);
    CHECK(coverageOf(rig).watched == 11);
    CHECK(coverageOf(rig).polled == 15);
    CHECK(rig.disk.find("/share/d19/below")->wd >= 0);
    CHECK(rig.disk.find("/share/d15/below")->wd >= 0);
    CHECK(rig.disk.find("/share/d14")->wd < 0);
    const std::string problem = coverageOf(rig).problem;
    CHECK(problem.find("11 in use") != std::string::npos);
    CHECK(problem.find("needed are at least 26") != std::string::npos);
    CHECK(problem.find("sysctl fs.inotify.max_user_watches=") != std::string::npos);
}

TEST_CASE("WatchTracker: polled folders have their turn within the cycle", "[watch]")
{
    TrackerRig rig(options());
    for (int i = 0; i < 5; ++i)
    {
        rig.disk.makeFolder(numbered("/share/d", i));
    }
    rig.disk.budgetValue = 1;
    rig.start();

    const std::size_t wakeUps = runFor(rig, std::chrono::seconds(31));

    CHECK(wakeUps <= 6);
    for (int i = 0; i < 5; ++i)
    {
        CHECK(contains(rig.hints, subtreeHint(numbered("d", i))));
    }
}

TEST_CASE("WatchTracker: the poll rate is bounded for any number of folders", "[watch]")
{
    TrackerRig rig(options());
    for (int i = 0; i < 2000; ++i)
    {
        rig.disk.makeFolder(numbered("/share/d", i));
    }
    rig.disk.budgetValue = 1;
    rig.start();
    const std::size_t before = rig.disk.openCalls;

    runFor(rig, std::chrono::seconds(10));

    CHECK(rig.disk.openCalls - before <= 101);
    CHECK(coverageOf(rig).problem.find("every 200 s") != std::string::npos);
}

TEST_CASE("WatchTracker: changes in polled subtrees are found in turn", "[watch]")
{
    TrackerRig rig(options());
    rig.disk.makeFolders("/share/cold/deep");
    rig.disk.budgetValue = 1;
    rig.start();
    Mirror mirror(rig.disk.lookAt("/share"));
    rig.onHint = [&](const Hint& hint) {
        mirror.apply(hint);
    };

    rig.disk.makeFile("/share/cold/deep/file");
    CHECK(rig.take().empty());
    runFor(rig, std::chrono::seconds(31));

    CHECK(mirror.state() == mirror.truth());
}

TEST_CASE("WatchTracker: a new folder takes the watch of one that is cold", "[watch]")
{
    TrackerRig rig(options());
    rig.disk.makeFolder("/share/cold");
    rig.disk.makeFolder("/share/warm");
    rig.disk.budgetValue = 3;
    rig.start();
    rig.clock.advance(std::chrono::seconds(100));
    rig.disk.makeFile("/share/warm/file");
    rig.settle();

    rig.disk.makeFolder("/share/new");
    rig.disk.find("/share/new")->mtime = rig.clock.wallSeconds();
    rig.take();

    CHECK(rig.disk.find("/share/new")->wd >= 0);
    CHECK(rig.disk.find("/share/warm")->wd >= 0);
    CHECK(rig.disk.find("/share/cold")->wd < 0);
    CHECK(coverageOf(rig).polled == 1);
    CHECK(rig.disk.watchCount() == 3);
}

TEST_CASE("WatchTracker: folders that are all warm do not take watches from each other", "[watch]")
{
    TrackerRig rig(options());
    rig.disk.budgetValue = 4;
    rig.start();
    for (int i = 0; i < 100; ++i)
    {
        const std::string path = numbered("/share/d", i);
        rig.disk.makeFolder(path);
        rig.disk.find(path)->mtime = rig.clock.wallSeconds();
    }

    rig.take();

    CHECK(rig.disk.watchCount() == 4);
    CHECK(rig.disk.watchCalls == 4);
    CHECK(coverageOf(rig).polled == 97);
}

TEST_CASE("WatchTracker: a raised limit is noticed and everything is watched", "[watch]")
{
    TrackerRig rig(options());
    rig.disk.makeFolders("/share/a/b/c");
    rig.disk.budgetValue = 1;
    rig.start();
    CHECK(coverageOf(rig).polled == 1);

    rig.disk.budgetValue = 100;
    runFor(rig, std::chrono::seconds(31));

    CHECK(rig.disk.unwatchedFolders("/share").empty());
    CHECK(coverageOf(rig).polled == 0);
    CHECK(coverageOf(rig).problem.empty());
    CHECK_FALSE(rig.tracker->deadline());
}

TEST_CASE("WatchTracker: when the kernel refuses watches, those there are stay", "[watch]")
{
    TrackerRig rig(options());
    rig.disk.makeFolders("/share/a/b/c/d");
    rig.disk.kernelLimit = 3;
    rig.start();

    CHECK(coverageOf(rig).watched == 3);
    CHECK(coverageOf(rig).polled == 1);
    rig.disk.makeFile("/share/a/b/file");
    CHECK(contains(rig.take(), entryHint("a/b/file")));

    rig.disk.kernelLimit = 100;
    runFor(rig, std::chrono::seconds(31));

    CHECK(rig.disk.unwatchedFolders("/share").empty());
}

TEST_CASE("WatchTracker: a folder that cannot be opened or read is tried again", "[watch]")
{
    TrackerRig rig(options());
    rig.start();
    rig.disk.makeFolders("/share/a/b");
    rig.disk.openError = EMFILE;
    rig.take();
    CHECK(coverageOf(rig).polled == 1);
    CHECK(coverageOf(rig).problem.find("Too many open files") != std::string::npos);

    rig.disk.openError = 0;
    rig.disk.find("/share/a")->isBroken = true;
    runFor(rig, std::chrono::seconds(31));
    CHECK(coverageOf(rig).polled == 1);
    CHECK(rig.disk.unwatchedFolders("/share").empty());

    rig.disk.find("/share/a")->isBroken = false;
    runFor(rig, std::chrono::seconds(31));
    CHECK(coverageOf(rig).polled == 0);
}

TEST_CASE("WatchTracker: a root that was moved away is lost, and no file of it deleted", "[watch]")
{
    TrackerRig rig(options());
    rig.disk.makeFolders("/share/a/b");
    rig.start();

    rig.disk.rename("/share", "/elsewhere");

    CHECK(rig.take() == std::vector<Hint>{subtreeHint("")});
    CHECK(coverageOf(rig).rootLost);
    CHECK_FALSE(coverageOf(rig).problem.empty());
    CHECK(rig.disk.watchCount() == 0);
    CHECK_FALSE(rig.tracker->deadline());

    rig.disk.makeFolders("/share/a");
    rig.start();

    CHECK_FALSE(coverageOf(rig).rootLost);
    CHECK(rig.disk.unwatchedFolders("/share").empty());
}

TEST_CASE("WatchTracker: a root that was removed is lost, one made again is another", "[watch]")
{
    TrackerRig rig(options());
    rig.start();

    rig.disk.remove("/share");
    rig.disk.makeFolder("/share");

    CHECK(rig.take() == std::vector<Hint>{subtreeHint("")});
    CHECK(coverageOf(rig).rootLost);
}

TEST_CASE("WatchTracker: an unmounted root is lost", "[watch]")
{
    TrackerRig rig(options());
    rig.disk.makeFolder("/share/a");
    rig.start();
    const int wd = rig.disk.find("/share/a")->wd;

    rig.disk.unmount("/share");
    rig.disk.queueRaw(rawEvent(wd, IN_UNMOUNT));
    rig.disk.queueRaw(rawEvent(wd, IN_IGNORED));

    CHECK(rig.take() == std::vector<Hint>{subtreeHint("")});
    CHECK(coverageOf(rig).rootLost);
}

TEST_CASE("WatchTracker: a root moved away and back is not lost", "[watch]")
{
    TrackerRig rig(options());
    rig.disk.makeFolder("/share/a");
    rig.start();

    rig.disk.rename("/share", "/elsewhere");
    rig.disk.rename("/elsewhere", "/share");

    CHECK(contains(rig.take(), subtreeHint("")));
    CHECK_FALSE(coverageOf(rig).rootLost);
    CHECK(rig.disk.watchCount() == 2);
}

TEST_CASE("WatchTracker: what is mounted over the root, which makes no event, loses it", "[watch]")
{
    TrackerRig rig(options());
    rig.tracker->onMounts("1 0 8:1 / / rw - ext4 a rw\n");
    rig.start();

    rig.disk.mountOver("/share", 2);
    rig.tracker->onMounts("1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /share rw - ext4 b rw\n");

    CHECK(contains(rig.take(), subtreeHint("")));
    CHECK(coverageOf(rig).rootLost);
}

TEST_CASE("WatchTracker: what is mounted over a folder below is let go", "[watch]")
{
    TrackerRig rig(options());
    rig.disk.makeFolders("/share/a/b");
    rig.start();

    rig.disk.mountOver("/share/a", 2);
    rig.tracker->onMounts("2 1 8:2 / /share/a rw - ext4 b rw\n");

    CHECK(contains(rig.take(), subtreeHint("")));
    CHECK(rig.disk.watchCount() == 1);
}

TEST_CASE("WatchTracker: mounts elsewhere are none of its business", "[watch]")
{
    TrackerRig rig(options());
    rig.start();

    rig.tracker->onMounts("2 1 8:2 / /share2 rw - ext4 b rw\n");

    CHECK(rig.take().empty());
}

TEST_CASE("WatchProblem: the advice is a limit that suffices", "[watch]")
{
    const std::string small =
        shortageProblem({ENOSPC, 4096, 4096, 10, std::chrono::milliseconds(30001)});
    CHECK(small.find("max_user_watches=65536") != std::string::npos);
    CHECK(small.find("every 31 s") != std::string::npos);

    const std::string large =
        shortageProblem({ENOSPC, 32768, 32768, 5000, std::chrono::seconds(500)});
    CHECK(large.find("max_user_watches=262144") != std::string::npos);

    const std::string other = shortageProblem({EIO, 10, 100, 1, std::chrono::seconds(30)});
    CHECK(other.find("sysctl") == std::string::npos);
}

} // namespace tidewire
