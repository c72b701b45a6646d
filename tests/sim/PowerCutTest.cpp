// A power cut where a person has just written: what the disk lost is fetched again, and told to nobody.

#include "tests/sim/SimFixture.h"

namespace tidewire {

class PowerFixture: public SimFixture
{
public:
    /// Kitchen's user writes it, attic gets it, and kitchen knows of that; its disk does not hold it yet.
    void write(std::string_view path, std::string_view content)
    {
        writeFile(kitchen.user(), path, content);
        const ShareId share = kitchen.index().share(kSimShare).id;
        const auto isKnown = [&] {
            const auto row = kitchen.index().get(share, pathOf(path));
            return row && row->seq != 0 && row->entry.size == content.size() &&
                   attic.files().stat(pathOf(path)) && text(path) == content;
        };
        while (!isKnown() || kitchen.index().inTransaction())
        {
            REQUIRE(world.step());
        }
    }
};

TEST_CASE_METHOD(PowerFixture, "Power cut: a new file that the disk lost is fetched again")
{
    const bool nameIsDurable = GENERATE(false, true);
    CAPTURE(nameIsDurable);
    write("f", "first");
    if (nameIsDurable)
    {
        // An empty file, as filesystems with delayed allocation leave it.
        kitchen.files().syncDirectory({});
    }
    kitchen.cutPower();
    kitchen.start();
    rest();
    CHECK(text("f") == "first");
    CHECK(readFile(kitchen.files(), "f") == "first");
}

TEST_CASE_METHOD(PowerFixture,
                 "Power cut: a new file that the disk lost before its answer came is fetched again")
{
    writeFile(kitchen.user(), "f", "first");
    while (headsText(world.relay().store()).find('f') == std::string::npos)
    {
        REQUIRE(world.step());
    }
    const auto row = kitchen.index().get(kitchen.index().share(kSimShare).id, pathOf("f"));
    REQUIRE((!row || row->seq == 0));
    kitchen.cutPower();
    kitchen.start();
    rest();
    CHECK(text("f") == "first");
    CHECK(readFile(kitchen.files(), "f") == "first");
}

TEST_CASE_METHOD(PowerFixture, "Power cut: an edit that the disk lost comes back")
{
    writeFile(kitchen.user(), "f", "first");
    rest();
    kitchen.files().syncAll();
    write("f", "second");
    kitchen.cutPower();
    kitchen.start();
    rest();
    CHECK(text("f") == "second");
}

TEST_CASE_METHOD(PowerFixture, "Power cut: what reached the disk is adopted without a copy")
{
    write("d/f", "first");
    kitchen.files().syncAll();
    kitchen.cutPower();
    const std::string heads = headsText(world.relay().store());
    kitchen.start();
    rest();
    CHECK(headsText(world.relay().store()) == heads);
    CHECK(names() == std::vector<std::string>{"d"});
    CHECK(names("d") == std::vector<std::string>{"f"});
}

TEST_CASE_METHOD(PowerFixture,
                 "Power cut: what was synced long ago is trusted, edits and deletions")
{
    writeFile(kitchen.user(), "f", "first");
    writeFile(kitchen.user(), "g", "first");
    rest();
    const ShareRecord record = kitchen.index().share(kSimShare);
    CHECK(kitchen.index().withSeqAfter(record.id, record.durable, 9).empty());
    kitchen.cutPower();
    writeFile(kitchen.files(), "f", "edited");
    kitchen.files().removeFile(pathOf("g"));
    kitchen.start();
    rest();
    CHECK(names() == std::vector<std::string>{"f"});
    CHECK(text("f") == "edited");
}

TEST_CASE_METHOD(PowerFixture, "Power cut: a clean end leaves nothing in doubt")
{
    write("f", "first");
    kitchen.stopClean();
    kitchen.cutPower();
    const ShareRecord record = kitchen.index().share(kSimShare);
    CHECK(kitchen.index().withSeqAfter(record.id, record.durable, 9).empty());
    kitchen.start();
    rest();
    CHECK(text("f") == "first");
}

TEST_CASE_METHOD(PowerFixture,
                 "Power cut: what was written before the agent's restart is in doubt, too")
{
    write("f", "first");
    kitchen.kill();
    kitchen.start();
    writeFile(attic.user(), "g", "of the attic");
    while (!kitchen.files().stat(pathOf("g")))
    {
        REQUIRE(world.step());
    }
    world.steps(50);
    kitchen.cutPower();
    kitchen.start();
    rest();
    CHECK(names() == std::vector<std::string>{"f", "g"});
    CHECK(text("f") == "first");
}

} // namespace tidewire
