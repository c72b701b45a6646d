// What a process had done and could not record: answers that were lost, files that were put in place; and what was done since.

#include "tests/sim/SimFixture.h"

#include <functional>
#include <utility>

namespace tidewire {

namespace {

/// What loses the answer.
enum class Loss
{
    Cut,
    Killed,
};

} // namespace

class LostAnswerFixture: public SimFixture
{
public:
    /// Kitchen's "f" has become a revision, and kitchen has not heard of it.
    void acceptUnheard(Loss how)
    {
        writeFile(kitchen.user(), "f", "first");
        for (unsigned count = 0; headsText(world.relay().store()).empty(); ++count)
        {
            REQUIRE(count < 1000);
            REQUIRE(world.step());
        }
        const IndexEntry none;
        const auto row = kitchen.index().get(kitchen.index().share(kSimShare).id, pathOf("f"));
        REQUIRE(row.value_or(none).seq == 0);
        kitchen.setOnline(false);
        if (how == Loss::Killed)
        {
            kitchen.kill();
        }
        world.network().breakAgent(0);
    }

    void goOn()
    {
        if (!kitchen.isRunning())
        {
            kitchen.start();
        }
        kitchen.setOnline(true);
        rest();
    }
};

TEST_CASE_METHOD(LostAnswerFixture, "Lost answer: an edit since is an edit, no conflict")
{
    acceptUnheard(GENERATE(Loss::Cut, Loss::Killed));
    writeFile(kitchen.user(), "f", "second");
    goOn();
    CHECK(names() == std::vector<std::string>{"f"});
    CHECK(text("f") == "second");
}

TEST_CASE_METHOD(LostAnswerFixture, "Lost answer: what was deleted since stays deleted")
{
    acceptUnheard(GENERATE(Loss::Cut, Loss::Killed));
    kitchen.user().removeFile(pathOf("f"));
    goOn();
    CHECK(names().empty());
}

TEST_CASE_METHOD(LostAnswerFixture, "Lost answer: what was renamed since is renamed")
{
    acceptUnheard(GENERATE(Loss::Cut, Loss::Killed));
    REQUIRE(kitchen.user().renameNoReplace(pathOf("f"), pathOf("g")) == RenameOutcome::Done);
    goOn();
    CHECK(names() == std::vector<std::string>{"g"});
    CHECK(text("g") == "first");
}

TEST_CASE_METHOD(LostAnswerFixture, "Lost answer: what another one made of it since comes here")
{
    acceptUnheard(GENERATE(Loss::Cut, Loss::Killed));
    world.settle();
    REQUIRE(text("f") == "first");
    writeFile(attic.user(), "f", "theirs");
    world.settle();
    goOn();
    CHECK(names() == std::vector<std::string>{"f"});
    CHECK(text("f") == "theirs");
}

TEST_CASE_METHOD(LostAnswerFixture, "Lost answer: what another one deleted since goes here")
{
    acceptUnheard(GENERATE(Loss::Cut, Loss::Killed));
    world.settle();
    attic.user().removeFile(pathOf("f"));
    world.settle();
    goOn();
    CHECK(names().empty());
}

TEST_CASE_METHOD(LostAnswerFixture, "Lost answer: two edits since are a conflict that keeps both")
{
    acceptUnheard(GENERATE(Loss::Cut, Loss::Killed));
    world.settle();
    writeFile(attic.user(), "f", "theirs");
    world.settle();
    writeFile(kitchen.user(), "f", "mine");
    goOn();
    CHECK(text("f") == "theirs");
    REQUIRE_FALSE(conflictCopy("f").empty());
    CHECK(text(conflictCopy("f")) == "mine");
    CHECK(names().size() == 2);
}

/// Attic is killed when a change is on its disk and its index does not know.
class LostRecordFixture: public SimFixture
{
public:
    void applyUnrecorded(const std::function<bool()>& isThere)
    {
        for (unsigned count = 0; !isThere(); ++count)
        {
            REQUIRE(count < 10000);
            REQUIRE(world.step());
        }
        attic.kill();
    }

    [[nodiscard]] std::function<bool()> exists(std::string path)
    {
        return [this, path = std::move(path)] {
            return attic.files().stat(pathOf(path)).has_value();
        };
    }

    void goOn()
    {
        world.settle();
        attic.start();
        rest();
    }
};

TEST_CASE_METHOD(LostRecordFixture, "Lost record: what was deleted since goes")
{
    const auto kind = GENERATE(0, 1, 2);
    CAPTURE(kind);
    if (kind == 0)
    {
        writeFile(kitchen.user(), "d", "first");
    }
    else if (kind == 1)
    {
        kitchen.user().createDirectory(pathOf("d"), 0750);
    }
    else
    {
        kitchen.user().createSymlink(pathOf("d"), "elsewhere");
    }
    applyUnrecorded(exists("d"));
    world.settle();
    removeTree(kitchen.user(), pathOf("d"));
    goOn();
    CHECK(names().empty());
    CHECK(attic.index().applying(attic.index().share(kSimShare).id).empty());
}

TEST_CASE_METHOD(LostRecordFixture, "Lost record: what was edited since is no conflict")
{
    const bool wasThere = GENERATE(false, true);
    CAPTURE(wasThere);
    if (wasThere)
    {
        writeFile(kitchen.user(), "f", "zeroth");
        rest();
    }
    writeFile(kitchen.user(), "f", "first");
    applyUnrecorded([this] { return attic.files().stat(pathOf("f")) && text("f") == "first"; });
    world.settle();
    writeFile(kitchen.user(), "f", "second");
    goOn();
    CHECK(names() == std::vector<std::string>{"f"});
    CHECK(text("f") == "second");
}

TEST_CASE_METHOD(LostRecordFixture, "Lost record: an edit made here since is kept")
{
    const bool isDeleted = GENERATE(false, true);
    CAPTURE(isDeleted);
    writeFile(kitchen.user(), "f", "first");
    applyUnrecorded(exists("f"));
    writeFile(attic.files(), "f", "mine");
    world.settle();
    if (isDeleted)
    {
        kitchen.user().removeFile(pathOf("f"));
    }
    goOn();
    CHECK(text("f") == (isDeleted ? "mine" : "first"));
    CHECK(names().size() == (isDeleted ? 1 : 2));
    CHECK((isDeleted || text(conflictCopy("f")) == "mine"));
}

TEST_CASE_METHOD(LostRecordFixture, "Lost record: what is untouched is settled without a word")
{
    writeFile(kitchen.user(), "f", "first");
    applyUnrecorded(exists("f"));
    world.settle();
    const auto head = headsText(world.relay().store());
    goOn();
    CHECK(names() == std::vector<std::string>{"f"});
    CHECK(headsText(world.relay().store()) == head);
    CHECK(attic.index().applying(attic.index().share(kSimShare).id).empty());
}

} // namespace tidewire
