// ShareSync: what is found by looking, and what gets in its way.

#include "tests/agent/sync/ShareFixture.h"

using namespace tidewire;
using namespace std::chrono_literals;

namespace {

class ScanFixture: public ShareFixture
{
protected:
    void makeMany(std::string_view folder, unsigned count)
    {
        for (unsigned i = 0; i < count; ++i)
        {
            writeFile(files, nameOf(folder, i), "content " + std::to_string(i));
        }
    }

    static std::string nameOf(std::string_view folder, unsigned number)
    {
        std::string digits = std::to_string(number);
        digits.insert(0, 4 - digits.size(), '0');
        return std::string(folder) + "/f" + digits;
    }

    /// The files of that folder among the proposals.
    static std::size_t filesOf(const std::vector<Proposal>& all, std::string_view folder)
    {
        return static_cast<std::size_t>(
            std::count_if(all.begin(), all.end(), [&](const Proposal& p) {
                return p.entry.kind == EntryKind::File && p.path.folder() == folder;
            }));
    }

    /// An agent that ended, with what its user did since, and that is back.
    void restart()
    {
        open();
        connect();
    }
};

} // namespace

TEST_CASE_METHOD(ScanFixture,
                 "Share: what a scan had found when the line broke is found again at once")
{
    const unsigned turnsBefore = GENERATE(1U, 2U, 3U, 5U, 8U, 12U);
    CAPTURE(turnsBefore);
    constexpr unsigned kCount = 1000;
    write("flat/first", "x");
    settle();
    kill();
    makeMany("flat", kCount);
    restart();
    for (unsigned i = 0; i < turnsBefore; ++i)
    {
        share->run();
    }

    disconnect();
    runner.runAll();
    static_cast<void>(proposals());
    connect();
    const std::vector<Proposal> all = settle();

    CHECK(filesOf(all, "flat") == kCount);
    CHECK(share->isSettled());
    CHECK(clock.steady() < 1min);
}

TEST_CASE_METHOD(ScanFixture,
                 "Share: root hints without end keep nobody from the last folder and the deletions")
{
    const unsigned folders = GENERATE(20U, 300U);
    CAPTURE(folders);
    for (unsigned i = 0; i < folders; ++i)
    {
        writeFile(files, nameOf("d", i) + "/file", "x");
    }
    hint("", HintScope::Subtree);
    settle();
    removeTree(files, pathOf(nameOf("d", 7)));
    files.removeFile(pathOf(nameOf("d", 11) + "/file"));
    writeFile(files, nameOf("d", 0) + "/new", "n");
    writeFile(files, nameOf("d", folders - 1) + "/new", "n");

    std::vector<std::string> found;
    for (unsigned i = 0; i < 60; ++i)
    {
        hint("", HintScope::Subtree);
        share->run();
        runner.runAll();
        const std::vector<Proposal> some = proposals();
        accept(some);
        for (const std::string& path : pathsOf(some))
        {
            found.push_back(path);
        }
        clock.advance(10ms);
    }

    std::sort(found.begin(), found.end());
    CHECK(found == std::vector<std::string>{"-" + nameOf("d", 7),
                                            "-" + nameOf("d", 7) + "/file",
                                            "-" + nameOf("d", 11) + "/file",
                                            nameOf("d", 0) + "/new",
                                            nameOf("d", folders - 1) + "/new"});
}

TEST_CASE_METHOD(ScanFixture, "Share: a root hint during a scan leads to another one")
{
    for (unsigned i = 0; i < 300; ++i)
    {
        writeFile(files, nameOf("d", i) + "/file", "x");
    }
    hint("", HintScope::Subtree);
    settle();
    hint("", HintScope::Subtree);
    share->run();
    // Some folder that the scan has behind it; nobody tells of it by its name.
    writeFile(files, nameOf("d", 0) + "/new", "n");
    writeFile(files, nameOf("d", 299) + "/new", "n");
    hint("", HintScope::Subtree);

    CHECK(settle().size() == 2);
}

TEST_CASE_METHOD(ScanFixture,
                 "Share: a tree that comes back while its deletion is made is not deleted")
{
    constexpr unsigned kCount = 200;
    constexpr unsigned kWhen = 50;
    makeMany("d", kCount);
    hint("", HintScope::Subtree);
    settle();
    REQUIRE(files.renameNoReplace(pathOf("d"), pathOf(".tidewire/aside")) == RenameOutcome::Done);
    hint("d", HintScope::Subtree);
    turns();
    bool isBack = false;
    files.setHook([&](std::string_view operation, const RelativePath& path) {
        if (!isBack && operation == "stat" && path.text() == nameOf("d", kWhen))
        {
            isBack = true;
            REQUIRE(files.renameNoReplace(pathOf(".tidewire/aside"), pathOf("d")) ==
                    RenameOutcome::Done);
            hint("d", HintScope::Subtree);
        }
    });
    pass(500ms);

    REQUIRE(isBack);
    std::vector<Proposal> sent = proposals();
    accept(sent);
    std::vector<std::string> deleted = pathsOf(sent);
    std::erase_if(deleted, [](const std::string& path) { return !path.starts_with('-'); });
    CHECK(deleted.size() <= kWhen);
    CHECK(std::count(deleted.begin(), deleted.end(), "-d") == 0);

    settle();
    CHECK(share->isSettled());
    CHECK(names("d").size() == kCount);
    for (unsigned i = 0; i < kCount; ++i)
    {
        REQUIRE(row(nameOf("d", i)));
        CHECK(row(nameOf("d", i))->seq != 0);
    }
}

TEST_CASE_METHOD(
    ScanFixture,
    "Share: a folder that something took the place of while the agent was off goes from below")
{
    const bool isLink = GENERATE(true, false);
    CAPTURE(isLink);
    writeFile(files, "d/a", "1");
    writeFile(files, "d/e/b", "2");
    writeFile(files, "d/e/g/c", "3");
    hint("", HintScope::Subtree);
    settle();
    const Seq folderSeq = row("d")->seq;
    kill();
    removeTree(files, pathOf("d"));
    if (isLink)
    {
        files.createSymlink(pathOf("d"), "elsewhere");
    }
    else
    {
        writeFile(files, "d", "a file now");
    }
    restart();

    const std::vector<Proposal> all = settle();
    REQUIRE(all.size() == 6);
    for (auto above = all.begin(); above != all.end(); ++above)
    {
        CAPTURE(above->path.text());
        CHECK(std::none_of(above, all.end(), [&](const Proposal& other) {
            return other.path != above->path && other.path.isWithin(above->path);
        }));
    }
    CHECK(pathsOf(all).back() == "d");
    CHECK(all.back().base == folderSeq);
    CHECK(names() == std::vector<std::string>{"d"});
    CHECK(share->isSettled());
}

TEST_CASE_METHOD(ScanFixture, "Share: a renamed file is a rename however long it takes to read")
{
    const std::string content = variedText(3 << 20, 1);
    news({file(1, "old", content)});
    pass(2s);
    REQUIRE(row("old"));
    REQUIRE(files.renameNoReplace(pathOf("old"), pathOf("new")) == RenameOutcome::Done);
    hint("old");
    hint("new");
    for (int i = 0; i < 20; ++i)
    {
        turns(false);
        clock.advance(500ms);
    }
    CHECK(proposals().empty());

    const std::vector<Proposal> all = settle();
    CHECK(pathsOf(all) == std::vector<std::string>{"new", "-old"});
    CHECK(all.at(0).source == 1);
    CHECK(framesSent == 0);
}

TEST_CASE_METHOD(ScanFixture,
                 "Share: a file of the same size that is written all the time holds no deletion up")
{
    const std::string content(1 << 20, 'a');
    news({file(1, "gone", content)});
    pass(2s);
    REQUIRE(row("gone"));
    files.removeFile(pathOf("gone"));
    hint("gone");
    std::unique_ptr<File> writer = files.createFile(pathOf("log"), 0644);
    writer->write(0, asBytes(content));
    std::vector<std::string> deleted;
    for (unsigned i = 0; i < 400; ++i)
    {
        // Between the steps of whoever reads it.
        writer->write(i, asBytes("b"));
        share->onHint({1, pathOf("log"), HintScope::Entry, HintTiming::Writing});
        share->run();
        if (!runner.jobs.empty())
        {
            JobPtr job = std::move(runner.jobs.front());
            runner.jobs.pop_front();
            while (job->step())
            {
                writer->write(i, asBytes("c"));
            }
            Job& done = *job;
            done.finish(std::move(job));
        }
        const std::vector<Proposal> some = proposals();
        accept(some);
        for (const std::string& path : pathsOf(some))
        {
            deleted.push_back(path);
        }
        clock.advance(50ms);
    }

    CHECK(std::count(deleted.begin(), deleted.end(), "-gone") == 1);
}

TEST_CASE_METHOD(ScanFixture, "Share: more deletions than are kept in mind are all found")
{
    const bool byHints = GENERATE(false, true);
    CAPTURE(byHints);
    constexpr unsigned kCount = LocalChanges::kMaxVanished * 3 / 2;
    write("kept/file", "k");
    makeMany("flat", kCount);
    makeMany("more", 10);
    hint("", HintScope::Subtree);
    settle();
    for (unsigned i = 0; i < kCount; ++i)
    {
        files.removeFile(pathOf(nameOf("flat", i)));
        if (byHints)
        {
            hint(nameOf("flat", i));
        }
    }
    for (unsigned i = 0; i < 10; ++i)
    {
        files.removeFile(pathOf(nameOf("more", i)));
        if (byHints)
        {
            hint(nameOf("more", i));
        }
    }
    if (!byHints)
    {
        hint("", HintScope::Subtree);
    }

    const std::vector<std::string> sent = pathsOf(settle());
    CHECK(sent.size() == kCount + 10);
    CHECK(std::all_of(sent.begin(), sent.end(), [](const auto& path) { return path[0] == '-'; }));
    CHECK(clock.steady() < 1min);
    pass(1s);
    CHECK(share->isSettled());
}
