// Bytes on the wire and bytes read by the agents for small changes to large things.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <functional>

#include "bench/Figures.h"

using namespace tidewire;
using namespace tidewire::bench;
using namespace tidewire::e2e;

namespace {

constexpr std::size_t kMiB = 1 << 20;
constexpr auto kLong = std::chrono::minutes(5);

/// What a change may cost, in bytes; empty when nothing is asked of it.
struct Targets
{
    std::string sent;
    std::string received;
    std::string read;
};

void measure(Pair& pair,
             const std::string& name,
             const Targets& targets,
             const std::function<void()>& change)
{
    struct Counters
    {
        explicit Counters(Pair& p):
            up(p.one.traffic().bytes(Direction::Up)),
            down(p.two.traffic().bytes(Direction::Down)),
            readOne(p.one.process().ioBytes("rchar")),
            readTwo(p.two.process().ioBytes("rchar"))
        {
        }
        std::uint64_t up;
        std::uint64_t down;
        std::uint64_t readOne;
        std::uint64_t readTwo;
    };

    const Counters before(pair);
    change();
    pair.cluster.settle({}, kLong);
    const Counters after(pair);
    const auto difference = [](std::uint64_t from, std::uint64_t to) {
        return static_cast<double>(to - from);
    };
    printFigure(name + "_sent", difference(before.up, after.up), "bytes", targets.sent);
    printFigure(name + "_received", difference(before.down, after.down), "bytes", targets.received);
    printFigure(
        name + "_read_by_sender", difference(before.readOne, after.readOne), "bytes", targets.read);
    printFigure(name + "_read_by_receiver",
                difference(before.readTwo, after.readTwo),
                "bytes",
                targets.read);
}

} // namespace

int main()
{
    Pair pair;
    writeRandomFile(pair.one / "large", 1, 100 * kMiB);
    writeFile(pair.one / "log", textBytes(2, 50 * kMiB));
    makeFolders(pair.one / "folder");
    for (unsigned i = 0; i < 1000; ++i)
    {
        writeFile(pair.one / ("folder/file-" + std::to_string(i)), randomBytes(i, 10000));
    }
    pair.cluster.settle({}, kLong);

    measure(pair, "byte_in_100_mib", {"< 4096", "< 4096", ""}, [&] {
        overwriteAt(pair.one / "large", 50 * kMiB + 17, "!");
    });
    measure(pair, "append_200_to_50_mib", {"< 1024", "", ""}, [&] {
        appendFile(pair.one / "log", textBytes(3, 200));
    });
    measure(pair, "rename_100_mib", {"< 1024", "", "no content"}, [&] {
        renamePath(pair.one / "large", pair.one / "renamed");
    });
    measure(pair, "move_1000_files", {"< 153600", "", "no content"}, [&] {
        renamePath(pair.one / "folder", pair.one / "moved");
    });
    return 0;
}
