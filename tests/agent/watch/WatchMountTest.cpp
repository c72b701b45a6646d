// Tests mounts over and below a watched folder, where the user may mount.

#include "agent/watch/InotifyWatcher.h"
#include "tests/agent/watch/RealFolder.h"

#include <catch2/catch.hpp>

#include <sched.h>
#include <sys/mount.h>

#include <memory>

namespace tidewire {

namespace {

/// Mounts of our own that nobody else sees; false where that is not allowed.
bool enterMountNamespace()
{
    static const bool isInside = ::unshare(CLONE_NEWNS) == 0 &&
                                 ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    return isInside;
}

/// An empty filesystem over a folder.
class MountedTmpfs
{
public:
    explicit MountedTmpfs(std::string path): _path(std::move(path))
    {
        _isMounted = ::mount("tidewire-test", _path.c_str(), "tmpfs", 0, "size=1m") == 0;
    }
    ~MountedTmpfs() { unmount(); }
    MountedTmpfs(const MountedTmpfs&) = delete;
    MountedTmpfs& operator=(const MountedTmpfs&) = delete;

    [[nodiscard]] bool isMounted() const { return _isMounted; }

    void unmount()
    {
        if (_isMounted)
        {
            _isMounted = ::umount2(_path.c_str(), MNT_DETACH) != 0;
        }
    }

private:
    std::string _path;
    bool _isMounted = false;
};

class MountFixture
{
public:
    MountFixture() { makeFolders(share + "/sub/deep"); }

    void start() { watcher->add(1, share, {}); }

    [[nodiscard]] bool isLost()
    {
        while (!watcher->coverage(1).rootLost)
        {
            if (!hints.next())
            {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] bool isRescanned()
    {
        const Hint all{1, RelativePath(), HintScope::Subtree, HintTiming::Settled};
        auto hint = hints.next();
        while (hint && *hint != all)
        {
            hint = hints.next();
        }
        return hint.has_value();
    }

    const bool mayMount = enterMountNamespace();
    TempFolder folder;
    const std::string share = folder / "share";
    SystemClock clock;
    HintQueue hints;
    std::unique_ptr<InotifyWatcher> watcher =
        std::make_unique<InotifyWatcher>(hints.sink(), clock, InotifyOptions());
};

} // namespace

TEST_CASE_METHOD(MountFixture, "InotifyWatcher: what is mounted over the root loses it", "[watch]")
{
    start();
    const MountedTmpfs over(share);
    if (!mayMount || !over.isMounted())
    {
        WARN("not allowed to mount here");
        return;
    }

    CHECK(isLost());
}

TEST_CASE_METHOD(MountFixture, "InotifyWatcher: an unmounted root is lost", "[watch]")
{
    MountedTmpfs under(share);
    if (!mayMount || !under.isMounted())
    {
        WARN("not allowed to mount here");
        return;
    }
    makeFolders(share + "/a/b");
    start();
    CHECK(watcher->coverage(1).watched == 3);

    under.unmount();

    CHECK(isLost());
}

TEST_CASE_METHOD(MountFixture, "InotifyWatcher: a mount below is let go and taken back", "[watch]")
{
    start();
    MountedTmpfs below(share + "/sub");
    if (!mayMount || !below.isMounted())
    {
        WARN("not allowed to mount here");
        return;
    }
    CHECK(isRescanned());
    CHECK(watcher->coverage(1).watched == 1);

    below.unmount();

    CHECK(isRescanned());
    CHECK(watcher->coverage(1).watched == 3);
    CHECK_FALSE(watcher->coverage(1).rootLost);
}

} // namespace tidewire
