// Tests renames: pairs torn apart, folders moved in, out and about.

#include "tests/agent/watch/TrackerRig.h"

#include <catch2/catch.hpp>

#include <sys/inotify.h>

namespace tidewire {

TEST_CASE("WatchTracker: a renamed file is hinted at by both names", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFile("/share/a");
    rig.start();

    rig.disk.rename("/share/a", "/share/b");

    CHECK(rig.take() == std::vector<Hint>{entryHint("a"), entryHint("b")});
}

TEST_CASE("WatchTracker: a pair of events that is torn apart is joined", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/below");
    rig.start();
    rig.disk.rename("/share/a", "/share/b");
    const std::size_t calls = rig.disk.watchCalls;

    rig.deliver(1);
    rig.work();
    rig.disk.makeFile("/share/other");
    CHECK(rig.hints.empty());
    const std::vector<Hint> hints = rig.take();

    CHECK(contains(hints, subtreeHint("a")));
    CHECK(contains(hints, subtreeHint("b")));
    CHECK(rig.disk.watchCalls == calls);
}

TEST_CASE("WatchTracker: a renamed folder keeps its watches under the new name", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/foo/bar/foo");
    rig.disk.makeFolders("/share/foobar/x");
    rig.start();
    const std::size_t calls = rig.disk.watchCalls;

    rig.disk.rename("/share/foo", "/share/baz");
    rig.take();
    rig.disk.makeFile("/share/baz/bar/foo/file");
    rig.disk.makeFile("/share/foobar/x/file");
    const std::vector<Hint> hints = rig.take();

    CHECK(contains(hints, entryHint("baz/bar/foo/file")));
    CHECK(contains(hints, entryHint("foobar/x/file")));
    CHECK(rig.disk.watchCalls == calls);
}

TEST_CASE("WatchTracker: a folder moved about the tree is followed", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/x/y");
    rig.disk.makeFolder("/share/b");
    rig.start();

    rig.disk.rename("/share/a/x", "/share/b/z");
    rig.disk.makeFile("/share/b/z/y/file");
    rig.disk.makeFolders("/share/b/z/y/more");
    rig.take();
    rig.disk.writeFile("/share/b/z/y/file");

    CHECK(contains(rig.take(), entryHint("b/z/y/file")));
    CHECK(rig.disk.unwatchedFolders("/share").empty());
}

TEST_CASE("WatchTracker: a folder that left takes its watches with it", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/b/c");
    rig.start();
    rig.disk.rename("/share/a", "/outside");
    rig.settle();
    CHECK(rig.hints.empty());

    rig.disk.makeFile("/outside/b/file");
    rig.expireMoves();

    CHECK(rig.hints == std::vector<Hint>{subtreeHint("a")});
    CHECK(rig.disk.watchCount() == 1);
    rig.hints.clear();
    rig.disk.writeFile("/outside/b/file");
    CHECK(rig.take().empty());
    CHECK_FALSE(rig.tracker->deadline());
}

TEST_CASE("WatchTracker: a folder moved in is watched with all that it holds", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/outside/b/c");
    rig.start();
    rig.disk.rename("/outside", "/share/in");

    CHECK(rig.take() == std::vector<Hint>{subtreeHint("in")});
    CHECK(rig.disk.unwatchedFolders("/share").empty());
}

TEST_CASE("WatchTracker: a folder that changed on its way is walked", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/b");
    rig.start();
    rig.disk.rename("/share/a", "/share/z");
    rig.deliver(1);
    const int wd = rig.disk.find("/share/z/b")->wd;

    // The report of the new folder overtakes the second half of the rename.
    rig.disk.mountOver("/share/z/b/new", 1);
    rig.tracker->onEvents(rawEvent(wd, IN_CREATE | IN_ISDIR, 0, "new"));
    rig.take();

    CHECK(rig.disk.unwatchedFolders("/share").empty());
}

TEST_CASE("WatchTracker: the second half long after the first is an arrival", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/b");
    rig.start();
    rig.disk.rename("/share/a", "/share/z");
    rig.deliver(1);
    rig.clock.advance(std::chrono::seconds(1));
    rig.work();
    CHECK(rig.hints == std::vector<Hint>{subtreeHint("a")});

    rig.take();

    CHECK(rig.disk.unwatchedFolders("/share").empty());
    rig.disk.makeFile("/share/z/b/file");
    CHECK(contains(rig.take(), entryHint("z/b/file")));
}

TEST_CASE("WatchTracker: two folders exchanged are both followed", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/in-a");
    rig.disk.makeFolders("/share/b/in-b");
    rig.start();
    rig.disk.exchange("/share/a", "/share/b");
    rig.take();

    CHECK(rig.disk.unwatchedFolders("/share").empty());
    rig.disk.makeFile("/share/a/in-b/file");
    rig.disk.makeFile("/share/b/in-a/file");
    const std::vector<Hint> hints = rig.take();
    CHECK(contains(hints, entryHint("a/in-b/file")));
    CHECK(contains(hints, entryHint("b/in-a/file")));
}

TEST_CASE("WatchTracker: a file and a folder exchanged are both right", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/below");
    rig.disk.makeFile("/share/b");
    rig.start();

    rig.disk.exchange("/share/a", "/share/b");
    rig.take();

    CHECK(rig.disk.unwatchedFolders("/share").empty());
    CHECK(rig.disk.watchCount() == 3);
}

TEST_CASE("WatchTracker: a rename to an ignored name ends the watches", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/b");
    rig.start([](const RelativePath& path) { return path.name() == "cache"; });

    rig.disk.rename("/share/a", "/share/cache");

    CHECK(contains(rig.take(), subtreeHint("a")));
    CHECK(rig.disk.watchCount() == 1);
}

TEST_CASE("WatchTracker: a rename brings to light what was ignored below", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolders("/share/a/tmp/deep");
    rig.start([](const RelativePath& path) { return path.text() == "a/tmp"; });
    CHECK(rig.disk.watchCount() == 2);

    rig.disk.rename("/share/a", "/share/b");
    rig.take();

    CHECK(rig.disk.unwatchedFolders("/share").empty());
}

TEST_CASE("WatchTracker: a folder moved from share to share is watched in the other", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolder("/other");
    rig.disk.makeFolders("/share/a/b");
    rig.start();
    rig.tracker->addRoot(8, "/other", {});
    rig.settle();
    rig.hints.clear();

    rig.disk.rename("/share/a", "/other/a");
    rig.take();
    rig.disk.makeFile("/other/a/b/file");

    CHECK(contains(rig.take(),
                   {8, *RelativePath::parse("a/b/file"), HintScope::Entry, HintTiming::Settled}));
}

TEST_CASE("WatchTracker: a folder renamed while events about it are unread is followed", "[watch]")
{
    TrackerRig rig;
    rig.disk.makeFolder("/share/a");
    rig.start();
    rig.disk.makeFolders("/share/a/b/c");
    rig.disk.rename("/share/a", "/share/z");
    rig.disk.makeFolders("/share/a/b");

    // The report of a/b is read and acted on before that of the rename.
    rig.deliver(1);
    rig.work();
    rig.take();

    CHECK(rig.disk.unwatchedFolders("/share").empty());
    CHECK(rig.disk.watchCount() == 6);
    rig.disk.makeFile("/share/z/b/c/file");
    CHECK(contains(rig.take(), entryHint("z/b/c/file")));
}

TEST_CASE("WatchTracker: a deep tree can leave", "[watch]")
{
    TrackerRig rig;
    std::string path = "/share";
    for (int depth = 0; depth < 500; ++depth)
    {
        path += "/d";
    }
    rig.disk.makeFolders(path);
    rig.start();
    CHECK(rig.disk.watchCount() == 501);

    rig.disk.rename("/share/d", "/outside");
    rig.expireMoves();

    CHECK(rig.disk.watchCount() == 1);
}

} // namespace tidewire
