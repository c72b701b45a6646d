// What every watcher must notice, on a real disk.

#include "agent/watch/InotifyWatcher.h"
#include "agent/watch/PollingWatcher.h"
#include "shared/base/Errors.h"
#include "shared/base/UniqueFd.h"
#include "tests/agent/watch/RealFolder.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string>

namespace tidewire {

namespace {

std::unique_ptr<Watcher> make(InotifyWatcher*, HintSink sink, const Clock& clock)
{
    return std::make_unique<InotifyWatcher>(std::move(sink), clock, InotifyOptions());
}

std::unique_ptr<Watcher> make(PollingWatcher*, HintSink sink, const Clock& clock)
{
    return std::make_unique<PollingWatcher>(
        std::move(sink),
        clock,
        PollingOptions{std::chrono::milliseconds(20), std::chrono::milliseconds(20)});
}

} // namespace

/// /share is watched, /outside is not; `start` makes a mirror of what is there and watches.
template <typename WatcherType>
class Watched
{
public:
    Watched()
    {
        makeFolder(share);
        makeFolder(outside);
    }

    void start(IgnorePredicate ignored = {})
    {
        mirror = std::make_unique<Mirror>(lookAtDisk(share));
        watcher = make(static_cast<WatcherType*>(nullptr), hints.sink(), clock);
        watcher->add(1, share, std::move(ignored));
    }

    [[nodiscard]] bool noticed() { return catchesUp(*mirror, hints); }

    TempFolder folder;
    const std::string share = folder / "share";
    const std::string outside = folder / "outside";
    SystemClock clock;
    HintQueue hints;
    std::unique_ptr<Mirror> mirror;
    std::unique_ptr<Watcher> watcher;
};

#define WATCHER_TEST(NAME)                                                                         \
    TEMPLATE_TEST_CASE_METHOD(Watched, NAME, "[watch][conformance]", InotifyWatcher, PollingWatcher)

WATCHER_TEST("Watcher: a new file, its growth, its shrinking and its end are noticed")
{
    this->start();
    const std::string file = this->share + "/file";

    writeText(file, "one");
    CHECK(this->noticed());
    appendText(file, "two");
    CHECK(this->noticed());
    CHECK(::truncate(file.c_str(), 1) == 0);
    CHECK(this->noticed());
    removePath(file);
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: new modes and times are noticed")
{
    writeText(this->share + "/file", "x");
    makeFolder(this->share + "/folder");
    this->start();

    CHECK(::chmod((this->share + "/file").c_str(), 0600) == 0);
    CHECK(this->noticed());
    CHECK(::chmod((this->share + "/folder").c_str(), 0700) == 0);
    CHECK(this->noticed());
    const timespec times[2] = {{1000, 1}, {1000, 1}};
    CHECK(::utimensat(AT_FDCWD, (this->share + "/file").c_str(), times, 0) == 0);
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: a log that stays open is noticed")
{
    this->start();
    const UniqueFd log(
        ::open((this->share + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    for (int i = 0; i < 3; ++i)
    {
        CHECK(::write(log.get(), "line\n", 5) == 5);
        CHECK(this->noticed());
    }
}

WATCHER_TEST("Watcher: what was written through a mapping is noticed when that is closed")
{
    writeText(this->share + "/file", std::string(4096, 'a'));
    this->start();
    {
        const UniqueFd file(::open((this->share + "/file").c_str(), O_RDWR | O_CLOEXEC));
        void* map = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
        REQUIRE(map != MAP_FAILED);
        static_cast<char*>(map)[0] = 'b';
        CHECK(::munmap(map, 4096) == 0);
    }
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: renames of files are noticed in, across, into and out of folders")
{
    makeFolders(this->share + "/a");
    makeFolders(this->share + "/b");
    writeText(this->share + "/a/file", "x");
    this->start();

    renamePath(this->share + "/a/file", this->share + "/a/other");
    CHECK(this->noticed());
    renamePath(this->share + "/a/other", this->share + "/b/other");
    CHECK(this->noticed());
    renamePath(this->share + "/b/other", this->outside + "/other");
    CHECK(this->noticed());
    renamePath(this->outside + "/other", this->share + "/b/back");
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: renames of folders are noticed, and what is done below them after")
{
    makeFolders(this->share + "/foo/bar");
    makeFolders(this->share + "/foobar/x");
    this->start();

    renamePath(this->share + "/foo", this->share + "/baz");
    CHECK(this->noticed());
    writeText(this->share + "/baz/bar/file", "x");
    CHECK(this->noticed());
    renamePath(this->share + "/baz", this->share + "/foobar/x/foo");
    writeText(this->share + "/foobar/x/foo/bar/file", "longer");
    CHECK(this->noticed());
    writeText(this->share + "/foobar/x/foo/bar/late", "y");
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: folders exchanged are noticed, and what is done below them after")
{
    makeFolders(this->share + "/a/in-a");
    makeFolders(this->share + "/b/in-b");
    this->start();

    constexpr unsigned kExchange = 2; // RENAME_EXCHANGE
    const long done = ::syscall(SYS_renameat2,
                                AT_FDCWD,
                                (this->share + "/a").c_str(),
                                AT_FDCWD,
                                (this->share + "/b").c_str(),
                                kExchange);
    CHECK(done == 0);
    CHECK(this->noticed());
    writeText(this->share + "/a/in-b/file", "x");
    CHECK(this->noticed());
    writeText(this->share + "/b/in-a/file", "x");
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: a tree moved in is noticed with all it holds, one moved out is gone")
{
    makeFolders(this->outside + "/tree/a/b");
    writeText(this->outside + "/tree/a/b/file", "x");
    this->start();

    renamePath(this->outside + "/tree", this->share + "/tree");
    CHECK(this->noticed());
    writeText(this->share + "/tree/a/b/more", "y");
    CHECK(this->noticed());
    renamePath(this->share + "/tree", this->outside + "/again");
    CHECK(this->noticed());
    writeText(this->outside + "/again/a/b/file", "not ours");
    writeText(this->share + "/ours", "z");
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: a deep tree made at once with a file at its end is noticed")
{
    this->start();

    makeFolders(this->share + "/a/b/c/d/e/f");
    writeText(this->share + "/a/b/c/d/e/f/file", "x");

    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: of hundreds of folders unpacked at once no file is missed")
{
    this->start();
    for (int i = 0; i < 300; ++i)
    {
        const std::string path = this->share + "/d" + std::to_string(i) + "/deep";
        makeFolders(path);
        writeText(path + "/file", "content");
    }
    CHECK(this->noticed());
    for (int i = 0; i < 300; i += 30)
    {
        writeText(this->share + "/d" + std::to_string(i) + "/deep/late", "x");
    }
    CHECK(this->noticed());
    removeTree(this->share + "/d7");
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: a folder made again under its old name is noticed")
{
    makeFolders(this->share + "/a/b");
    this->start();

    for (int i = 0; i < 20; ++i)
    {
        removeTree(this->share + "/a");
        makeFolders(this->share + "/a/b");
    }
    CHECK(this->noticed());
    writeText(this->share + "/a/b/file", "x");
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: a file replaced by a folder, and that by a file, is noticed")
{
    writeText(this->share + "/x", "file");
    this->start();

    removePath(this->share + "/x");
    makeFolders(this->share + "/x/below");
    writeText(this->share + "/x/below/file", "y");
    CHECK(this->noticed());
    removeTree(this->share + "/x");
    writeText(this->share + "/x", "file again");
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: links are noticed and never followed")
{
    makeFolders(this->outside + "/tree");
    this->start();

    CHECK(::symlink((this->outside + "/tree").c_str(), (this->share + "/link").c_str()) == 0);
    CHECK(::symlink(".", (this->share + "/loop").c_str()) == 0);
    CHECK(this->noticed());
    CHECK(this->watcher->coverage(1).watched <= 1);

    makeFolder(this->share + "/real");
    CHECK(this->noticed());
    removePath(this->share + "/real");
    CHECK(::symlink((this->outside + "/tree").c_str(), (this->share + "/real").c_str()) == 0);
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: a second name of a file is noticed, and what is written through it")
{
    writeText(this->outside + "/file", "x");
    this->start();

    CHECK(::link((this->outside + "/file").c_str(), (this->share + "/name").c_str()) == 0);
    CHECK(this->noticed());
    appendText(this->share + "/name", "y");
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: a nameless file that gets a name is noticed")
{
    this->start();
    const UniqueFd file(::open(this->share.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644));
    REQUIRE(file);
    CHECK(::write(file.get(), "x", 1) == 1);

    const std::string link = "/proc/self/fd/" + std::to_string(file.get());
    CHECK(
        ::linkat(
            AT_FDCWD, link.c_str(), AT_FDCWD, (this->share + "/name").c_str(), AT_SYMLINK_FOLLOW) ==
        0);

    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: the ways editors save are noticed")
{
    const std::string file = this->share + "/text";
    writeText(file, "old");
    this->start();

    // vim: the old file becomes the backup, the new one is written under the name.
    renamePath(file, file + "~");
    writeText(file, "from vim");
    removePath(file + "~");
    CHECK(this->noticed());
    // nano: in place.
    writeText(file, "from nano");
    CHECK(this->noticed());
    // VS Code, gedit: a temporary file renamed over the old one.
    writeText(file + ".tmp", "from code");
    renamePath(file + ".tmp", file);
    CHECK(this->noticed());
    // Removed and made again.
    removePath(file);
    writeText(file, "from ed");
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: names of any bytes and of any length are noticed")
{
    this->start();

    writeText(this->share + "/\xFF\xFE\n", "x");
    makeFolder(this->share + "/" + std::string(255, 'n'));
    CHECK(this->noticed());
    writeText(this->share + "/" + std::string(255, 'n') + "/" + std::string(255, 'm'), "x");
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: a root that goes away is lost, and watched again when it is added again")
{
    writeText(this->share + "/file", "x");
    this->start();

    renamePath(this->share, this->outside + "/share");
    while (!this->watcher->coverage(1).rootLost)
    {
        const auto hint = this->hints.next();
        REQUIRE(hint);
        CHECK(*hint == Hint{1, RelativePath(), HintScope::Subtree, HintTiming::Settled});
    }
    CHECK_FALSE(this->watcher->coverage(1).problem.empty());

    renamePath(this->outside + "/share", this->share);
    this->watcher->add(1, this->share, {});
    CHECK_FALSE(this->watcher->coverage(1).rootLost);
    writeText(this->share + "/more", "y");
    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: a root that is not there or no folder cannot be added")
{
    this->start();
    writeText(this->folder / "file", "x");

    CHECK_THROWS_AS(this->watcher->add(2, this->folder / "missing", {}), StorageError);
    CHECK_THROWS_AS(this->watcher->add(2, this->folder / "file", {}), StorageError);
}

WATCHER_TEST("Watcher: a root may be reached through a link")
{
    CHECK(::symlink(this->share.c_str(), (this->folder / "link").c_str()) == 0);
    this->start();
    this->watcher->add(1, this->folder / "link", {});

    writeText(this->share + "/file", "x");

    CHECK(this->noticed());
}

WATCHER_TEST("Watcher: after remove() has returned there are no more hints for the folder")
{
    this->start();
    for (int i = 0; i < 100; ++i)
    {
        writeText(this->share + "/file", "x");
    }

    this->watcher->remove(1);
    while (this->hints.tryNext())
    {
    }
    writeText(this->share + "/file", "y");
    this->watcher->add(2, this->outside, {});
    writeText(this->outside + "/file", "z");

    const auto hint = this->hints.next();
    REQUIRE(hint);
    CHECK(hint->watch == 2);
    CHECK(this->watcher->coverage(1).watched == 0);
}

} // namespace tidewire
