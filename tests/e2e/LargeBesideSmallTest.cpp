// A large transfer delays no small change, and goes on where it was interrupted.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <catch2/catch.hpp>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr auto kLong = std::chrono::seconds(180);

/// What a resumed transfer may send twice: windows, staged frames that were not durable yet.
constexpr std::uint64_t kRepeated = 16 * kMiB;

/// Something that breaks a transfer, and what lets it go on.
struct Break
{
    const char* name;
    void (*before)(Pair&);
    void (*after)(Pair&);
};

} // namespace

TEST_CASE("Large: a small change overtakes a large upload", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "small", "first");
    pair.cluster.settle();
    pair.one.traffic().setRate(40 * kMiB);
    pair.one.traffic().cut();
    const std::uint64_t before = pair.one.traffic().bytes(Direction::Up);
    writeRandomFile(pair.cluster.scratch("large"), 1, 300 * kMiB);
    renamePath(pair.cluster.scratch("large"), pair.one / "large");
    pair.cluster.await("the upload is on its way", [&] {
        return pair.one.traffic().bytes(Direction::Up) - before > 20 * kMiB;
    });

    for (int i = 0; i < 5; ++i)
    {
        writeFile(pair.one / "small", "version " + std::to_string(i));
        pair.cluster.await("the small change arrives", [&] {
            return readFile(pair.two / "small") == "version " + std::to_string(i);
        });
    }

    CHECK_FALSE(exists(pair.two / "large"));
    CHECK(pair.one.traffic().bytes(Direction::Up) - before < 250 * kMiB);
    pair.one.traffic().setRate(0);
    pair.cluster.settle({}, kLong);
}

TEST_CASE("Large: a small change overtakes a large download", "[e2e]")
{
    Pair pair;
    AgentNode& three = pair.cluster.startAgent("three");
    writeFile(pair.one / "small", "first");
    pair.cluster.settle();
    pair.two.traffic().setRate(40 * kMiB);
    pair.two.traffic().cut();
    writeRandomFile(pair.cluster.scratch("large"), 1, 300 * kMiB);
    renamePath(pair.cluster.scratch("large"), pair.one / "large");
    pair.cluster.await(
        "the upload has ended", [&] { return exists(three / "large"); }, kLong);
    REQUIRE_FALSE(exists(pair.two / "large"));

    for (int i = 0; i < 5; ++i)
    {
        writeFile(pair.one / "small", "version " + std::to_string(i));
        pair.cluster.await("the small change arrives", [&] {
            return readFile(pair.two / "small") == "version " + std::to_string(i);
        });
    }

    CHECK_FALSE(exists(pair.two / "large"));
    pair.two.traffic().setRate(0);
    pair.cluster.settle({}, kLong);
}

TEST_CASE("Large: small changes go the other way while a large file comes in", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "small", "first");
    pair.cluster.settle();
    pair.two.traffic().setRate(40 * kMiB);
    pair.two.traffic().cut();
    const std::uint64_t before = pair.two.traffic().bytes(Direction::Down);
    writeRandomFile(pair.cluster.scratch("large"), 1, 300 * kMiB);
    renamePath(pair.cluster.scratch("large"), pair.one / "large");
    pair.cluster.await(
        "the download is on its way",
        [&] { return pair.two.traffic().bytes(Direction::Down) - before > 10 * kMiB; },
        kLong);

    writeFile(pair.two / "small", "from two");
    pair.cluster.await("the small change arrives",
                       [&] { return readFile(pair.one / "small") == "from two"; });

    CHECK_FALSE(exists(pair.two / "large"));
    pair.two.traffic().setRate(0);
    pair.cluster.settle({}, kLong);
}

TEST_CASE("Large: a broken upload goes on where it was", "[e2e]")
{
    const Break broken = GENERATE(values<Break>({{"cut",
                                                  [](Pair&) {},
                                                  [](Pair&) {
                                                  }},
                                                 {"agent killed",
                                                  [](Pair& pair) { pair.one.kill(); },
                                                  [](Pair& pair) {
                                                      pair.one.start();
                                                  }},
                                                 {"agent stopped",
                                                  [](Pair& pair) { pair.one.stop(); },
                                                  [](Pair& pair) {
                                                      pair.one.start();
                                                  }},
                                                 {"relay killed",
                                                  [](Pair& pair) { pair.cluster.relay().kill(); },
                                                  [](Pair& pair) {
                                                      pair.cluster.startRelay();
                                                  }},
                                                 {"relay stopped",
                                                  [](Pair& pair) { pair.cluster.relay().stop(); },
                                                  [](Pair& pair) {
                                                      pair.cluster.startRelay();
                                                  }}}));
    CAPTURE(broken.name);
    Pair pair;
    pair.cluster.awaitQuiet(pair.one);
    const std::uint64_t before = pair.one.traffic().bytes(Direction::Up);
    pair.one.traffic().goOfflineAfter(Direction::Up, 60 * kMiB);
    writeRandomFile(pair.cluster.scratch("large"), 1, 100 * kMiB);
    renamePath(pair.cluster.scratch("large"), pair.one / "large");
    pair.cluster.await(
        "the line breaks", [&] { return !pair.one.traffic().online(); }, kLong);

    broken.before(pair);
    pair.one.traffic().goOnline();
    broken.after(pair);
    pair.cluster.await(
        "it arrives", [&] { return exists(pair.two / "large"); }, kLong);
    pair.cluster.settle({}, kLong);

    CHECK(pair.one.traffic().bytes(Direction::Up) - before < 100 * kMiB + kRepeated);
}

TEST_CASE("Large: a broken download goes on where it was", "[e2e]")
{
    const Break broken = GENERATE(values<Break>({{"cut",
                                                  [](Pair&) {},
                                                  [](Pair&) {
                                                  }},
                                                 {"agent killed",
                                                  [](Pair& pair) { pair.two.kill(); },
                                                  [](Pair& pair) {
                                                      pair.two.start();
                                                  }},
                                                 {"agent stopped",
                                                  [](Pair& pair) { pair.two.stop(); },
                                                  [](Pair& pair) {
                                                      pair.two.start();
                                                  }},
                                                 {"relay killed",
                                                  [](Pair& pair) { pair.cluster.relay().kill(); },
                                                  [](Pair& pair) {
                                                      pair.cluster.startRelay();
                                                  }}}));
    CAPTURE(broken.name);
    Pair pair;
    pair.cluster.awaitQuiet(pair.two);
    const std::uint64_t before = pair.two.traffic().bytes(Direction::Down);
    pair.two.traffic().goOfflineAfter(Direction::Down, 60 * kMiB);
    writeRandomFile(pair.cluster.scratch("large"), 1, 100 * kMiB);
    renamePath(pair.cluster.scratch("large"), pair.one / "large");
    pair.cluster.await(
        "the line breaks", [&] { return !pair.two.traffic().online(); }, kLong);

    broken.before(pair);
    pair.two.traffic().goOnline();
    broken.after(pair);
    pair.cluster.await(
        "it arrives", [&] { return exists(pair.two / "large"); }, kLong);
    pair.cluster.settle({}, kLong);

    CHECK(pair.two.traffic().bytes(Direction::Down) - before < 100 * kMiB + kRepeated);
}

TEST_CASE("Large: a file that changes while it is sent ends as its last content", "[e2e]")
{
    Pair pair;
    pair.cluster.awaitQuiet(pair.one);
    const std::uint64_t before = pair.one.traffic().bytes(Direction::Up);
    pair.one.traffic().setRate(20 * kMiB);
    pair.one.traffic().cut();
    writeRandomFile(pair.cluster.scratch("large"), 1, 50 * kMiB);
    renamePath(pair.cluster.scratch("large"), pair.one / "large");
    pair.cluster.await("the upload is on its way", [&] {
        return pair.one.traffic().bytes(Direction::Up) - before > 10 * kMiB;
    });
    overwriteAt(pair.one / "large", kMiB, "changed at the begin");
    overwriteAt(pair.one / "large", 45 * kMiB, "changed at the end");
    pair.one.traffic().setRate(0);

    pair.cluster.settle({}, kLong);
    CHECK(countNames(pair.one.folder(), "conflict") == 0);
}

TEST_CASE("Large: a file that is deleted or replaced while it comes in leaves nothing", "[e2e]")
{
    const bool isReplaced = GENERATE(false, true);
    CAPTURE(isReplaced);
    Pair pair;
    pair.cluster.awaitQuiet(pair.two);
    pair.two.traffic().goOfflineAfter(Direction::Down, 20 * kMiB);
    writeRandomFile(pair.cluster.scratch("large"), 1, 50 * kMiB);
    renamePath(pair.cluster.scratch("large"), pair.one / "large");
    pair.cluster.await(
        "the line breaks", [&] { return !pair.two.traffic().online(); }, kLong);
    pair.cluster.awaitQuiet(pair.one);

    isReplaced ? replaceFile(pair.one / "large", "small now") : removeTree(pair.one / "large");
    pair.cluster.awaitQuiet(pair.one);
    pair.two.traffic().goOnline();
    writeFile(pair.one / "sign", "");
    pair.cluster.await("the sign arrives", [&] { return exists(pair.two / "sign"); });
    pair.cluster.settle({}, kLong);

    pair.cluster.await("no temporary file is left",
                       [&] { return countNames(pair.two / ".tidewire/tmp", "") == 0; });
}
