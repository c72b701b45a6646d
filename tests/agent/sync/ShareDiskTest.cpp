// ShareSync: disks that do not let it in, cannot hold what comes, or were used by a process that ended.

#include "agent/sync/PrivateFolder.h"
#include "shared/base/Errors.h"
#include "tests/agent/sync/ShareFixture.h"

#include <cerrno>
#include <set>

using namespace tidewire;
using namespace std::chrono_literals;

namespace {

class DiskFixture: public ShareFixture
{
protected:
    DiskFixture()
    {
        files.setHook([this](std::string_view operation, const RelativePath& path) {
            const auto refused = refusals.find({std::string(operation), path.text()});
            if (refused != refusals.end())
            {
                ++tries;
                throw StorageError(operation, path.text(), refused->second);
            }
            if (!closedFolder.empty() && path.folder() == closedFolder)
            {
                ++tries;
                throw StorageError(operation, path.text(), closedBy);
            }
        });
    }

    [[nodiscard]] std::vector<std::string> partials()
    {
        std::vector<std::string> all = listNames(files, pathOf(".tidewire/tmp"));
        std::erase_if(all,
                      [](const std::string& name) { return !name.starts_with(kPartialPrefix); });
        return all;
    }

    std::map<std::pair<std::string, std::string>, int> refusals; ///< by operation and path
    std::string closedFolder;                                    ///< nothing in it can be reached
    int closedBy = EACCES;
    unsigned tries = 0; ///< that were refused
};

} // namespace

TEST_CASE_METHOD(DiskFixture,
                 "Share: revisions below a folder that cannot be entered wait, others do not")
{
    closedBy = GENERATE(EACCES, EXDEV, EIO);
    CAPTURE(closedBy);
    news({folder(1, "m")});
    turns();
    closedFolder = "m";
    news({file(2, "m/a", "a"), file(3, "m/b", "b"), file(4, "other", "o")});
    CHECK_NOTHROW(pass(30s));
    CHECK(readFile(files, "other") == "o");
    CHECK(tries < 200);
    CHECK(log.count("m/a") == 1);
    CHECK(log.count("m/b") == 1);
    CHECK(share->hello().cursor == 4);

    closedFolder.clear();
    pass(6min);
    CHECK(readFile(files, "m/a") == "a");
    CHECK(readFile(files, "m/b") == "b");
    CHECK(share->isSettled());
}

TEST_CASE_METHOD(DiskFixture, "Share: revisions below a mount point hold nothing up")
{
    news({folder(1, "m")});
    turns();
    files.mount(pathOf("m"), 77);
    news({file(2, "m/a", "a"), folder(3, "m/d"), gone(4, "m/e"), file(5, "other", "o")});

    CHECK_NOTHROW(pass(30s));
    CHECK(readFile(files, "other") == "o");
    CHECK(share->hello().cursor == 5);
}

TEST_CASE_METHOD(
    DiskFixture,
    "Share: a file that can neither be read nor replaced is told of once and tried rarely")
{
    writeFile(files, "secret", "mine");
    refusals[{"openRead", "secret"}] = EACCES;
    hint("secret");
    turns();
    news({file(2, "secret", "theirs"), file(3, "other", "o")});

    const unsigned count = pass(10min);

    CHECK(count < 200);
    CHECK(tries < 20);
    CHECK(log.count("secret") == 1);
    CHECK(readFile(files, "other") == "o");

    refusals.clear();
    CHECK(readFile(files, "secret") == "mine");
    hint("secret");
    pass(2s);
    CHECK(pathsOf(proposals()) == std::vector<std::string>{"secret"});
}

TEST_CASE_METHOD(DiskFixture, "Share: a link on a disk without links is told of once and left out")
{
    const int code = GENERATE(EPERM, EOPNOTSUPP);
    CAPTURE(code);
    files.setHook([&](std::string_view operation, const RelativePath& path) {
        if (operation == "createSymlink")
        {
            ++tries;
            throw StorageError(operation, path.text(), code);
        }
    });
    news({link(1, "link", "target"), file(2, "other", "o")});
    pass(10min);

    CHECK(tries == 1);
    CHECK(log.count("link") == 1);
    CHECK(readFile(files, "other") == "o");
    CHECK(pendingCount() == 0);
    CHECK(proposals().empty());
    CHECK(share->isSettled());
}

TEST_CASE_METHOD(
    DiskFixture,
    "Share: what was applied for a store that is gone does not stand for the new one's revision")
{
    const bool isWaiting = GENERATE(false, true);
    CAPTURE(isWaiting);
    news({folder(5, "x")});
    turns(false);
    REQUIRE(runner.jobs.size() == 1);
    if (isWaiting)
    {
        // Put into its place before anybody knows of the new store.
        while (runner.jobs.front()->step())
        {
        }
    }
    disconnect();
    WelcomeMessage::Share welcome;
    welcome.status = ShareStatus::Reset;
    welcome.incarnation[0] = 2;
    welcome.head = 5;
    share->onWelcome(welcome, 0);
    news({file(5, "x", "of the new store")});
    turns(false);

    pass(2s);
    // A folder here, a file there: the relay has to judge.
    const std::vector<Proposal> sent = proposals();
    REQUIRE(pathsOf(sent) == std::vector<std::string>{"x"});
    CHECK(sent[0].entry.kind == EntryKind::Directory);
    refuse(sent[0], Refusal::BaseChanged, file(5, "x", "of the new store"));
    settle();

    REQUIRE(names().size() == 2);
    CHECK(readFile(files, names()[1]) == "of the new store");
    CHECK(share->isSettled());
}

TEST_CASE_METHOD(DiskFixture,
                 "Share: the beginning of a content that is superseded after a restart is removed")
{
    const bool isLoaded = GENERATE(false, true);
    const bool isGone = GENERATE(false, true);
    CAPTURE(isLoaded, isGone);
    fetchLimit = 512 * 1024;
    news({file(5, "large", variedText(1 << 20, 1))});
    turns();
    REQUIRE(partials() == std::vector<std::string>{std::string(kPartialPrefix) + "5"});
    kill();
    open();
    CHECK(partials().size() == 1);
    if (isLoaded)
    {
        turns();
    }

    connect();
    news({isGone ? gone(6, "large") : file(6, "large", "small now")});
    pass(2s);

    CHECK(partials().empty());
    CHECK(names().size() == (isGone ? 0 : 1));
    CHECK(pendingCount() == 0);
    CHECK(share->isSettled());
}

TEST_CASE_METHOD(DiskFixture, "Share: what is awaited goes on after a restart where it was")
{
    const std::string content = variedText(1 << 20, 1);
    fetchLimit = 512 * 1024;
    news({file(5, "large", content)});
    turns();
    kill();
    open();
    fetchLimit = content.size();
    connect();
    pass(2s);

    CHECK((readFile(files, "large") == content));
    CHECK(partials().empty());
}

TEST_CASE_METHOD(DiskFixture, "Share: a folder that another agent keeps is not touched")
{
    write("mine", "1");
    settle();
    Index otherIndex(":memory:");
    ShareOptions options;
    options.name = "photos";
    options.agent = "attic";
    const auto makeOther = [&] {
        return std::make_unique<ShareSync>(
            options, files, otherIndex, clock, runner, relay, connection, ShareHooks());
    };
    writeFile(files, ".tidewire/tmp/get-7", "in the making");

    auto other = makeOther();
    CHECK_FALSE(other->start());
    CHECK(other->problem().find("another agent") != std::string::npos);
    CHECK(partials() == std::vector<std::string>{"get-7"});

    kill();
    other = makeOther();
    CHECK(other->start());
}

TEST_CASE_METHOD(DiskFixture, "Share: a filesystem without locks is told of, and works")
{
    kill();
    files.setHook([](std::string_view operation, const RelativePath& path) {
        if (operation == "createFile" && path.name() == "lock")
        {
            throw StorageError(operation, path.text(), EROFS);
        }
    });
    files.removeFile(pathOf(".tidewire/lock"));
    open();
    connect();
    CHECK(log.count("no locks") == 1);
    news({file(1, "x", "1")});
    pass(2s);
    CHECK(readFile(files, "x") == "1");
}

TEST_CASE_METHOD(DiskFixture, "Share: what is in a folder arrives as soon as the folder does")
{
    refusals[{"createDirectory", "d"}] = EIO;
    news({folder(1, "d"), file(2, "d/a", "a"), folder(3, "d/e"), file(4, "d/e/b", "b")});
    pass(4min);
    REQUIRE(names().empty());
    refusals.clear();
    while (names().empty())
    {
        clock.advance(std::max(*share->nextDue() - clock.steady(), SteadyTime(0)));
        turns();
    }

    CHECK(names("d") == std::vector<std::string>{"a", "e"});
    CHECK(names("d/e") == std::vector<std::string>{"b"});
}
