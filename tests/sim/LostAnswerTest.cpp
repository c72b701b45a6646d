// Answers that were lost with a connection or a process, and what was done to the path since.

#include "tests/sim/SimFixture.h"

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

} // namespace tidewire
