// ShareSync: answers of the relay that are late, lost, or not what was hoped for.

#include "tests/agent/sync/ShareFixture.h"

using namespace tidewire;
using namespace std::chrono_literals;

namespace {

class AnswersFixture: public ShareFixture
{
protected:
    /// A file whose proposal reached the relay just before the process ended. Returns the revision that it became.
    Revision sentAndKilled(std::string_view path, std::string_view content)
    {
        write(path, content);
        pass(500ms);
        const std::vector<Proposal> sent = proposals();
        REQUIRE(pathsOf(sent) == std::vector<std::string>{std::string(path)});
        kill();
        contents[head + 1] = content;
        return {head + 1, pathOf(path), sent[0].entry, "kitchen"};
    }

    /// The process begins again; the relay tells of the revision.
    void restart(const Revision& revision)
    {
        open();
        connect();
        news({revision});
        pass(2s);
    }
};

} // namespace

TEST_CASE_METHOD(AnswersFixture,
                 "Share: an edit after a lost answer is an edit of what was accepted")
{
    const Revision own = sentAndKilled("f", "first");
    writeFile(files, "f", "first and more");
    restart(own);

    const std::vector<Proposal> sent = proposals();
    REQUIRE(pathsOf(sent) == std::vector<std::string>{"f"});
    CHECK(sent[0].base == own.seq);
    CHECK(sent[0].entry.size == 14);
    CHECK(names() == std::vector<std::string>{"f"});
}

TEST_CASE_METHOD(AnswersFixture, "Share: what was deleted after a lost answer does not come back")
{
    const Revision own = sentAndKilled("f", "first");
    files.removeFile(pathOf("f"));
    restart(own);

    const std::vector<Proposal> sent = proposals();
    REQUIRE(pathsOf(sent) == std::vector<std::string>{"-f"});
    CHECK(sent[0].base == own.seq);
    CHECK(names().empty());
}

TEST_CASE_METHOD(AnswersFixture,
                 "Share: what was renamed after a lost answer is renamed at the relay")
{
    const Revision own = sentAndKilled("f", "first");
    REQUIRE(files.renameNoReplace(pathOf("f"), pathOf("g")) == RenameOutcome::Done);
    restart(own);
    const std::vector<Proposal> sent = settle();

    std::vector<std::string> paths = pathsOf(sent);
    std::sort(paths.begin(), paths.end());
    CHECK(paths == std::vector<std::string>{"-f", "g"});
    CHECK(names() == std::vector<std::string>{"g"});
}

TEST_CASE_METHOD(AnswersFixture,
                 "Share: an untouched file is settled by the revision that it became")
{
    const Revision own = sentAndKilled("f", "first");
    restart(own);

    CHECK(settle().empty());
    REQUIRE(row("f"));
    CHECK(row("f")->seq == own.seq);
    CHECK(share->isSettled());
}

TEST_CASE_METHOD(AnswersFixture, "Share: another agent's revision is not taken for a lost answer")
{
    Revision other = sentAndKilled("f", "first");
    other.agent = "attic";
    files.removeFile(pathOf("f"));
    restart(other);

    CHECK(proposals().empty());
    CHECK(names() == std::vector<std::string>{"f"});
}

TEST_CASE_METHOD(AnswersFixture, "Share: a proposal says that a waiting revision was not seen")
{
    write("f", "one");
    settle();
    const Seq base = row("f")->seq;
    // The revision is decided on before anybody has looked at the file.
    writeFile(files, "f", "two");
    news({file(base + 6, "f", "theirs")});
    pass(500ms);

    const std::vector<Proposal> sent = proposals();
    REQUIRE(pathsOf(sent) == std::vector<std::string>{"f"});
    CHECK(share->hello().cursor == base + 6);
    CHECK(sent[0].base == base);
    CHECK(sent[0].seen < base + 6);
}

TEST_CASE_METHOD(AnswersFixture, "Share: after Repeated the newer head is applied")
{
    const bool isTold = GENERATE(true, false);
    CAPTURE(isTold);
    write("f", "one");
    settle();
    const Seq base = row("f")->seq;
    write("f", "two");
    const Revision theirs = file(base + 6, "f", "theirs");
    if (isTold)
    {
        news({theirs});
    }
    pass(500ms);
    const std::vector<Proposal> sent = proposals();
    REQUIRE(sent.size() == 1);

    ProposalResult result;
    result.id = sent[0].id;
    result.verdict = Verdict::Repeated;
    result.seq = base + 1;
    result.head = theirs;
    head = base + 6;
    answer(result);

    CHECK(settle().empty());
    CHECK(names() == std::vector<std::string>{"f"});
    CHECK(readFile(files, "f") == "theirs");
    CHECK(row("f")->seq == base + 6);
    CHECK(share->isSettled());
}

TEST_CASE_METHOD(AnswersFixture, "Share: after Repeated with a deleted head the file goes")
{
    write("f", "one");
    pass(500ms);
    const std::vector<Proposal> sent = proposals();
    ProposalResult result;
    result.id = sent.at(0).id;
    result.verdict = Verdict::Repeated;
    result.seq = 1;
    result.head = gone(2, "f");
    head = 2;
    answer(result);

    CHECK(settle().empty());
    CHECK(names().empty());
    CHECK_FALSE(row("f"));
}

TEST_CASE_METHOD(AnswersFixture,
                 "Share: what is the same as a revision that a newer one replaces is no conflict")
{
    const bool wasThere = GENERATE(true, false);
    CAPTURE(wasThere);
    if (wasThere)
    {
        news({file(1, "f", "same")});
        turns();
        files.setMtime(pathOf("f"), {1234567890, 1});
    }
    else
    {
        writeFile(files, "f", "same");
    }
    hint("f");
    turns(false);
    // While the file is being read.
    Revision second = file(2, "f", "same");
    second.entry.mtime = {1500000000, 2};
    news({second});
    turns(false);
    runner.runAll();
    news({file(3, "f", "newer")});

    pass(1s);
    CHECK(proposals().empty());
    CHECK(names() == std::vector<std::string>{"f"});
    CHECK(readFile(files, "f") == "newer");
    CHECK(share->isSettled());
}

TEST_CASE_METHOD(AnswersFixture,
                 "Share: a file is not moved away because of a deletion that is older than it")
{
    write("a", "content");
    pass(500ms);
    const std::vector<Proposal> sent = proposals();
    REQUIRE(sent.size() == 1);
    Revision twin = file(2, "c", "content");
    twin.entry.hash = sent[0].entry.hash;
    news({twin, gone(3, "a")});
    accept(sent);
    REQUIRE(row("a")->seq == 4);

    settle();
    CHECK(names() == std::vector<std::string>{"a", "c"});
    REQUIRE(row("a"));
    CHECK(row("a")->seq == 4);
    CHECK(share->isSettled());
}

TEST_CASE_METHOD(
    AnswersFixture,
    "Share: when the relay takes nothing any more, what waited for its answer is applied")
{
    write("f", "mine");
    pass(500ms);
    const std::vector<Proposal> sent = proposals();
    REQUIRE(sent.size() == 1);
    write("g", "mine too");
    news({file(5, "f", "theirs"), file(6, "g", "theirs too")});

    refuse(sent[0], Refusal::NotAllowed);
    pass(500ms);
    for (const Proposal& proposal : proposals())
    {
        refuse(proposal, Refusal::NotAllowed);
    }
    pass(500ms);

    CHECK(readFile(files, "f") == "theirs");
    CHECK(readFile(files, "g") == "theirs too");
    CHECK(names().size() == 4);
    CHECK(pendingCount() == 0);
    CHECK(proposals().empty());
}

TEST_CASE_METHOD(
    AnswersFixture,
    "Share: when the relay says on return that it takes nothing, what waited is applied")
{
    write("f", "mine");
    news({file(5, "f", "theirs")});
    pass(500ms);
    REQUIRE(proposals().size() == 1);
    disconnect();
    turns();
    CHECK(readFile(files, "f") == "mine");

    connect(true);
    pass(500ms);
    CHECK(readFile(files, "f") == "theirs");
    CHECK(names().size() == 2);
    CHECK(pendingCount() == 0);
}

TEST_CASE_METHOD(AnswersFixture, "Share: what new rules ignore no longer waits")
{
    fetchLimit = 1000;
    writeFile(files, "f.tmp", "mine");
    news({file(5, "f.tmp", "theirs"), file(6, "large.tmp", variedText(400000, 1))});
    pass(500ms);
    REQUIRE(pendingCount() == 2);

    write(".tidewireignore", "*.tmp\n");
    pass(500ms);
    CHECK(reconnects > 0);
    disconnect();
    connect();
    pass(500ms);
    CHECK(pendingCount() == 0);
    CHECK(readFile(files, "f.tmp") == "mine");
    CHECK(names(".tidewire/tmp").empty());
    settle();
    CHECK(share->isSettled());
}

TEST_CASE_METHOD(AnswersFixture,
                 "Share: a folder that the relay keeps has its name, what took its place is kept")
{
    const bool isKilled = GENERATE(false, true);
    CAPTURE(isKilled);
    write("d/a", "inside");
    settle();
    const Seq folderSeq = row("d")->seq;
    removeTree(files, pathOf("d"));
    write("d", "a file now");
    pass(500ms);
    const std::vector<Proposal> sent = proposals();
    REQUIRE(pathsOf(sent) == std::vector<std::string>{"-d/a", "d"});
    CHECK(sent[1].base == folderSeq);

    accept({sent[0]});
    refuse(sent[1], Refusal::NotEmpty);
    if (isKilled)
    {
        kill();
        open();
        connect();
        pass(500ms);
        const std::vector<Proposal> again = proposals();
        REQUIRE(pathsOf(again) == std::vector<std::string>{"d"});
        REQUIRE(again[0].base == 0);
        refuse(again[0], Refusal::BaseChanged, folder(folderSeq, "d"));
    }
    const std::vector<Proposal> after = settle();

    REQUIRE(files.stat(pathOf("d")));
    CHECK(files.stat(pathOf("d"))->kind == FileKind::Directory);
    REQUIRE(row("d"));
    CHECK(row("d")->entry.kind == EntryKind::Directory);
    CHECK(row("d")->seq == folderSeq);
    REQUIRE(names().size() == 2);
    CHECK(names()[1].starts_with("d.conflict-"));
    CHECK(readFile(files, names()[1]) == "a file now");
    CHECK(pathsOf(after) == std::vector<std::string>{names()[1]});
}

TEST_CASE_METHOD(AnswersFixture,
                 "Share: how often the relay kept a folder is forgotten once the folder is gone")
{
    const auto removeFolder = [this] {
        files.removeDirectory(pathOf("d"));
        hint("d");
    };
    const auto sentDeletion = [this] {
        pass(1500ms);
        const std::vector<Proposal> sent = proposals();
        REQUIRE(pathsOf(sent) == std::vector<std::string>{"-d"});
        return sent[0];
    };
    files.createDirectory(pathOf("d"), 0755);
    hint("d");
    settle();
    removeFolder();
    refuse(sentDeletion(), Refusal::NotEmpty);
    refuse(sentDeletion(), Refusal::NotEmpty);
    accept({sentDeletion()});

    files.createDirectory(pathOf("d"), 0755);
    hint("d");
    settle();
    removeFolder();
    refuse(sentDeletion(), Refusal::NotEmpty);
    accept({sentDeletion()});

    pass(5s);
    CHECK(names().empty());
}
