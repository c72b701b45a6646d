// A large transfer delays no small change, and goes on where it was interrupted.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <catch2/catch.hpp>

#include <cstdlib>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr auto kLong = std::chrono::seconds(180);

/// A line on which the large file takes many times as long as the small changes beside it.
constexpr std::uint64_t kSlow = 16 * kMiB;

/// What a resumed transfer may send twice: what was on its way, and the greetings.
constexpr std::uint64_t kRepeated = 4 * kMiB;

/// What a relay that is killed may have taken without having made it durable.
constexpr std::uint64_t kNotDurable = 8 * kMiB;

/// Size of the large file; TIDEWIRE_LARGE_MIB in the environment makes it another one.
std::uint64_t largeBytes()
{
    const char* text = std::getenv("TIDEWIRE_LARGE_MIB");
    return (text == nullptr ? 256 : std::strtoull(text, nullptr, 10)) * kMiB;
}

/// Makes the large file appear in one go.
void putLarge(Pair& pair, std::uint64_t size)
{
    writeRandomFile(pair.cluster.scratch("large"), 1, size);
    renamePath(pair.cluster.scratch("large"), pair.one / "large");
}

/// A line that has been slow from the first byte of its connection on.
void slowDown(AgentNode& agent)
{
    agent.traffic().setRate(kSlow);
    agent.traffic().cut();
}

/// Changes a small file again and again, while the large one is not there.
void changeSmall(Pair& pair, AgentNode& from, AgentNode& to)
{
    for (int i = 0; i < 5; ++i)
    {
        const std::string text = "version " + std::to_string(i);
        writeFile(from / "small", text);
        pair.cluster.await("the small change arrives",
                           [&] { return readFile(to / "small") == text; });
        REQUIRE_FALSE(exists(pair.two / "large"));
    }
}

/// Something that breaks a transfer, and what lets it go on.
struct Break
{
    const char* name;
    std::uint64_t repeated; ///< what may be sent twice
    void (*before)(Pair&);
    void (*after)(Pair&);
};

} // namespace

TEST_CASE("Large: small changes overtake a large upload", "[e2e]")
{
    const bool isSameWay = GENERATE(true, false);
    CAPTURE(isSameWay);
    Pair pair;
    writeFile(pair.one / "small", "first");
    pair.cluster.settle();
    slowDown(pair.one);
    const std::uint64_t before = pair.one.traffic().bytes(Direction::Up);
    putLarge(pair, largeBytes());
    pair.cluster.await("the upload is on its way",
                       [&] { return pair.one.traffic().bytes(Direction::Up) - before > 8 * kMiB; });

    changeSmall(pair, isSameWay ? pair.one : pair.two, isSameWay ? pair.two : pair.one);

    CHECK(pair.one.traffic().bytes(Direction::Up) - before < largeBytes());
    pair.one.traffic().setRate(0);
    pair.cluster.settle({}, kLong);
}

TEST_CASE("Large: small changes overtake a large download", "[e2e]")
{
    const bool isSameWay = GENERATE(true, false);
    CAPTURE(isSameWay);
    Pair pair;
    writeFile(pair.one / "small", "first");
    pair.cluster.settle();
    slowDown(pair.two);
    const std::uint64_t before = pair.two.traffic().bytes(Direction::Down);
    putLarge(pair, largeBytes());
    pair.cluster.await(
        "the download is on its way",
        [&] { return pair.two.traffic().bytes(Direction::Down) - before > 8 * kMiB; },
        kLong);

    changeSmall(pair, isSameWay ? pair.one : pair.two, isSameWay ? pair.two : pair.one);

    pair.two.traffic().setRate(0);
    pair.cluster.settle({}, kLong);
}

TEST_CASE("Large: a broken upload goes on where it was", "[e2e]")
{
    const Break broken = GENERATE(values<Break>({{"cut",
                                                  kRepeated,
                                                  [](Pair&) {},
                                                  [](Pair&) {
                                                  }},
                                                 {"agent killed",
                                                  kRepeated,
                                                  [](Pair& pair) { pair.one.kill(); },
                                                  [](Pair& pair) {
                                                      pair.one.start();
                                                  }},
                                                 {"agent stopped",
                                                  kRepeated,
                                                  [](Pair& pair) { pair.one.stop(); },
                                                  [](Pair& pair) {
                                                      pair.one.start();
                                                  }},
                                                 {"relay killed",
                                                  kRepeated + kNotDurable,
                                                  [](Pair& pair) { pair.cluster.relay().kill(); },
                                                  [](Pair& pair) {
                                                      pair.cluster.startRelay();
                                                  }},
                                                 {"relay stopped",
                                                  kRepeated,
                                                  [](Pair& pair) { pair.cluster.relay().stop(); },
                                                  [](Pair& pair) {
                                                      pair.cluster.startRelay();
                                                  }}}));
    CAPTURE(broken.name);
    Pair pair;
    pair.cluster.awaitQuiet(pair.one);
    const std::uint64_t before = pair.one.traffic().bytes(Direction::Up);
    pair.one.traffic().goOfflineAfter(Direction::Up, 60 * kMiB);
    putLarge(pair, 100 * kMiB);
    pair.cluster.await(
        "the line breaks", [&] { return !pair.one.traffic().online(); }, kLong);

    broken.before(pair);
    pair.one.traffic().goOnline();
    broken.after(pair);
    pair.cluster.await(
        "it arrives", [&] { return exists(pair.two / "large"); }, kLong);
    pair.cluster.settle({}, kLong);

    CHECK(pair.one.traffic().bytes(Direction::Up) - before < 100 * kMiB + broken.repeated);
}

TEST_CASE("Large: a broken download goes on where it was", "[e2e]")
{
    const Break broken = GENERATE(values<Break>({{"cut",
                                                  kRepeated,
                                                  [](Pair&) {},
                                                  [](Pair&) {
                                                  }},
                                                 {"agent killed",
                                                  kRepeated,
                                                  [](Pair& pair) { pair.two.kill(); },
                                                  [](Pair& pair) {
                                                      pair.two.start();
                                                  }},
                                                 {"agent stopped",
                                                  kRepeated,
                                                  [](Pair& pair) { pair.two.stop(); },
                                                  [](Pair& pair) {
                                                      pair.two.start();
                                                  }},
                                                 {"relay killed",
                                                  kRepeated,
                                                  [](Pair& pair) { pair.cluster.relay().kill(); },
                                                  [](Pair& pair) {
                                                      pair.cluster.startRelay();
                                                  }},
                                                 {"relay stopped",
                                                  kRepeated,
                                                  [](Pair& pair) { pair.cluster.relay().stop(); },
                                                  [](Pair& pair) {
                                                      pair.cluster.startRelay();
                                                  }}}));
    CAPTURE(broken.name);
    Pair pair;
    pair.cluster.awaitQuiet(pair.two);
    const std::uint64_t before = pair.two.traffic().bytes(Direction::Down);
    pair.two.traffic().goOfflineAfter(Direction::Down, 60 * kMiB);
    putLarge(pair, 100 * kMiB);
    pair.cluster.await(
        "the line breaks", [&] { return !pair.two.traffic().online(); }, kLong);

    broken.before(pair);
    pair.two.traffic().goOnline();
    broken.after(pair);
    pair.cluster.await(
        "it arrives", [&] { return exists(pair.two / "large"); }, kLong);
    pair.cluster.settle({}, kLong);

    CHECK(pair.two.traffic().bytes(Direction::Down) - before < 100 * kMiB + broken.repeated);
}

TEST_CASE("Large: a file that changes while it is sent ends as its last content", "[e2e]")
{
    Pair pair;
    pair.cluster.awaitQuiet(pair.one);
    const std::uint64_t before = pair.one.traffic().bytes(Direction::Up);
    pair.one.traffic().setRate(20 * kMiB);
    pair.one.traffic().cut();
    putLarge(pair, 50 * kMiB);
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
    putLarge(pair, 50 * kMiB);
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
