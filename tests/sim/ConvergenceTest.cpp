// What is done on one board comes to the other, one kind of change at a time.

#include "tests/sim/SimFixture.h"

namespace tidewire {

namespace {

constexpr std::size_t kMuch = 1 << 20;
constexpr std::uint64_t kFew = 4096;

RelativePath at(std::string_view text)
{
    return pathOf(text);
}

} // namespace

TEST_CASE_METHOD(SimFixture, "Convergence: a new file, an edit, an append and a deletion come over")
{
    writeFile(kitchen.user(), "a/b/note.txt", "one");
    rest();
    CHECK(text("a/b/note.txt") == "one");
    writeFile(kitchen.user(), "a/b/note.txt", "two");
    rest();
    CHECK(text("a/b/note.txt") == "two");
    appendFile(attic.user(), "a/b/note.txt", " and more");
    rest();
    CHECK(text("a/b/note.txt") == "two and more");
    kitchen.user().removeFile(at("a/b/note.txt"));
    rest();
    CHECK(names("a/b").empty());
}

TEST_CASE_METHOD(SimFixture,
                 "Convergence: a file that is still being let go of is not waited for long")
{
    std::unique_ptr<File> open = kitchen.files().createFile(at("note"), 0644);
    std::vector<SteadyTime> looks;
    kitchen.setBeforeWork([&](std::string_view operation, const RelativePath& path) {
        if (operation == "openRead" && path == at("note"))
        {
            looks.push_back(world.clock().steady());
            if (looks.size() == 2)
            {
                open.reset();
            }
        }
    });
    // As inotify does it: told of as closed, and the writer still counts.
    kitchen.watcher().add(at("note"), HintScope::Entry, HintTiming::Settled);
    rest();
    REQUIRE(looks.size() >= 2);
    CHECK(looks[1] - looks[0] < DirtySet::kQuiet / 10);
    CHECK(attic.files().stat(at("note")));
}

TEST_CASE_METHOD(SimFixture, "Convergence: mode, mtime and an empty file come over")
{
    writeFile(kitchen.user(), "run", "");
    kitchen.user().setMode(at("run"), 0750);
    kitchen.user().setMtime(at("run"), {12345, 678});
    rest();
    CHECK(attic.files().stat(at("run"))->mode == 0750);
    CHECK(attic.files().stat(at("run"))->mtime == FileTime{12345, 678});
}

TEST_CASE_METHOD(SimFixture, "Convergence: a chmod alone moves no content")
{
    writeFile(kitchen.user(), "big", noise(kMuch));
    rest();
    const std::uint64_t before = bytes();
    kitchen.user().setMode(at("big"), 0600);
    world.settle();
    CHECK(bytes() - before < kFew);
    rest();
    CHECK(attic.files().stat(at("big"))->mode == 0600);
}

TEST_CASE_METHOD(SimFixture, "Convergence: a renamed file is renamed on the other disk")
{
    writeFile(kitchen.user(), "big", noise(kMuch));
    rest();
    const std::uint64_t inode = attic.files().stat(at("big"))->inode;
    const std::uint64_t before = bytes();
    REQUIRE(kitchen.user().renameNoReplace(at("big"), at("large")) == RenameOutcome::Done);
    world.settle();
    CHECK(bytes() - before < kFew);
    rest();
    CHECK(names() == std::vector<std::string>{"large"});
    CHECK(attic.files().stat(at("large"))->inode == inode);
}

TEST_CASE_METHOD(SimFixture, "Convergence: a moved tree moves no content")
{
    writeFile(kitchen.user(), "from/deep/one", noise(kMuch));
    writeFile(kitchen.user(), "from/two", noise(kMuch));
    kitchen.user().createDirectory(at("to"), 0700);
    rest();
    const std::uint64_t before = bytes();
    REQUIRE(kitchen.user().renameNoReplace(at("from"), at("to/there")) == RenameOutcome::Done);
    world.settle();
    CHECK(bytes() - before < 2 * kFew);
    rest();
    CHECK(names() == std::vector<std::string>{"to"});
    CHECK(names("to/there") == std::vector<std::string>{"deep", "two"});
}

TEST_CASE_METHOD(SimFixture, "Convergence: a file becomes a folder, a link, a file again")
{
    writeFile(kitchen.user(), "x", "file");
    rest();
    kitchen.user().removeFile(at("x"));
    writeFile(kitchen.user(), "x/inside", "in");
    rest();
    CHECK(text("x/inside") == "in");
    removeTree(kitchen.user(), at("x"));
    kitchen.user().createSymlink(at("x"), "nowhere");
    rest();
    CHECK(attic.files().readSymlink(at("x")) == "nowhere");
    kitchen.user().removeFile(at("x"));
    writeFile(kitchen.user(), "x", "file again");
    rest();
    CHECK(text("x") == "file again");
}

TEST_CASE_METHOD(SimFixture, "Convergence: one changed byte of much moves little")
{
    std::string content = noise(kMuch);
    writeFile(kitchen.user(), "big", content);
    rest();
    const std::uint64_t before = bytes();
    kitchen.user().openWrite(at("big"))->write(kMuch / 2, asBytes("!"));
    world.settle();
    CHECK(bytes() - before < 4 * kFew);
    rest();
    content[kMuch / 2] = '!';
    CHECK(text("big") == content);
}

TEST_CASE_METHOD(SimFixture, "Convergence: what was done offline on both sides is united")
{
    writeFile(kitchen.user(), "old", "old");
    rest();
    conflict(
        [](FileSystem& disk) {
            writeFile(disk, "from-kitchen", "k");
            disk.removeFile(at("old"));
        },
        [](FileSystem& disk) { writeFile(disk, "from-attic", "a"); });
    CHECK(names() == std::vector<std::string>{"from-attic", "from-kitchen"});
}

TEST_CASE_METHOD(SimFixture, "Convergence: a board that joins late gets everything")
{
    writeFile(kitchen.user(), "a/b", "b");
    writeFile(kitchen.user(), "a/gone", "gone");
    rest();
    kitchen.user().removeFile(at("a/gone"));
    writeFile(kitchen.user(), "big", noise(kMuch));
    rest();
    world.addAgent("cellar");
    rest();
}

TEST_CASE_METHOD(SimFixture, "Convergence: a board that has the files already gets no content")
{
    const std::string content = noise(kMuch);
    writeFile(kitchen.user(), "a/big", content);
    rest();
    SimAgent& cellar = world.addAgent("cellar");
    writeFile(cellar.user(), "a/big", content);
    const std::uint64_t before = bytes();
    world.settle();
    CHECK(bytes() - before < kFew);
    rest();
    CHECK(names("a") == std::vector<std::string>{"big"});
}

TEST_CASE_METHOD(SimFixture, "Convergence: a lost index costs no content and no conflict")
{
    writeFile(kitchen.user(), "a/big", noise(kMuch));
    rest();
    attic.kill();
    attic.loseIndex();
    const std::uint64_t before = bytes();
    attic.start();
    world.settle();
    CHECK(bytes() - before < kFew);
    rest();
    CHECK(names("a") == std::vector<std::string>{"big"});
}

TEST_CASE_METHOD(SimFixture, "Convergence: after the loss of the relay's store nothing is deleted")
{
    writeFile(kitchen.user(), "a/both", "both");
    rest();
    offline(attic);
    writeFile(kitchen.user(), "kitchen", "k");
    world.settle();
    writeFile(attic.user(), "attic", "a");
    world.relay().replaceStore();
    online(attic);
    rest();
    CHECK(names() == std::vector<std::string>{"a", "attic", "kitchen"});
    CHECK(text("a/both") == "both");
}

TEST_CASE_METHOD(SimFixture, "Convergence: what a rule ignores stays until the rule goes")
{
    writeFile(kitchen.user(), ".tidewireignore", "*.tmp\n");
    rest();
    writeFile(kitchen.user(), "x.tmp", "scratch");
    writeFile(kitchen.user(), "x.txt", "text");
    world.settle();
    CHECK(names() == std::vector<std::string>{".tidewireignore", "x.txt"});
    kitchen.user().removeFile(at(".tidewireignore"));
    rest();
    CHECK(names() == std::vector<std::string>{"x.tmp", "x.txt"});
}

TEST_CASE_METHOD(SimFixture, "Convergence: who only receives gets everything and gives nothing")
{
    SimAgent& screen = world.addAgent({"screen", ShareMode::Receive, {}});
    writeFile(screen.user(), "own", "own");
    writeFile(kitchen.user(), "shown", "shown");
    world.settle();
    CHECK(readFile(screen.files(), "shown") == "shown");
    CHECK(readFile(screen.files(), "own") == "own");
    CHECK(names() == std::vector<std::string>{"shown"});
}

TEST_CASE_METHOD(SimFixture, "Convergence: who only sends gives everything and gets nothing")
{
    SimAgent& camera = world.addAgent({"camera", ShareMode::Send, {}});
    writeFile(camera.user(), "picture", "p1");
    writeFile(kitchen.user(), "note", "n");
    world.settle();
    CHECK(text("picture") == "p1");
    CHECK_FALSE(camera.files().stat(at("note")));
    writeFile(camera.user(), "picture", "p2");
    world.settle();
    CHECK(text("picture") == "p2");
    camera.user().removeFile(at("picture"));
    world.settle();
    CHECK(names() == std::vector<std::string>{"note"});
}

TEST_CASE_METHOD(SimFixture, "Convergence: what a read-only board writes stays there")
{
    world.relay().setReadOnly("attic", true);
    offline(attic);
    online(attic);
    writeFile(attic.user(), "own", "own");
    writeFile(kitchen.user(), "shown", "shown");
    world.settle();
    CHECK_FALSE(kitchen.files().stat(at("own")));
    CHECK(names() == std::vector<std::string>{"own", "shown"});
}

} // namespace tidewire
