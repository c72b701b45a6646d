// Lets the disk change at random while events are read late, in pieces, or not at all.

#include "tests/agent/watch/TrackerRig.h"

#include <catch2/catch.hpp>

#include <random>
#include <set>

namespace tidewire {

namespace {

bool isIgnored(const RelativePath& path)
{
    return path.name() == "skip";
}

bool isBelowIgnored(const std::string& path)
{
    return ("/" + path + "/").find("/skip/") != std::string::npos;
}

/// Somebody who makes, moves and removes things below /share and /outside without end.
class Vandal
{
public:
    Vandal(FakeDisk& disk, std::uint32_t seed): _disk(disk), _random(seed) {}

    [[nodiscard]] std::size_t below(std::size_t bound) { return _random() % bound; }

    void act()
    {
        const std::string path = anyPath();
        switch (below(8))
        {
        case 0:
        case 1:
            createAt(path);
            break;
        case 2:
        case 3:
        case 4:
            move(path, anyPath());
            break;
        case 5:
            swap(path, anyPath());
            break;
        case 6:
            remove(path);
            break;
        default:
            if (_disk.exists(path) && !_disk.find(path)->isFolder)
            {
                _disk.writeFile(path);
            }
            break;
        }
    }

private:
    // Few names, so that names meet again.
    std::string anyPath()
    {
        static constexpr std::array<const char*, 5> kNames{"a", "b", "c", "d", "skip"};
        std::string path = below(6) == 0 ? "/outside" : "/share";
        const std::size_t depth = 1 + below(4);
        for (std::size_t i = 0; i < depth; ++i)
        {
            path += std::string("/") + kNames[below(below(4) == 0 ? 5 : 4)];
        }
        return path;
    }

    [[nodiscard]] bool hasHolder(const std::string& path) const
    {
        const auto holder = _disk.find(path.substr(0, path.rfind('/')));
        return holder != nullptr && holder->isFolder;
    }

    void createAt(const std::string& path)
    {
        if (!hasHolder(path) || _disk.exists(path))
        {
            return;
        }
        if (below(3) == 0)
        {
            _disk.makeFile(path);
        }
        else
        {
            _disk.makeFolder(path);
        }
    }

    void move(const std::string& from, const std::string& to)
    {
        const auto source = _disk.find(from);
        const auto target = _disk.find(to);
        const bool isInside = (to + "/").starts_with(from + "/");
        const bool isAllowed =
            target == nullptr || (source != nullptr && target != source &&
                                  target->isFolder == source->isFolder && target->children.empty());
        if (source != nullptr && hasHolder(to) && !isInside && isAllowed)
        {
            _disk.rename(from, to);
        }
    }

    void swap(const std::string& a, const std::string& b)
    {
        const bool isNested = (a + "/").starts_with(b + "/") || (b + "/").starts_with(a + "/");
        if (_disk.exists(a) && _disk.exists(b) && !isNested)
        {
            _disk.exchange(a, b);
        }
    }

    void remove(const std::string& path)
    {
        if (_disk.exists(path) && _disk.find(path)->children.empty())
        {
            _disk.remove(path);
        }
    }

    FakeDisk& _disk;
    std::mt19937 _random;
};

MirrorState withoutIgnored(MirrorState state)
{
    std::erase_if(state, [](const auto& entry) { return isBelowIgnored(entry.first); });
    return state;
}

/// Every folder reports under its own path, and nothing else is watched.
void checkWatches(TrackerRig& rig)
{
    std::size_t folders = 1;
    for (const auto& [path, text] : rig.disk.lookAt("/share")(RelativePath(), HintScope::Subtree))
    {
        if (text != "folder" || isBelowIgnored(path))
        {
            continue;
        }
        ++folders;
        CAPTURE(path);
        CHECK(rig.disk.find("/share/" + path)->wd >= 0);
        rig.hints.clear();
        rig.disk.makeFile("/share/" + path + "/probe");
        CHECK(contains(rig.take(), entryHint(path + "/probe")));
    }
    CHECK(rig.disk.watchCount() == folders);
    CHECK(rig.tracker->coverage(TrackerRig::kShare).watched == folders);
}

} // namespace

TEST_CASE("WatchTracker: no order of changes, reads and walks makes it miss anything", "[watch]")
{
    const auto seed = static_cast<std::uint32_t>(GENERATE(range(1, 400)));
    CAPTURE(seed);
    TrackerOptions options;
    options.walk.batch = 1 + seed % 5;
    TrackerRig rig(options);
    rig.disk.makeFolder("/outside");
    rig.start(isIgnored);
    rig.disk.queueLimit = seed % 4 == 0 ? 30 : 16384;
    Mirror mirror(rig.disk.lookAt("/share"));
    rig.onHint = [&](const Hint& hint) {
        mirror.apply(hint);
    };
    Vandal vandal(rig.disk, seed);

    for (int i = 0; i < 300; ++i)
    {
        vandal.act();
        switch (vandal.below(6))
        {
        case 0:
            rig.deliver(1 + vandal.below(4));
            break;
        case 1:
            rig.work();
            break;
        case 2:
            rig.clock.advance(std::chrono::milliseconds(vandal.below(80)));
            break;
        case 3:
            if (vandal.below(10) == 0)
            {
                rig.settle();
            }
            break;
        default:
            break;
        }
    }
    rig.disk.queueLimit = 16384;
    rig.expireMoves();
    rig.clock.advance(std::chrono::seconds(10));
    rig.settle();

    CHECK(withoutIgnored(mirror.state()) == withoutIgnored(mirror.truth()));
    checkWatches(rig);
    CHECK_FALSE(rig.tracker->deadline());
}

TEST_CASE("WatchTracker: with too few watches everything is found in the end", "[watch]")
{
    const auto seed = static_cast<std::uint32_t>(GENERATE(range(1, 100)));
    CAPTURE(seed);
    TrackerRig rig;
    rig.disk.makeFolder("/outside");
    rig.disk.budgetValue = 1 + seed % 6;
    rig.start(isIgnored);
    Mirror mirror(rig.disk.lookAt("/share"));
    rig.onHint = [&](const Hint& hint) {
        mirror.apply(hint);
    };
    Vandal vandal(rig.disk, seed);

    for (int i = 0; i < 300; ++i)
    {
        vandal.act();
        rig.deliver(vandal.below(3));
        if (vandal.below(3) == 0)
        {
            rig.clock.advance(std::chrono::milliseconds(vandal.below(20000)));
            rig.work();
        }
        CHECK(rig.disk.watchCount() <= rig.disk.budgetValue);
    }
    rig.expireMoves();
    for (int i = 0; i < 100; ++i)
    {
        rig.clock.advance(std::chrono::seconds(31));
        rig.settle();
    }

    CHECK(withoutIgnored(mirror.state()) == withoutIgnored(mirror.truth()));
}

} // namespace tidewire
