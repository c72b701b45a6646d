// What must not travel does not: bytes on the wire and bytes read, measured from outside.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <catch2/catch.hpp>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

constexpr std::size_t kMiB = 1 << 20;

/// Counters at the begin of a change.
struct Meter
{
    explicit Meter(Pair& measured):
        pair(measured),
        up(pair.one.traffic().bytes(Direction::Up)),
        down(pair.two.traffic().bytes(Direction::Down)),
        readByOne(pair.one.process().ioBytes("rchar")),
        readByTwo(pair.two.process().ioBytes("rchar"))
    {
    }

    [[nodiscard]] std::uint64_t sent() const
    {
        return pair.one.traffic().bytes(Direction::Up) - up;
    }
    [[nodiscard]] std::uint64_t received() const
    {
        return pair.two.traffic().bytes(Direction::Down) - down;
    }
    [[nodiscard]] std::uint64_t oneRead() const
    {
        return pair.one.process().ioBytes("rchar") - readByOne;
    }
    [[nodiscard]] std::uint64_t twoRead() const
    {
        return pair.two.process().ioBytes("rchar") - readByTwo;
    }

    Pair& pair;
    std::uint64_t up;
    std::uint64_t down;
    std::uint64_t readByOne;
    std::uint64_t readByTwo;
};

} // namespace

TEST_CASE("Thrift: a byte changed in a large file costs a few hundred bytes", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "large", randomBytes(1, 40 * kMiB));
    pair.cluster.settle();
    const Meter meter(pair);

    overwriteAt(pair.one / "large", 20 * kMiB + 17, "!");
    pair.cluster.settle();

    CHECK(meter.sent() < 4096);
    CHECK(meter.received() < 4096);
}

TEST_CASE("Thrift: bytes inserted at the front of a file cost no more than themselves", "[e2e]")
{
    Pair pair;
    const std::string content = randomBytes(1, 5 * kMiB);
    writeFile(pair.one / "large", content);
    pair.cluster.settle();
    const Meter meter(pair);

    writeFile(pair.one / "large", "twelve bytes" + content);
    pair.cluster.settle();

    CHECK(meter.sent() < 16384);
}

TEST_CASE("Thrift: an append sends what was appended", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "log", textBytes(1, 20 * kMiB));
    pair.cluster.settle();
    const Meter meter(pair);

    appendFile(pair.one / "log", textBytes(2, 200));
    pair.cluster.settle();

    CHECK(meter.sent() < 1024);
}

TEST_CASE("Thrift: a rename sends no content, reads it once, and is a rename over there", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "large", randomBytes(1, 40 * kMiB));
    pair.cluster.settle();
    const std::uint64_t inode = inodeOf(pair.two / "large");
    const Meter meter(pair);

    renamePath(pair.one / "large", pair.one / "renamed");
    pair.cluster.settle();

    CHECK(inodeOf(pair.two / "renamed") == inode);
    CHECK(meter.sent() < 1024);
    // A rename moves the ctime, as a write whose mtime was put back does: only reading tells them
    // apart. The other agent reads the index with the file's signature, not the 40 MiB.
    CHECK(meter.oneRead() < 44 * kMiB);
    CHECK(meter.twoRead() < 4 * kMiB);
}

TEST_CASE("Thrift: the move of a folder with 1,000 files sends no content and reads none", "[e2e]")
{
    Pair pair;
    makeFolders(pair.one / "folder");
    for (unsigned i = 0; i < 1000; ++i)
    {
        writeFile(pair.one / ("folder/file-" + std::to_string(i)), randomBytes(i, 10000));
    }
    pair.cluster.settle();
    const std::uint64_t inode = inodeOf(pair.two / "folder/file-500");
    const Meter meter(pair);

    renamePath(pair.one / "folder", pair.one / "moved");
    pair.cluster.settle();

    CHECK(inodeOf(pair.two / "moved/file-500") == inode);
    CHECK(meter.sent() < 150 << 10);
    CHECK(meter.oneRead() < 5 * kMiB);
    CHECK(meter.twoRead() < 5 * kMiB);
}

TEST_CASE("Thrift: a copy sends no content", "[e2e]")
{
    Pair pair;
    const std::string content = randomBytes(1, 10 * kMiB);
    writeFile(pair.one / "original", content);
    pair.cluster.settle();
    const Meter meter(pair);

    writeFile(pair.one / "copy", content);
    pair.cluster.settle();

    CHECK(meter.sent() < 4096);
    CHECK(meter.received() < 4096);
}

TEST_CASE("Thrift: a chmod and a touch send no content", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "large", randomBytes(1, 10 * kMiB));
    pair.cluster.settle();
    const std::uint64_t inode = inodeOf(pair.two / "large");
    const Meter meter(pair);

    changeMode(pair.one / "large", 0600);
    setMtime(pair.one / "large", 1234567890, 1);
    pair.cluster.settle();

    CHECK(meter.sent() < 1024);
    CHECK(inodeOf(pair.two / "large") == inode);
}

TEST_CASE("Thrift: what was received is not sent back", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "file", randomBytes(1, 5 * kMiB));
    pair.cluster.settle();

    CHECK(pair.two.traffic().bytes(Direction::Up) < 16384);
    CHECK(pair.one.traffic().bytes(Direction::Down) < 16384);
}

TEST_CASE("Thrift: when all is quiet nothing is read", "[e2e]")
{
    Pair pair;
    writeFile(pair.one / "file", randomBytes(1, 20 * kMiB));
    pair.cluster.settle();
    const Meter meter(pair);

    pair.one.traffic().cut();
    pair.cluster.await("it connects again", [&] { return pair.one.traffic().attempts() > 1; });
    pair.cluster.settle();

    CHECK(meter.oneRead() < kMiB);
    CHECK(meter.twoRead() < kMiB);
    CHECK(meter.sent() < 4096);
}
