// Tests what events mean: hints, and a watch tree that stays right.

#include "shared/base/Errors.h"
#include "tests/agent/watch/TrackerRig.h"

#include <catch2/catch.hpp>

#include <sys/inotify.h>

#include <cerrno>

namespace tidewire {

TEST_CASE("WatchTracker: all folders below a root are watched, files are not", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/b/c");
    rig.disk.makeFile("/share/a/file");

    rig.start();

    CHECK(rig.tracker->isComplete(TrackerRig::kShare));
    CHECK(rig.disk.unwatchedFolders("/share").empty());
    CHECK(rig.tracker->coverage(TrackerRig::kShare).watched == 4);
    CHECK(rig.tracker->coverage(TrackerRig::kShare).problem.empty());
}

TEST_CASE("WatchTracker: a root that is not there is an error", "[watch]")
{
    TrackerRig rig;

    CHECK_THROWS_AS(rig.tracker->addRoot(1, "/missing", {}), StorageError);
}

TEST_CASE("WatchTracker: what is made between watching and listing a folder is found", "[watch]")
{
    TrackerRig rig;
    rig.disk.afterWatch = [&] {
        rig.disk.makeFolder("/share/new");
    };

    rig.start();

    CHECK(rig.disk.unwatchedFolders("/share").empty());
    CHECK(rig.disk.watchCount() == 2);
}

TEST_CASE("WatchTracker: a deep tree made at once is one hint and wholly watched", "[watch]")
{
    TrackerRig rig;
    rig.start();
    rig.disk.makeFolders("/share/a/b/c");
    rig.disk.makeFile("/share/a/b/c/file");

    const std::vector<Hint> hints = rig.take();

    CHECK(hints == std::vector<Hint>{subtreeHint("a")});
    CHECK(rig.disk.unwatchedFolders("/share").empty());
}

TEST_CASE("WatchTracker: a folder that is gone before it is watched leaves nothing", "[watch]")
{
    TrackerRig rig;
    rig.start();
    rig.disk.makeFolder("/share/a");
    rig.disk.remove("/share/a");

    const std::vector<Hint> hints = rig.take();

    CHECK(contains(hints, subtreeHint("a")));
    CHECK(rig.tracker->coverage(TrackerRig::kShare).watched == 1);
}

TEST_CASE("WatchTracker: a folder that became a file is hinted at and not watched", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolder("/share/a");
    rig.start();
    rig.disk.remove("/share/a");
    rig.disk.makeFile("/share/a");

    const std::vector<Hint> hints = rig.take();

    CHECK(contains(hints, entryHint("a")));
    CHECK(rig.disk.watchCount() == 1);
}

TEST_CASE("WatchTracker: a folder in the place of another is watched anew", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/b");
    rig.start();
    rig.disk.remove("/share/a/b");
    rig.disk.remove("/share/a");
    rig.disk.makeFolder("/share/a");
    rig.take();
    rig.disk.makeFile("/share/a/file");

    const std::vector<Hint> hints = rig.take();

    CHECK(contains(hints, entryHint("a/file")));
    CHECK(rig.disk.watchCount() == 2);
}

TEST_CASE("WatchTracker: the end of an old watch does not end the new one", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolder("/share/a");
    rig.start();
    const int old = rig.disk.find("/share/a")->wd;
    rig.disk.remove("/share/a");
    rig.disk.makeFolder("/share/a");
    rig.take();

    rig.disk.queueRaw(rawEvent(old, IN_IGNORED));
    rig.take();
    rig.disk.makeFile("/share/a/file");

    CHECK(contains(rig.take(), entryHint("a/file")));
}

TEST_CASE("WatchTracker: one inode below two shares reports to both", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolder("/share/inner");
    rig.start();
    rig.tracker->addRoot(8, "/share/inner", {});
    rig.settle();
    rig.hints.clear();
    rig.disk.makeFile("/share/inner/file");

    const std::vector<Hint> hints = rig.take();

    CHECK(contains(hints, entryHint("inner/file")));
    CHECK(
        contains(hints, {8, *RelativePath::parse("file"), HintScope::Entry, HintTiming::Settled}));
    CHECK(rig.disk.watchCount() == 2);

    rig.tracker->removeRoot(8);
    rig.disk.writeFile("/share/inner/file");

    CHECK(contains(rig.take(), entryHint("inner/file")));
    CHECK(rig.disk.watchCount() == 2);
}

TEST_CASE("WatchTracker: one inode at two paths of a share is hinted at by both", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolder("/share/a");
    rig.disk.bind("/share/a", "/share/b");
    rig.start();
    rig.disk.makeFile("/share/a/file");

    const std::vector<Hint> hints = rig.take();

    CHECK(contains(hints, entryHint("a/file")));
    CHECK(contains(hints, entryHint("b/file")));
}

TEST_CASE("WatchTracker: ignored folders and the private one take no watches", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/cache/deep");
    rig.disk.makeFolders("/share/.tidewire/tmp");
    rig.disk.makeFolder("/share/kept");
    rig.start([](const RelativePath& path) { return path.name() == "cache"; });

    CHECK(rig.disk.watchCount() == 2);

    rig.disk.makeFolder("/share/kept/cache");
    rig.disk.makeFile("/share/.tidewire/tmp/x");
    rig.disk.changeMode("/share/.tidewire");

    CHECK(rig.take().empty());
    CHECK(rig.disk.watchCount() == 2);
}

TEST_CASE("WatchTracker: other rules let folders go and pick others up", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/b");
    rig.disk.makeFolders("/share/x/y");
    rig.start([](const RelativePath& path) { return path.name() == "a"; });

    rig.tracker->setIgnored(TrackerRig::kShare,
                            [](const RelativePath& path) { return path.name() == "x"; });
    const std::vector<Hint> hints = rig.take();

    CHECK(hints == std::vector<Hint>{subtreeHint("")});
    CHECK(rig.disk.find("/share/a/b")->wd >= 0);
    CHECK(rig.disk.find("/share/x")->wd < 0);
    CHECK(rig.disk.find("/share/x/y")->wd < 0);
}

TEST_CASE("WatchTracker: other filesystems are not entered", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolder("/share/disk");
    rig.disk.mountOver("/share/disk", 2);
    rig.disk.makeFolder("/share/disk/inside");

    rig.start();

    CHECK(rig.disk.watchCount() == 1);
}

TEST_CASE("WatchTracker: timing follows from what is known of the writer", "[watch]")
{
    TrackerRig rig;
    rig.start();
    rig.disk.makeFile("/share/file");

    CHECK(rig.take() ==
          std::vector<Hint>{entryHint("file", HintTiming::Writing), entryHint("file")});

    rig.disk.writeFile("/share/file");

    CHECK(rig.take() ==
          std::vector<Hint>{entryHint("file", HintTiming::Writing), entryHint("file")});

    rig.disk.changeMode("/share/file");

    CHECK(rig.take() == std::vector<Hint>{entryHint("file")});

    rig.disk.remove("/share/file");

    CHECK(rig.take() == std::vector<Hint>{entryHint("file")});
}

TEST_CASE("WatchTracker: a link, a special file and a second name settle at once", "[watch]")
{
    TrackerRig rig;
    rig.start();
    const int wd = rig.disk.find("/share")->wd;

    rig.disk.queueRaw(rawEvent(wd, IN_CREATE, 0, "link"));

    CHECK(rig.take() == std::vector<Hint>{entryHint("link")});
}

TEST_CASE("WatchTracker: writing alone, as to a truncated or open file, is a hint", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFile("/share/log");
    rig.start();
    const int wd = rig.disk.find("/share")->wd;

    for (int i = 0; i < 1000; ++i)
    {
        rig.disk.queueRaw(rawEvent(wd, IN_MODIFY, 0, "log"));
    }

    CHECK(rig.take() == std::vector<Hint>{entryHint("log", HintTiming::Writing)});
}

TEST_CASE("WatchTracker: a new mode of a folder is a hint for it alone", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolder("/share/a");
    rig.start();

    rig.disk.changeMode("/share/a");

    CHECK(rig.take() == std::vector<Hint>{entryHint("a")});
}

TEST_CASE("WatchTracker: names of any bytes are passed on as they are", "[watch]")
{
    TrackerRig rig;
    rig.start();

    rig.disk.makeFile("/share/\xFF\xFE");

    CHECK(contains(rig.take(), entryHint("\xFF\xFE")));
}

TEST_CASE("WatchTracker: a saved editor file is hinted at under its final name", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFile("/share/text");
    rig.start();
    rig.disk.makeFile("/share/text.tmp");
    rig.disk.rename("/share/text.tmp", "/share/text");

    const std::vector<Hint> hints = rig.take();

    CHECK(contains(hints, entryHint("text")));
    CHECK(contains(hints, entryHint("text.tmp")));
}

TEST_CASE("WatchTracker: an unreadable folder is watched once it can be read", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/closed/below");
    rig.disk.find("/share/closed")->isDenied = true;
    rig.start();
    CHECK(rig.disk.watchCount() == 1);

    rig.disk.find("/share/closed")->isDenied = false;
    rig.disk.changeMode("/share/closed");
    const std::vector<Hint> hints = rig.take();

    CHECK(contains(hints, subtreeHint("closed")));
    CHECK(rig.disk.unwatchedFolders("/share").empty());
}

TEST_CASE("WatchTracker: folders that could be listed and not reached are watched once they can be",
          "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/sealed/below");
    const bool wasWatched = GENERATE(false, true);
    if (wasWatched)
    {
        rig.start();
    }
    rig.disk.find("/share/sealed")->isSealed = true;
    if (wasWatched)
    {
        rig.disk.changeMode("/share/sealed");
        rig.take();
        CHECK(rig.disk.watchCount() == 3);
    }
    else
    {
        rig.start();
        CHECK(rig.disk.watchCount() == 2);
    }
    CHECK(rig.tracker->coverage(1).polled == 0);

    rig.disk.find("/share/sealed")->isSealed = false;
    rig.disk.changeMode("/share/sealed");
    const std::vector<Hint> hints = rig.take();

    CHECK((wasWatched || contains(hints, subtreeHint("sealed"))));
    CHECK(rig.disk.unwatchedFolders("/share").empty());
}

TEST_CASE("WatchTracker: a folder made below an unreadable one is found when that opens", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolder("/share/closed");
    rig.start();
    rig.disk.makeFolder("/share/closed/new");
    rig.disk.find("/share/closed/new")->isDenied = true;
    rig.take();
    CHECK(rig.disk.watchCount() == 2);

    rig.disk.find("/share/closed/new")->isDenied = false;
    rig.disk.changeMode("/share/closed");
    rig.take();

    CHECK(rig.disk.unwatchedFolders("/share").empty());
}

TEST_CASE("WatchTracker: nothing of a removed share is hinted at", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolder("/share/a");
    rig.start();
    rig.disk.makeFile("/share/a/file");
    rig.disk.rename("/share/a", "/gone");
    rig.deliver(SIZE_MAX);

    rig.tracker->removeRoot(TrackerRig::kShare);
    rig.expireMoves();

    CHECK(rig.hints.empty());
    CHECK(rig.disk.watchCount() == 0);
    CHECK(rig.tracker->coverage(TrackerRig::kShare).watched == 0);
}

TEST_CASE("WatchTracker: it sleeps when nothing is pending", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/b");
    rig.start();

    CHECK_FALSE(rig.tracker->deadline());

    rig.disk.makeFolder("/share/c");
    rig.disk.rename("/share/c", "/share/d");
    rig.settle();

    CHECK_FALSE(rig.tracker->deadline());
}

} // namespace tidewire
