// Tests which watcher a folder gets, and what is said about it.

#include "agent/watch/WatchHub.h"

#include "shared/base/Errors.h"
#include "tests/agent/watch/RealFolder.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <memory>

namespace tidewire {

namespace {

constexpr std::uint32_t kExt4 = 0xEF53;
constexpr std::uint32_t kNfs = 0x6969;

class HubFixture
{
public:
    void start(std::uint32_t magic)
    {
        WatchHubOptions options;
        options.magicOf = [magic](const std::string&) {
            return magic;
        };
        options.makeNative = [this](HintSink sink) -> std::unique_ptr<Watcher> {
            if (!hasInstances)
            {
                throw StorageError("inotify_init1", "", EMFILE);
            }
            return std::make_unique<InotifyWatcher>(std::move(sink), clock, InotifyOptions());
        };
        options.polling.shortest = std::chrono::milliseconds(20);
        hub = std::make_unique<WatchHub>(hints.sink(), clock, options);
    }

    [[nodiscard]] bool isWatched() const { return hub->coverage(1).watched == 1; }
    [[nodiscard]] bool isPolled() const { return hub->coverage(1).polled == 1; }

    bool hasInstances = true;
    TempFolder folder;
    SystemClock clock;
    HintQueue hints;
    std::unique_ptr<WatchHub> hub;
};

} // namespace

TEST_CASE_METHOD(HubFixture, "WatchHub: a local filesystem is watched", "[watch]")
{
    start(kExt4);

    hub->add(1, folder.path(), {});

    CHECK(isWatched());
    CHECK(hub->coverage(1).problem.empty());
}

TEST_CASE_METHOD(HubFixture,
                 "WatchHub: a shared filesystem is polled and it is said why",
                 "[watch]")
{
    start(kNfs);

    hub->add(1, folder.path(), {});

    CHECK(isPolled());
    CHECK(hub->coverage(1).problem.find("NFS") != std::string::npos);
    CHECK(hints.next());
}

TEST_CASE_METHOD(HubFixture, "WatchHub: the mode decides against the filesystem", "[watch]")
{
    start(kNfs);
    hub->setMode(1, WatchMode::Native);
    hub->add(1, folder.path(), {});
    CHECK(isWatched());

    hub->setMode(1, WatchMode::Poll);
    hub->add(1, folder.path(), {});

    CHECK(isPolled());
    CHECK_FALSE(isWatched());
    CHECK(hub->coverage(1).problem.empty());
}

TEST_CASE_METHOD(HubFixture, "WatchHub: a polled folder has the interval asked for", "[watch]")
{
    start(kNfs);
    const TempFolder other;
    hub->setPoll(1, std::chrono::hours(1));
    hub->add(1, folder.path(), {});
    hub->add(2, other.path(), {});

    for (int i = 0; i < 3; ++i)
    {
        const auto hint = hints.next();
        REQUIRE(hint);
        CHECK(hint->watch == 2);
    }
}

TEST_CASE_METHOD(HubFixture, "WatchHub: without an inotify instance a folder is polled", "[watch]")
{
    start(kExt4);
    hasInstances = false;
    hub->add(1, folder.path(), {});

    CHECK(isPolled());
    CHECK(hub->coverage(1).problem.find("Too many open files") != std::string::npos);
    CHECK(hints.next());

    hasInstances = true;
    hub->add(1, folder.path(), {});

    CHECK(isWatched());
}

TEST_CASE_METHOD(HubFixture, "WatchHub: a folder that is not there is an error", "[watch]")
{
    start(kExt4);

    CHECK_THROWS_AS(hub->add(1, folder / "missing", {}), StorageError);
    CHECK(hub->coverage(1).watched == 0);
    hub->remove(1);
    hub->setIgnored(1, {});
    hub->noteScan(1, std::chrono::seconds(1));
}

TEST_CASE_METHOD(HubFixture, "WatchHub: shares of both kinds stand side by side", "[watch]")
{
    start(kExt4);
    const TempFolder other;
    hub->setMode(2, WatchMode::Poll);
    hub->add(1, folder.path(), {});
    hub->add(2, other.path(), {});
    hub->noteScan(2, std::chrono::milliseconds(1));
    writeText(folder / "file", "x");

    bool isFirstSeen = false;
    bool isSecondSeen = false;
    while (!isFirstSeen || !isSecondSeen)
    {
        const auto hint = hints.next();
        REQUIRE(hint);
        isFirstSeen = isFirstSeen || hint->watch == 1;
        isSecondSeen = isSecondSeen || hint->watch == 2;
    }

    hub->remove(1);
    CHECK_FALSE(isWatched());
    CHECK(hub->coverage(2).polled == 1);
}

} // namespace tidewire
