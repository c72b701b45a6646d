// Tests inotify at its limits, on a real disk.

#include "agent/watch/InotifyWatcher.h"

#include "shared/base/Errors.h"
#include "tests/agent/watch/RealFolder.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <array>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

namespace tidewire {

namespace {

/// A receiver that can be made to stand still.
class Gate
{
public:
    void pass()
    {
        std::unique_lock lock(_mutex);
        _changed.wait(lock, [&] { return _isOpen; });
    }

    void set(bool isOpen)
    {
        const std::scoped_lock lock(_mutex);
        _isOpen = isOpen;
        _changed.notify_all();
    }

private:
    std::mutex _mutex;
    std::condition_variable _changed;
    bool _isOpen = true;
};

class InotifyFixture
{
public:
    InotifyFixture() { makeFolder(share); }
    ~InotifyFixture() { gate.set(true); }
    InotifyFixture(const InotifyFixture&) = delete;
    InotifyFixture& operator=(const InotifyFixture&) = delete;

    void start(IgnorePredicate ignored = {})
    {
        mirror = std::make_unique<Mirror>(lookAtDisk(share));
        watcher = std::make_unique<InotifyWatcher>(
            [this, sink = hints.sink()](const Hint& hint) {
                gate.pass();
                sink(hint);
            },
            clock,
            options);
        watcher->add(1, share, std::move(ignored));
    }

    [[nodiscard]] bool noticed() { return catchesUp(*mirror, hints); }

    TempFolder folder;
    const std::string share = folder / "share";
    SystemClock clock;
    InotifyOptions options;
    Gate gate;
    HintQueue hints;
    std::unique_ptr<Mirror> mirror;
    std::unique_ptr<InotifyWatcher> watcher;
};

int queueLength()
{
    int length = 16384;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> length;
    return length;
}

} // namespace

TEST_CASE_METHOD(InotifyFixture, "InotifyWatcher: every folder has a watch", "[watch]")
{
    makeFolders(share + "/a/b/c");
    makeFolders(share + "/x");
    makeFolders(share + "/.tidewire/tmp");
    start();

    CHECK(watcher->coverage(1).watched == 5);
    CHECK(watcher->coverage(1).polled == 0);
    CHECK(watcher->coverage(1).problem.empty());
    CHECK(watcher->coverage(2).watched == 0);
}

TEST_CASE_METHOD(InotifyFixture, "InotifyWatcher: a stalled receiver misses nothing", "[watch]")
{
    makeFolder(share + "/before");
    options.tracker.rescanPause = std::chrono::milliseconds(50);
    start();
    gate.set(false);
    // Three events a file; renames, so that the tree is wrong after the loss.
    const int count = queueLength() / 3 + 2000;
    for (int i = 0; i < count; ++i)
    {
        writeText(share + "/before/file" + std::to_string(i), "x");
    }
    renamePath(share + "/before", share + "/after");
    makeFolders(share + "/after/new/deep");
    writeText(share + "/after/new/deep/file", "x");
    gate.set(true);

    CHECK(noticed());
    writeText(share + "/after/new/deep/late", "y");
    CHECK(noticed());
    CHECK(watcher->coverage(1).watched == 4);
}

TEST_CASE_METHOD(InotifyFixture, "InotifyWatcher: beyond the budget folders are polled", "[watch]")
{
    for (int i = 0; i < 10; ++i)
    {
        makeFolders(share + "/d" + std::to_string(i) + "/below");
    }
    options.budget = 4;
    options.tracker.walk.pollCycle = std::chrono::milliseconds(100);
    options.tracker.walk.pollStep = std::chrono::milliseconds(10);
    start();

    CHECK(watcher->coverage(1).watched == 4);
    CHECK(watcher->coverage(1).polled > 6);
    CHECK(watcher->coverage(1).problem.find("sysctl") != std::string::npos);
    for (int i = 0; i < 10; ++i)
    {
        writeText(share + "/d" + std::to_string(i) + "/below/file", "x");
    }
    CHECK(noticed());
}

TEST_CASE_METHOD(InotifyFixture, "InotifyWatcher: other rules take effect at once", "[watch]")
{
    makeFolders(share + "/cache/deep");
    start([](const RelativePath& path) { return path.name() == "cache"; });
    CHECK(watcher->coverage(1).watched == 1);

    watcher->setIgnored(1, {});
    CHECK(watcher->coverage(1).watched == 3);
    writeText(share + "/cache/deep/file", "x");
    CHECK(noticed());

    watcher->setIgnored(1, [](const RelativePath& path) { return path.name() == "cache"; });
    CHECK(watcher->coverage(1).watched == 1);
}

TEST_CASE_METHOD(InotifyFixture,
                 "InotifyWatcher: a share within a share sees its changes",
                 "[watch]")
{
    makeFolders(share + "/inner");
    start();
    watcher->add(2, share + "/inner", {});
    watcher->remove(2);

    writeText(share + "/inner/file", "x");

    CHECK(noticed());
}

TEST_CASE_METHOD(InotifyFixture, "InotifyWatcher: special files are told of and let be", "[watch]")
{
    start();

    CHECK(::mkfifo((share + "/pipe").c_str(), 0644) == 0);

    CHECK(noticed());
}

TEST_CASE_METHOD(InotifyFixture,
                 "InotifyWatcher: it ends while events come and a share is being added",
                 "[watch]")
{
    for (int i = 0; i < 200; ++i)
    {
        makeFolders(share + "/d" + std::to_string(i));
    }
    start();
    writeText(share + "/file", "x");
    watcher.reset();

    CHECK(std::filesystem::exists(share));
}

TEST_CASE_METHOD(InotifyFixture,
                 "InotifyWatcher: nothing is missed while a tree is shuffled without a pause",
                 "[watch]")
{
    const auto seed = static_cast<std::uint32_t>(GENERATE(range(1, 5)));
    CAPTURE(seed);
    makeFolder(folder / "outside");
    options.tracker.walk.batch = 3;
    start();

    std::mt19937 random(seed);
    const auto below = [&](std::size_t bound) {
        return random() % bound;
    };
    const auto anyPath = [&] {
        static constexpr std::array<const char*, 4> kNames{"/a", "/b", "/c", "/d"};
        std::string path = below(8) == 0 ? folder / "outside" : share;
        for (std::size_t depth = 1 + below(4); depth > 0; --depth)
        {
            path += kNames.at(below(4));
        }
        return path;
    };
    // What does not fit the state of the tree fails and is no matter.
    for (int i = 0; i < 5000; ++i)
    {
        const std::string path = anyPath();
        switch (below(5))
        {
        case 0:
        case 1:
            (void)::mkdir(path.c_str(), 0755);
            break;
        case 2:
            (void)std::rename(path.c_str(), anyPath().c_str());
            break;
        case 3:
            std::ofstream(path + "/file", std::ios::app) << "x";
            break;
        default:
            (void)std::remove((below(2) == 0 ? path : path + "/file").c_str());
            break;
        }
    }

    CHECK(noticed());
    for (const auto& [path, text] : mirror->truth())
    {
        if (text.starts_with("folder"))
        {
            writeText(share + "/" + path + "/probe", "y");
        }
    }
    CHECK(noticed());
}

} // namespace tidewire
