// Large contents on a line that breaks, between programs that end: they go on where they were.

#include "agent/sync/PrivateFolder.h"
#include "shared/base/Errors.h"
#include "tests/sim/SimCheck.h"
#include "tests/sim/SimWorld.h"
#include "tests/support/FileTools.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire {

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kSize = 12 * kMiB;

/// What a break of the line may cost: a frame that was cut, the greetings.
constexpr std::uint64_t kCut = 256 << 10;

/// What is under way to the receiver and not yet on its disk: the credit.
constexpr std::uint64_t kCredit = 2 * kMiB + kCut;

/// What the relay may have taken without having made it durable.
constexpr std::uint64_t kStep = 8 * kMiB + kCut;

enum class Way
{
    Up,
    Down,
};

/// Something that ends a transfer for now.
enum class Break
{
    Cut,
    SenderKilled,
    SenderStopped,
    ReceiverKilled,
    ReceiverStopped,
    RelayKilled,
};

void overwriteAt(FileSystem& files,
                 std::string_view path,
                 std::uint64_t offset,
                 std::string_view text)
{
    files.openWrite(pathOf(path))->write(offset, asBytes(text));
}

class TransferWorld
{
public:
    explicit TransferWorld(std::uint64_t seed = 1):
        world(seed, SimStore::Embedded),
        sender(world.addAgent("sender")),
        receiver(world.addAgent("receiver"))
    {
        world.settle();
    }

    std::uint64_t moved(Way way)
    {
        return way == Way::Up ? world.network().bytesUp() : world.network().bytesDown();
    }

    /// Until so many more bytes went that way; false when the world comes to rest before.
    bool moveOn(Way way, std::uint64_t bytes)
    {
        const std::uint64_t end = moved(way) + bytes;
        while (moved(way) < end)
        {
            if (!world.step())
            {
                return false;
            }
        }
        return true;
    }

    void breakIt(Break how, Way way)
    {
        switch (how)
        {
        case Break::Cut:
            world.cut(way == Way::Up ? 0 : 1);
            break;
        case Break::SenderKilled:
            sender.kill();
            break;
        case Break::SenderStopped:
            sender.stopClean();
            break;
        case Break::ReceiverKilled:
            receiver.kill();
            break;
        case Break::ReceiverStopped:
            receiver.stopClean();
            break;
        case Break::RelayKilled:
            world.restartRelay();
            break;
        }
        for (SimAgent* agent : {&sender, &receiver})
        {
            if (!agent->isRunning())
            {
                agent->start();
            }
        }
    }

    /// A break after every `interval` bytes, until the file is over. Returns the number of breaks.
    unsigned breakAgainAndAgain(Break how, Way way, std::uint64_t interval)
    {
        unsigned count = 0;
        while (count < 100 && moveOn(way, interval))
        {
            breakIt(how, way);
            ++count;
        }
        return count;
    }

    void rest()
    {
        world.settle();
        INFO(world.report());
        REQUIRE_NOTHROW(checkRest(world));
    }

    std::string noise(std::uint64_t size)
    {
        std::string all(static_cast<std::size_t>(size), '\0');
        std::mt19937_64 random(world.random().below(1000));
        for (std::size_t at = 0; at + sizeof(std::uint64_t) <= all.size(); at += 8)
        {
            const std::uint64_t word = random();
            std::memcpy(all.data() + at, &word, sizeof word);
        }
        return all;
    }

    /// The unfinished contents of the receiver.
    std::vector<std::string> partials()
    {
        std::vector<std::string> names = listNames(receiver.files(), pathOf(".tidewire/tmp"));
        std::erase_if(names,
                      [](const std::string& name) { return !name.starts_with(kPartialPrefix); });
        return names;
    }

    SimWorld world;
    SimAgent& sender;
    SimAgent& receiver;
};

} // namespace

TEST_CASE("Interrupted: an upload that is broken again and again sends little twice", "[sim]")
{
    const auto how = GENERATE(Break::Cut, Break::SenderKilled, Break::SenderStopped);
    const std::uint64_t seed = GENERATE(1U, 2U);
    CAPTURE(static_cast<int>(how), seed);
    TransferWorld line(seed);
    const std::string content = line.noise(kSize);
    const std::uint64_t before = line.moved(Way::Up);
    writeFile(line.sender.user(), "large", content);

    const unsigned count = line.breakAgainAndAgain(how, Way::Up, 5 * kMiB / 2);

    line.rest();
    CHECK(count >= 4);
    CHECK(line.moved(Way::Up) - before < kSize + (count + 1) * kCut);
    CHECK((readFile(line.receiver.files(), "large") == content));
}

TEST_CASE("Interrupted: after a power cut of the relay an upload goes on at what was durable",
          "[sim]")
{
    TransferWorld line;
    const std::uint64_t size = 24 * kMiB;
    const std::string content = line.noise(size);
    const std::uint64_t before = line.moved(Way::Up);
    writeFile(line.sender.user(), "large", content);

    const unsigned count = line.breakAgainAndAgain(Break::RelayKilled, Way::Up, 11 * kMiB);

    line.rest();
    CHECK(count >= 2);
    CHECK(line.moved(Way::Up) - before < size + count * kStep);
    CHECK((readFile(line.receiver.files(), "large") == content));
}

TEST_CASE("Interrupted: a download that is broken again and again brings little twice", "[sim]")
{
    const auto how =
        GENERATE(Break::Cut, Break::ReceiverKilled, Break::ReceiverStopped, Break::RelayKilled);
    const std::uint64_t seed = GENERATE(1U, 2U);
    CAPTURE(static_cast<int>(how), seed);
    TransferWorld line(seed);
    const std::string content = line.noise(kSize);
    const std::uint64_t before = line.moved(Way::Down);
    writeFile(line.sender.user(), "large", content);

    const unsigned count = line.breakAgainAndAgain(how, Way::Down, 3 * kMiB);

    line.rest();
    CHECK(count >= 3);
    CHECK(line.moved(Way::Down) - before < kSize + (count + 1) * kCredit);
    CHECK((readFile(line.receiver.files(), "large") == content));
}

TEST_CASE("Interrupted: a receiver that is killed at any moment of the end does not begin anew",
          "[sim]")
{
    const std::uint64_t operations = GENERATE(range(0U, 24U));
    CAPTURE(operations);
    TransferWorld line;
    const std::uint64_t size = 3 * kMiB;
    const std::string content = line.noise(size);
    const std::uint64_t before = line.moved(Way::Down);
    writeFile(line.sender.user(), "large", content);
    REQUIRE(line.moveOn(Way::Down, size));

    line.receiver.killAfter(operations);
    line.world.settle();
    line.receiver.spare();
    line.rest();
    CHECK(line.moved(Way::Down) - before < size + kCredit);
    CHECK((readFile(line.receiver.files(), "large") == content));
}

TEST_CASE("Interrupted: a beginning that a power cut has damaged is made anew, once", "[sim]")
{
    TransferWorld line;
    const std::string content = line.noise(kSize);
    const std::uint64_t before = line.moved(Way::Down);
    writeFile(line.sender.user(), "large", content);
    REQUIRE(line.moveOn(Way::Down, kSize / 2));
    line.receiver.kill();
    REQUIRE(line.partials().size() == 1);
    const std::string partial = ".tidewire/tmp/" + line.partials().front();
    std::string torn = readFile(line.receiver.files(), partial);
    std::fill(torn.end() - 8192, torn.end(), '\0');
    writeFile(line.receiver.files(), partial, torn);

    line.receiver.start();

    line.rest();
    CHECK(line.moved(Way::Down) - before < kSize + kSize + kCredit);
    CHECK((readFile(line.receiver.files(), "large") == content));
    CHECK(line.partials().empty());
}

TEST_CASE("Interrupted: a file that changes while it is sent arrives as it was last", "[sim]")
{
    const std::uint64_t seed = GENERATE(range(1U, 5U));
    CAPTURE(seed);
    TransferWorld line(seed);
    const std::string content = line.noise(kSize);
    writeFile(line.sender.user(), "large", content);
    REQUIRE(line.moveOn(Way::Up, 5 * kMiB));
    overwriteAt(line.sender.user(), "large", 1000, "changed at the begin");
    static_cast<void>(line.moveOn(Way::Up, 3 * kMiB));
    overwriteAt(line.sender.user(), "large", kSize - 3 * kMiB, "changed at the end");

    line.rest();
    CHECK((readFile(line.receiver.files(), "large") == readFile(line.sender.files(), "large")));
    CHECK(listNames(line.receiver.files(), RelativePath()).size() == 2);
}

TEST_CASE("Interrupted: a file that changes more often than its download takes arrives", "[sim]")
{
    const auto how = GENERATE(Break::Cut, Break::ReceiverKilled, Break::ReceiverStopped);
    const bool breaks = GENERATE(false, true);
    const std::uint64_t seed = GENERATE(1U, 2U);
    CAPTURE(static_cast<int>(how), breaks, seed);
    TransferWorld line(seed);
    const std::string content = line.noise(kSize);
    writeFile(line.sender.user(), "large", content);
    const std::uint64_t before = line.moved(Way::Down);
    for (unsigned i = 0; i < 12 && !line.receiver.files().stat(pathOf("large")); ++i)
    {
        static_cast<void>(line.moveOn(Way::Down, 2 * kMiB));
        overwriteAt(line.sender.user(), "large", 1000 * i, "change " + std::to_string(i));
        if (breaks)
        {
            line.world.steps(200);
            line.breakIt(how, Way::Down);
        }
    }

    CHECK(line.receiver.files().stat(pathOf("large")));
    CHECK(line.moved(Way::Down) - before < kSize + 8 * kCredit);
    CHECK(line.partials().size() <= 1);
    line.rest();
    CHECK((readFile(line.receiver.files(), "large") == readFile(line.sender.files(), "large")));
    CHECK(listNames(line.receiver.files(), RelativePath()).size() == 2);
    CHECK(line.partials().empty());
}

TEST_CASE("Interrupted: what takes the place of a file that is on its way leaves nothing behind",
          "[sim]")
{
    const auto what = GENERATE(0, 1, 2, 3);
    CAPTURE(what);
    TransferWorld line;
    const std::string content = line.noise(kSize);
    writeFile(line.sender.user(), "large", content);
    REQUIRE(line.moveOn(Way::Down, kSize / 2));
    switch (what)
    {
    case 0:
        line.sender.user().removeFile(pathOf("large"));
        break;
    case 1:
        writeFile(line.sender.user(), "large", "small now");
        break;
    case 2:
        overwriteAt(line.sender.user(), "large", kSize - 3 * kMiB, "a little changed");
        break;
    default:
        REQUIRE(line.sender.user().renameNoReplace(pathOf("large"), pathOf("other")) ==
                RenameOutcome::Done);
    }

    line.rest();
    CHECK(line.partials().empty());
}

TEST_CASE("Interrupted: when the relay's disk is full an upload waits and goes on", "[sim]")
{
    TransferWorld line;
    const std::string content = line.noise(kSize);
    const std::uint64_t before = line.moved(Way::Up);
    writeFile(line.sender.user(), "large", content);
    REQUIRE(line.moveOn(Way::Up, kSize / 2));
    unsigned left = 20;
    line.world.relay().state().setHook([&](std::string_view operation, const RelativePath& path) {
        if (left > 0 && operation == "write")
        {
            --left;
            throw StorageError("write", path.text(), ENOSPC);
        }
    });

    line.rest();
    CHECK(left == 0);
    CHECK(line.moved(Way::Up) - before < kSize + 20 * kStep);
    CHECK((readFile(line.receiver.files(), "large") == content));
}

TEST_CASE("Interrupted: small changes pass a large one in both directions", "[sim]")
{
    const auto way = GENERATE(Way::Up, Way::Down);
    const std::uint64_t seed = GENERATE(range(1U, 4U));
    CAPTURE(static_cast<int>(way), seed);
    TransferWorld line(seed);
    writeFile(line.sender.user(), "large", line.noise(kSize));
    REQUIRE(line.moveOn(way, 5 * kMiB));

    writeFile(line.sender.user(), "to", "there");
    writeFile(line.receiver.user(), "fro", "back");
    REQUIRE(line.moveOn(way, 5 * kMiB));

    CHECK(line.receiver.files().stat(pathOf("to")).has_value());
    CHECK(line.sender.files().stat(pathOf("fro")).has_value());
    CHECK_FALSE(line.receiver.files().stat(pathOf("large")).has_value());
    line.rest();
}

} // namespace tidewire
