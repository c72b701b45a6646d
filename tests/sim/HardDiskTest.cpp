// Disks that refuse, agents that were off, indexes that are full: what waits, and what goes on.

#include "shared/base/Errors.h"
#include "tests/sim/SimFixture.h"
#include "tests/support/DatabaseTap.h"

#include <cerrno>

namespace tidewire {

namespace {

/// Everything in that folder is refused to the agent.
SimDisk::Before closed(std::string folder, int code)
{
    return
        [folder = std::move(folder), code](std::string_view operation, const RelativePath& path) {
            if (path.folder() == folder)
            {
                throw StorageError(operation, path.text(), code);
            }
        };
}

} // namespace

TEST_CASE_METHOD(SimFixture,
                 "Hard disk: a folder that cannot be entered holds up only what is in it")
{
    writeFile(kitchen.user(), "m/file", "x");
    rest();
    attic.setBeforeWork(closed("m", GENERATE(EACCES, EXDEV)));
    writeFile(kitchen.user(), "m/file", "yy");
    writeFile(kitchen.user(), "other", "yy");
    world.steps(2000);
    CHECK(text("other") == "yy");
    CHECK(text("m/file") == "x");

    attic.setBeforeWork({});
    rest();
    CHECK(text("m/file") == "yy");
}

TEST_CASE_METHOD(SimFixture,
                 "Hard disk: a disk that is mounted in the share is left alone, the rest goes on")
{
    writeFile(kitchen.user(), "m/file", "x");
    rest();
    offline(attic);
    attic.files().mount(pathOf("m"), 77);
    writeFile(kitchen.user(), "m/file", "yy");
    writeFile(kitchen.user(), "other", "yy");
    attic.setOnline(true);
    world.steps(20000);
    CHECK(text("other") == "yy");
    CHECK(readFile(kitchen.files(), "m/file") == "yy");
}

TEST_CASE_METHOD(SimFixture,
                 "Hard disk: a file that cannot be read waits with what the others made of it")
{
    unsigned tries = 0;
    attic.setBeforeWork([&](std::string_view operation, const RelativePath& path) {
        if (operation == "openRead" && path.text() == "secret")
        {
            ++tries;
            throw StorageError(operation, path.text(), EACCES);
        }
    });
    offline(attic);
    writeFile(attic.user(), "secret", "mine");
    writeFile(kitchen.user(), "secret", "theirs");
    writeFile(kitchen.user(), "other", "yy");
    online(attic);
    CHECK(tries < 20);
    CHECK(text("other") == "yy");

    attic.setBeforeWork({});
    attic.user().setMode(pathOf("secret"), 0600);
    rest();
    CHECK(text("secret") == "theirs");
    CHECK(text(conflictCopy("secret")) == "mine");
}

TEST_CASE("Hard disk: what a scan found when the line broke arrives after it is back", "[sim]")
{
    const unsigned when = GENERATE(range(5U, 120U, 12U));
    CAPTURE(when);
    SimFixture two;
    two.offline(two.kitchen);
    two.kitchen.kill();
    constexpr unsigned kCount = 600;
    for (unsigned i = 0; i < kCount; ++i)
    {
        writeFile(two.kitchen.files(), "f" + std::to_string(i), std::to_string(i));
    }
    two.kitchen.start();
    two.kitchen.setOnline(true);
    two.world.steps(when);
    two.world.cut(0);
    two.rest();
    CHECK(two.names().size() == kCount);
}

TEST_CASE_METHOD(SimFixture, "Hard disk: a disk without links is settled without them")
{
    unsigned tries = 0;
    attic.setBeforeWork([&](std::string_view operation, const RelativePath& path) {
        if (operation == "createSymlink")
        {
            ++tries;
            throw StorageError(operation, path.text(), EPERM);
        }
    });
    kitchen.user().createSymlink(pathOf("link"), "target");
    writeFile(kitchen.user(), "other", "yy");
    world.settle();
    CHECK(text("other") == "yy");
    CHECK(attic.isSettled());
    CHECK(tries == 1);
    CHECK(kitchen.files().stat(pathOf("link")).has_value());
}

TEST_CASE_METHOD(SimFixture,
                 "Hard disk: what takes a folder's place while the agent is off takes it elsewhere")
{
    const bool isLink = GENERATE(true, false);
    const bool isKilled = GENERATE(true, false);
    CAPTURE(isLink, isKilled);
    writeFile(kitchen.user(), "d/a", "1");
    writeFile(kitchen.user(), "d/e/b", "2");
    rest();
    isKilled ? kitchen.kill() : kitchen.stopClean();
    removeTree(kitchen.user(), pathOf("d"));
    if (isLink)
    {
        kitchen.user().createSymlink(pathOf("d"), "elsewhere");
    }
    else
    {
        writeFile(kitchen.user(), "d", "a file now");
    }
    kitchen.start();
    rest();
    CHECK(names() == std::vector<std::string>{"d"});
    CHECK(attic.files().stat(pathOf("d"))->kind == (isLink ? FileKind::Symlink : FileKind::File));
}

TEST_CASE_METHOD(SimFixture,
                 "Hard disk: a folder that was filled elsewhere keeps its name against a file")
{
    const bool isOff = GENERATE(false, true);
    CAPTURE(isOff);
    writeFile(kitchen.user(), "d/a", "1");
    rest();
    offline(kitchen);
    if (isOff)
    {
        kitchen.kill();
    }
    writeFile(attic.user(), "d/new", "2");
    world.settle();
    removeTree(kitchen.user(), pathOf("d"));
    writeFile(kitchen.user(), "d", "a file now");
    if (isOff)
    {
        kitchen.start();
    }
    online(kitchen);
    rest();
    CHECK(names("d") == std::vector<std::string>{"new"});
    REQUIRE_FALSE(conflictCopy("d").empty());
    CHECK(text(conflictCopy("d")) == "a file now");
    for (SimAgent* agent : {&kitchen, &attic})
    {
        const auto row = agent->index().get(agent->index().share(kSimShare).id, pathOf("d"));
        REQUIRE(row);
        CHECK(row->entry.kind == EntryKind::Directory);
    }
}

TEST_CASE("Hard disk: an index that runs full stops the share until there is room", "[sim]")
{
    const std::size_t place = GENERATE(0U, 1U); // kitchen sends, attic receives
    const std::uint64_t seed = GENERATE(1U, 2U, 3U);
    CAPTURE(place, seed);
    DatabaseTap tap;
    SimWorld world(seed);
    SimAgent& kitchen = world.addAgent("kitchen");
    SimAgent& attic = world.addAgent("attic");
    world.settle();
    DatabaseTap::fill(place);
    constexpr unsigned kCount = 1500;
    for (unsigned i = 0; i < kCount; ++i)
    {
        writeFile(kitchen.user(),
                  "folder/a file with a long name " + std::to_string(i),
                  "x" + std::to_string(i));
    }
    writeFile(attic.user(), "of the attic", "a");
    world.steps(20000);
    const auto arrived = [&] {
        return attic.files().stat(pathOf("folder"))
                   ? listNames(attic.files(), pathOf("folder")).size()
                   : std::size_t{0};
    };
    CHECK(arrived() < kCount);

    DatabaseTap::relieve(place);
    world.settle();
    INFO(world.report());
    REQUIRE_NOTHROW(checkRest(world));
    CHECK(arrived() == kCount);
    CHECK(readFile(kitchen.files(), "of the attic") == "a");
}

} // namespace tidewire
