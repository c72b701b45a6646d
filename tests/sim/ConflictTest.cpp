// The table of docs/architecture.md, "When both sides changed", cell by cell. Kitchen is heard first, so it is the remote side.

#include "tests/sim/SimFixture.h"

namespace tidewire {

namespace {

void write(FileSystem& disk, std::string_view path, std::string_view text)
{
    writeFile(disk, path, text);
}

void remove(FileSystem& disk, std::string_view path)
{
    removeTree(disk, pathOf(path));
}

auto writes(std::string_view path, std::string_view text)
{
    return [=](FileSystem& disk) {
        write(disk, path, text);
    };
}

auto removes(std::string_view path)
{
    return [=](FileSystem& disk) {
        remove(disk, path);
    };
}

} // namespace

/// Both have "x" with the same content.
class ConflictFixture: public SimFixture
{
public:
    ConflictFixture()
    {
        write(kitchen.user(), "x", "old");
        rest();
    }
};

TEST_CASE_METHOD(ConflictFixture, "Conflict: two edits keep both, the first keeps the name")
{
    conflict(writes("x", "remote"), writes("x", "local"));
    CHECK(text("x") == "remote");
    REQUIRE_FALSE(conflictCopy("x").empty());
    CHECK(text(conflictCopy("x")) == "local");
    CHECK(names().size() == 2);
}

TEST_CASE_METHOD(ConflictFixture, "Conflict: the same edit on both sides is none")
{
    conflict(writes("x", "same"), writes("x", "same"));
    CHECK(text("x") == "same");
    CHECK(names().size() == 1);
}

TEST_CASE_METHOD(ConflictFixture, "Conflict: the same new file on both sides is none")
{
    conflict(writes("new/y", "same"), writes("new/y", "same"));
    CHECK(names() == std::vector<std::string>{"new", "x"});
    CHECK(names("new") == std::vector<std::string>{"y"});
}

TEST_CASE_METHOD(ConflictFixture, "Conflict: two different new files keep both")
{
    conflict(writes("y", "remote"), writes("y", "local"));
    CHECK(text("y") == "remote");
    REQUIRE_FALSE(conflictCopy("y").empty());
    CHECK(text(conflictCopy("y")) == "local");
}

TEST_CASE_METHOD(ConflictFixture, "Conflict: an edit survives the other side's deletion")
{
    conflict(removes("x"), writes("x", "local"));
    CHECK(names() == std::vector<std::string>{"x"});
    CHECK(text("x") == "local");
}

TEST_CASE_METHOD(ConflictFixture, "Conflict: a deletion gives way to the other side's edit")
{
    conflict(writes("x", "remote"), removes("x"));
    CHECK(names() == std::vector<std::string>{"x"});
    CHECK(text("x") == "remote");
}

TEST_CASE_METHOD(ConflictFixture, "Conflict: two deletions agree")
{
    conflict(removes("x"), removes("x"));
    CHECK(names().empty());
}

TEST_CASE_METHOD(ConflictFixture, "Conflict: a deleted folder stays with what is new inside")
{
    write(kitchen.user(), "d/old", "old");
    rest();
    SECTION("the deletion is heard first")
    {
        conflict(removes("d"), writes("d/new", "new"));
    }
    SECTION("the new file is heard first")
    {
        conflict(writes("d/new", "new"), removes("d"));
    }
    CHECK(names("d") == std::vector<std::string>{"new"});
    CHECK(text("d/new") == "new");
}

TEST_CASE_METHOD(ConflictFixture, "Conflict: a folder keeps the name, the file goes beside it")
{
    SECTION("the folder is heard first")
    {
        conflict(writes("y/in", "in"), writes("y", "file"));
    }
    SECTION("the file is heard first")
    {
        conflict(writes("y", "file"), writes("y/in", "in"));
    }
    CHECK(text("y/in") == "in");
    REQUIRE_FALSE(conflictCopy("y").empty());
    CHECK(text(conflictCopy("y")) == "file");
}

TEST_CASE_METHOD(ConflictFixture, "Conflict: of two modes and mtimes one wins, with no copy")
{
    conflict([](FileSystem& disk) { disk.setMode(pathOf("x"), 0600); },
             [](FileSystem& disk) {
                 disk.setMtime(pathOf("x"), {77, 7});
             });
    CHECK(names() == std::vector<std::string>{"x"});
    CHECK(attic.files().stat(pathOf("x"))->mode == 0600);
}

TEST_CASE_METHOD(ConflictFixture,
                 "Conflict: a rename and an edit keep the edit and the renamed file")
{
    conflict(
        [](FileSystem& disk) {
            static_cast<void>(disk.renameNoReplace(pathOf("x"), pathOf("moved")));
        },
        writes("x", "edited"));
    CHECK(names() == std::vector<std::string>{"moved", "x"});
    CHECK(text("x") == "edited");
    CHECK(text("moved") == "old");
}

} // namespace tidewire
