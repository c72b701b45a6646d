// Both sides changed: the design's table, each cell, and never a lost content.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"
#include "tests/e2e/support/TreeSnapshot.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <regex>
#include <set>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

/// How the second agent does not hear of what the first one does.
enum class Away : std::uint8_t
{
    Stopped,
    Cut,
};

/// Two agents with a common tree; `one` acts first and is accepted, `two` acts without having seen it.
class Apart
{
public:
    explicit Apart(Away away): _away(away)
    {
        writeFile(_pair.one / "file.txt", "base");
        writeFile(_pair.one / "other", "other");
        makeFolders(_pair.one / "dir/sub");
        writeFile(_pair.one / "dir/inside", "inside");
        makeLink("other", _pair.one / "link");
        _pair.cluster.settle();
    }

    /// `first` acts on one and is accepted, then `second` on two; then both see each other.
    void act(const std::function<void(const AgentNode&)>& first,
             const std::function<void(const AgentNode&)>& second)
    {
        _away == Away::Stopped ? _pair.two.stop() : _pair.two.traffic().goOffline();
        const std::uint64_t before = _pair.one.traffic().bytes(Direction::Up);
        first(one());
        _pair.cluster.await("the first change goes out",
                            [&] { return _pair.one.traffic().bytes(Direction::Up) > before; });
        _pair.cluster.awaitQuiet(_pair.one);
        second(two());
        if (_away == Away::Stopped)
        {
            _pair.two.start();
        }
        else
        {
            _pair.two.traffic().goOnline();
        }
        // Something that comes after the changes of both.
        writeFile(one() / "sign-1", "");
        writeFile(two() / "sign-2", "");
        _pair.cluster.await("both hear of each other",
                            [&] { return exists(two() / "sign-1") && exists(one() / "sign-2"); });
        _pair.cluster.settle();
    }

    [[nodiscard]] const AgentNode& one() const { return _pair.one; }
    [[nodiscard]] const AgentNode& two() const { return _pair.two; }

    /// Names of conflict copies in a folder of the share (both sides are equal).
    [[nodiscard]] std::vector<std::string> copies(const std::string& folder = ".") const
    {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(one() / folder))
        {
            const std::string name = entry.path().filename().string();
            if (name.find(".conflict-") != std::string::npos)
            {
                names.push_back(name);
            }
        }
        return names;
    }

private:
    Away _away;
    Pair _pair;
};

/// All contents of regular files in the tree.
std::multiset<std::string> contents(const AgentNode& agent)
{
    std::multiset<std::string> found;
    const TreeSnapshot tree = TreeSnapshot::take(agent.folder());
    for (const auto& [path, entry] : tree.entries())
    {
        if (entry.kind == 'f')
        {
            found.insert(readFile(agent / path).value_or(""));
        }
    }
    return found;
}

const auto kNothing = [](const AgentNode&) {
};

} // namespace

TEST_CASE("Conflict: unchanged here, changed there: applied", "[e2e]")
{
    Apart apart(GENERATE(Away::Stopped, Away::Cut));

    apart.act([](const AgentNode& a) { writeFile(a / "file.txt", "new"); }, kNothing);

    CHECK(readFile(apart.two() / "file.txt") == "new");
    CHECK(apart.copies().empty());
}

TEST_CASE("Conflict: unchanged here, deleted there: deleted", "[e2e]")
{
    Apart apart(GENERATE(Away::Stopped, Away::Cut));

    apart.act([](const AgentNode& a) { removeTree(a / "file.txt"); }, kNothing);

    CHECK_FALSE(exists(apart.two() / "file.txt"));
}

TEST_CASE("Conflict: the same content on both sides is none", "[e2e]")
{
    Apart apart(GENERATE(Away::Stopped, Away::Cut));
    const auto change = [](const AgentNode& a) {
        writeFile(a / "file.txt", "the same");
        writeFile(a / "new", "the same too");
        makeFolders(a / "new folder");
        removeTree(a / "link");
        makeLink("elsewhere", a / "link");
    };

    apart.act(change, change);

    CHECK(readFile(apart.two() / "file.txt") == "the same");
    CHECK(apart.copies().empty());
}

TEST_CASE("Conflict: changed on both sides: the first keeps the name, the second is a copy",
          "[e2e]")
{
    Apart apart(GENERATE(Away::Stopped, Away::Cut));

    apart.act([](const AgentNode& a) { writeFile(a / "file.txt", "from one"); },
              [](const AgentNode& a) { writeFile(a / "file.txt", "from two"); });

    CHECK(readFile(apart.two() / "file.txt") == "from one");
    REQUIRE(apart.copies().size() == 1);
    const std::string name = apart.copies()[0];
    CHECK(std::regex_match(name, std::regex(R"(file\.conflict-\d{8}-\d{6}-two\.txt)")));
    CHECK(readFile(apart.one() / name) == "from two");
    CHECK(readFile(apart.two() / name) == "from two");
}

TEST_CASE("Conflict: two new files of the same name are both kept", "[e2e]")
{
    const std::string name = GENERATE(as<std::string>(),
                                      "new",
                                      "archive.tar.gz",
                                      ".hidden",
                                      "trailing.",
                                      std::string(255, 'n'),
                                      std::string(250, 'n') + ".text",
                                      "line\nbreak",
                                      "\xFF.x");
    CAPTURE(name);
    Apart apart(Away::Stopped);

    apart.act([&](const AgentNode& a) { writeFile(a / name, "from one"); },
              [&](const AgentNode& a) { writeFile(a / name, "from two"); });

    CHECK(readFile(apart.two() / name) == "from one");
    CHECK(contents(apart.one()).count("from two") == 1);
    CHECK(contents(apart.two()).count("from two") == 1);
}

TEST_CASE("Conflict: changed here, deleted there: the change wins", "[e2e]")
{
    Apart apart(GENERATE(Away::Stopped, Away::Cut));

    apart.act([](const AgentNode& a) { removeTree(a / "file.txt"); },
              [](const AgentNode& a) { writeFile(a / "file.txt", "edited"); });

    CHECK(readFile(apart.one() / "file.txt") == "edited");
    CHECK(readFile(apart.two() / "file.txt") == "edited");
    CHECK(apart.copies().empty());
}

TEST_CASE("Conflict: deleted here, changed there: it comes back", "[e2e]")
{
    Apart apart(GENERATE(Away::Stopped, Away::Cut));

    apart.act([](const AgentNode& a) { writeFile(a / "file.txt", "edited"); },
              [](const AgentNode& a) { removeTree(a / "file.txt"); });

    CHECK(readFile(apart.one() / "file.txt") == "edited");
    CHECK(readFile(apart.two() / "file.txt") == "edited");
    CHECK(apart.copies().empty());
}

TEST_CASE("Conflict: deleted on both sides: agreed", "[e2e]")
{
    Apart apart(GENERATE(Away::Stopped, Away::Cut));
    const auto change = [](const AgentNode& a) {
        removeTree(a / "file.txt");
        removeTree(a / "dir");
    };

    apart.act(change, change);

    CHECK_FALSE(exists(apart.one() / "file.txt"));
    CHECK_FALSE(exists(apart.two() / "dir"));
}

TEST_CASE("Conflict: folder deleted there, something new inside here: it stays with that", "[e2e]")
{
    Apart apart(GENERATE(Away::Stopped, Away::Cut));

    apart.act([](const AgentNode& a) { removeTree(a / "dir"); },
              [](const AgentNode& a) { writeFile(a / "dir/sub/new", "new"); });

    CHECK(readFile(apart.one() / "dir/sub/new") == "new");
    CHECK(readFile(apart.two() / "dir/sub/new") == "new");
    CHECK_FALSE(exists(apart.two() / "dir/inside"));
}

TEST_CASE("Conflict: folder deleted here, something new inside there: it stays with that", "[e2e]")
{
    Apart apart(GENERATE(Away::Stopped, Away::Cut));

    apart.act([](const AgentNode& a) { writeFile(a / "dir/sub/new", "new"); },
              [](const AgentNode& a) { removeTree(a / "dir"); });

    CHECK(readFile(apart.one() / "dir/sub/new") == "new");
    CHECK(readFile(apart.two() / "dir/sub/new") == "new");
    CHECK_FALSE(exists(apart.two() / "dir/inside"));
}

TEST_CASE("Conflict: a file changed in a folder that was deleted survives", "[e2e]")
{
    const bool isDeletedFirst = GENERATE(false, true);
    CAPTURE(isDeletedFirst);
    Apart apart(GENERATE(Away::Stopped, Away::Cut));
    const auto remove = [](const AgentNode& a) {
        removeTree(a / "dir");
    };
    const auto change = [](const AgentNode& a) {
        writeFile(a / "dir/inside", "edited");
    };

    isDeletedFirst ? apart.act(remove, change) : apart.act(change, remove);

    CHECK(readFile(apart.one() / "dir/inside") == "edited");
    CHECK(readFile(apart.two() / "dir/inside") == "edited");
}

TEST_CASE("Conflict: file against folder: the folder keeps the name, the file is a copy", "[e2e]")
{
    const bool isFolderFirst = GENERATE(false, true);
    CAPTURE(isFolderFirst);
    Apart apart(GENERATE(Away::Stopped, Away::Cut));
    const auto folder = [](const AgentNode& a) {
        makeFolders(a / "thing");
        writeFile(a / "thing/inside", "in the folder");
    };
    const auto file = [](const AgentNode& a) {
        writeFile(a / "thing", "the file");
    };

    isFolderFirst ? apart.act(folder, file) : apart.act(file, folder);

    CHECK(readFile(apart.one() / "thing/inside") == "in the folder");
    CHECK(readFile(apart.two() / "thing/inside") == "in the folder");
    REQUIRE(apart.copies().size() == 1);
    CHECK(readFile(apart.two() / apart.copies()[0]) == "the file");
}

TEST_CASE("Conflict: a file edited here and made a folder there loses neither", "[e2e]")
{
    const bool isFolderFirst = GENERATE(false, true);
    CAPTURE(isFolderFirst);
    Apart apart(GENERATE(Away::Stopped, Away::Cut));
    const auto folder = [](const AgentNode& a) {
        removeTree(a / "file.txt");
        makeFolders(a / "file.txt");
        writeFile(a / "file.txt/inside", "in the folder");
    };
    const auto file = [](const AgentNode& a) {
        writeFile(a / "file.txt", "edited");
    };

    isFolderFirst ? apart.act(folder, file) : apart.act(file, folder);

    CHECK(readFile(apart.two() / "file.txt/inside") == "in the folder");
    CHECK(contents(apart.one()).count("edited") == 1);
}

TEST_CASE("Conflict: only mode or mtime on both sides: one of them, no copy", "[e2e]")
{
    Apart apart(GENERATE(Away::Stopped, Away::Cut));

    apart.act(
        [](const AgentNode& a) {
            changeMode(a / "file.txt", 0600);
            setMtime(a / "other", 1000000000, 1);
            changeMode(a / "dir", 0700);
        },
        [](const AgentNode& a) {
            changeMode(a / "file.txt", 0640);
            setMtime(a / "other", 1100000000, 2);
            changeMode(a / "dir", 0750);
        });

    CHECK(apart.copies().empty());
    CHECK(apart.copies("dir").empty());
    const unsigned mode = modeOf(apart.one() / "file.txt");
    CHECK((mode == 0600 || mode == 0640));
    CHECK(readFile(apart.two() / "other") == "other");
}

TEST_CASE("Conflict: mode there, content here: the content is not lost", "[e2e]")
{
    const bool isModeFirst = GENERATE(false, true);
    CAPTURE(isModeFirst);
    Apart apart(GENERATE(Away::Stopped, Away::Cut));
    const auto mode = [](const AgentNode& a) {
        changeMode(a / "file.txt", 0600);
    };
    const auto content = [](const AgentNode& a) {
        writeFile(a / "file.txt", "edited");
    };

    isModeFirst ? apart.act(mode, content) : apart.act(content, mode);

    CHECK(contents(apart.one()).count("edited") == 1);
    CHECK(exists(apart.one() / "file.txt"));
}

TEST_CASE("Conflict: renamed here, changed there: the change is not lost", "[e2e]")
{
    const bool isRenamedFirst = GENERATE(false, true);
    CAPTURE(isRenamedFirst);
    Apart apart(GENERATE(Away::Stopped, Away::Cut));
    const auto rename = [](const AgentNode& a) {
        renamePath(a / "file.txt", a / "renamed.txt");
    };
    const auto change = [](const AgentNode& a) {
        writeFile(a / "file.txt", "edited");
    };

    isRenamedFirst ? apart.act(rename, change) : apart.act(change, rename);

    CHECK(contents(apart.one()).count("edited") == 1);
    CHECK(exists(apart.one() / "renamed.txt"));
}

TEST_CASE("Conflict: folder renamed here, new file inside there: nothing is lost", "[e2e]")
{
    const bool isRenamedFirst = GENERATE(false, true);
    CAPTURE(isRenamedFirst);
    Apart apart(GENERATE(Away::Stopped, Away::Cut));
    const auto rename = [](const AgentNode& a) {
        renamePath(a / "dir", a / "renamed");
    };
    const auto create = [](const AgentNode& a) {
        writeFile(a / "dir/new", "new");
    };

    isRenamedFirst ? apart.act(rename, create) : apart.act(create, rename);

    CHECK(contents(apart.one()).count("new") == 1);
    CHECK(contents(apart.one()).count("inside") == 1);
    CHECK(exists(apart.one() / "renamed/inside"));
}

TEST_CASE("Conflict: links that point to different places end as one of them", "[e2e]")
{
    Apart apart(GENERATE(Away::Stopped, Away::Cut));
    const auto pointTo = [](const char* target) {
        return [target](const AgentNode& a) {
            removeTree(a / "link");
            makeLink(target, a / "link");
        };
    };

    apart.act(pointTo("first"), pointTo("second"));

    CHECK(std::filesystem::read_symlink(apart.two() / "link") == "first");
}

TEST_CASE("Conflict: three agents at once keep all three contents", "[e2e]")
{
    Pair pair;
    AgentNode& three = pair.cluster.startAgent("three");
    writeFile(pair.one / "file", "base");
    pair.cluster.settle();
    for (AgentNode* agent : {&pair.one, &pair.two, &three})
    {
        agent->traffic().goOffline();
    }
    for (AgentNode* agent : {&pair.one, &pair.two, &three})
    {
        writeFile(*agent / "file", "from " + agent->name());
    }
    for (AgentNode* agent : {&pair.one, &pair.two, &three})
    {
        agent->traffic().goOnline();
    }

    pair.cluster.settle();

    const std::multiset<std::string> expected = {"from one", "from three", "from two"};
    CHECK(contents(three) == expected);
}

TEST_CASE("Conflict: edits in turns while both are online make none", "[e2e]")
{
    Pair pair;
    for (int i = 0; i < 30; ++i)
    {
        AgentNode& writer = i % 2 == 0 ? pair.one : pair.two;
        AgentNode& reader = i % 2 == 0 ? pair.two : pair.one;
        const std::string text = "turn " + std::to_string(i);
        writeFile(writer / "file", text);
        pair.cluster.await("the turn arrives", [&] { return readFile(reader / "file") == text; });
    }

    pair.cluster.settle();
    CHECK(countNames(pair.one.folder(), "conflict") == 0);
}
