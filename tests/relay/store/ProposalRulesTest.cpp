// The rules of Proposal.h.

#include "tests/relay/store/StoreFixture.h"

using namespace tidewire;

namespace {

void checkRefused(const ProposalResult& result, Refusal refusal)
{
    CHECK(result.verdict == Verdict::Refused);
    CHECK(result.refusal == refusal);
    CHECK(result.id == 77);
}

} // namespace

TEST_CASE_METHOD(StoreFixture, "Proposal rule 1: what no entry can be is malformed", "[store]")
{
    Entry entry = fileOf("");
    Proposal bad = proposal("a", 0, entry);
    SECTION("mode")
    {
        bad.entry.mode = 010000;
    }
    SECTION("nanoseconds")
    {
        bad.entry.mtime.nanoseconds = 1'000'000'000;
    }
    SECTION("a file with a target")
    {
        bad.entry.target.push_back('x');
    }
    SECTION("a folder with a time")
    {
        bad.entry = folderOf(), bad.entry.mtime.seconds = 1;
    }
    SECTION("a folder with a size")
    {
        bad.entry = folderOf(), bad.entry.size = 1;
    }
    SECTION("a link to nothing")
    {
        bad.entry = linkOf("");
    }
    SECTION("a link with a NUL")
    {
        bad.entry = linkOf(std::string("a\0b", 3));
    }
    SECTION("a link that is too long")
    {
        bad.entry = linkOf(std::string(4096, 'x'));
    }
    SECTION("a link with a mode")
    {
        bad.entry = linkOf("x"), bad.entry.mode = 0777;
    }
    SECTION("a tombstone with a hash")
    {
        bad.entry = Entry(), bad.entry.hash = hashOf("x");
    }
    SECTION("an unknown kind")
    {
        bad.entry.kind = static_cast<EntryKind>(4);
    }
    SECTION("a folder with content")
    {
        bad.entry = folderOf();
        bad.delta = {Op{OpKind::Zero, 0, 0, 5}};
    }
    SECTION("a size that is not the content's")
    {
        bad.entry.size = 1;
    }
    SECTION("an operation of length 0")
    {
        bad.delta = {Op{OpKind::Zero, 0, 0, 0}};
    }
    SECTION("an unknown operation")
    {
        bad.entry.size = 1;
        bad.delta = {Op{static_cast<OpKind>(3), 0, 0, 1}};
    }
    SECTION("a copy from nothing")
    {
        bad.entry.size = 1;
        bad.delta = {Op{OpKind::Copy, 0, 0, 1}};
    }
    SECTION("lengths beyond 64 bits")
    {
        bad.delta = {Op{OpKind::Zero, 0, 0, ~std::uint64_t{0}}, Op{OpKind::Zero, 0, 0, 1}};
    }
    SECTION("the root")
    {
        bad.path = RelativePath();
    }
    SECTION("the private folder")
    {
        bad.path = pathOf(".tidewire/x");
    }

    checkRefused(propose(bad), Refusal::Malformed);
    CHECK(store->commit().empty());
}

TEST_CASE_METHOD(StoreFixture,
                 "Proposal rule 1: data must lie in frames, runs only through full ones",
                 "[store]")
{
    const FrameId full = store->addFrame(frameOf(noise(kFrameBytes, 1)));
    const FrameId part = store->addFrame(frameOf(noise(100, 2)));
    const FrameId next = store->addFrame(frameOf(noise(kFrameBytes, 3)));
    REQUIRE(part == full + 1);
    REQUIRE(next == full + 2);
    const auto verdict = [&](Op op) {
        Proposal what = proposal("a", 0, fileOf("x"));
        what.entry.size = op.length;
        what.delta = {op};
        const ProposalResult result = propose(what);
        store->rollback();
        store->addFrame(frameOf(noise(kFrameBytes, 1)));
        store->addFrame(frameOf(noise(100, 2)));
        store->addFrame(frameOf(noise(kFrameBytes, 3)));
        return result.verdict == Verdict::Accepted;
    };

    CHECK(verdict(Op{OpKind::Data, full, 0, kFrameBytes + 100}));
    CHECK(verdict(Op{OpKind::Data, full, kFrameBytes + 99, 1}));
    CHECK(verdict(Op{OpKind::Data, part, 99, 1}));
    CHECK_FALSE(verdict(Op{OpKind::Data, part, 99, 2}));
    CHECK_FALSE(verdict(Op{OpKind::Data, full, 0, kFrameBytes + 101}));
    CHECK_FALSE(verdict(Op{OpKind::Data, full, 0, 2 * kFrameBytes + 1}));
    CHECK_FALSE(verdict(Op{OpKind::Data, next, 0, kFrameBytes + 1}));
    CHECK_FALSE(verdict(Op{OpKind::Data, 0, 0, 1}));
    CHECK_FALSE(verdict(Op{OpKind::Data, full, kMaxContentBytes, 1}));
    CHECK_FALSE(verdict(Op{OpKind::Data, ~FrameId{0}, kFrameBytes, kMaxContentBytes}));
}

TEST_CASE_METHOD(StoreFixture,
                 "Proposal rule 1: frames that are not there any more are asked for anew",
                 "[store]")
{
    const FrameId full = store->addFrame(frameOf(noise(kFrameBytes, 1)));
    const auto [op, refusal] = GENERATE(table<Op, Refusal>({
        {Op{OpKind::Data, 9, 0, 1}, Refusal::SourceUnknown},
        {Op{OpKind::Data, 1, 0, kFrameBytes + 1}, Refusal::SourceUnknown},
        {Op{OpKind::Data, 0, 0, 2 * kFrameBytes}, Refusal::SourceUnknown},
        {Op{OpKind::Data, ~FrameId{0}, kFrameBytes, 1}, Refusal::Malformed},
    }));
    REQUIRE(full == 1);
    Proposal what = proposal("a", 0, fileOf("x"));
    what.entry.size = op.length;
    what.delta = {op};

    checkRefused(propose(what), refusal);
}

TEST_CASE_METHOD(StoreFixture,
                 "Proposal rule 1: copies need a source that is known, a file and long enough",
                 "[store]")
{
    const Seq file = accepted(write("a", 0, "0123456789"));
    const Seq folderSeq = accepted(propose(proposal("d", 0, folderOf())));
    store->commit();
    Proposal copy = proposal("b", 0, fileOf("345"));
    copy.source = file;
    copy.delta = {Op{OpKind::Copy, 0, 3, 3}};

    SECTION("unknown")
    {
        copy.source = 99;
        checkRefused(propose(copy), Refusal::SourceUnknown);
    }
    SECTION("no file")
    {
        copy.source = folderSeq;
        checkRefused(propose(copy), Refusal::SourceUnknown);
    }
    SECTION("too short")
    {
        copy.delta = {Op{OpKind::Copy, 0, 8, 3}};
        checkRefused(propose(copy), Refusal::Malformed);
    }
    SECTION("far beyond")
    {
        copy.delta = {Op{OpKind::Copy, 0, ~std::uint64_t{0}, 3}};
        checkRefused(propose(copy), Refusal::Malformed);
    }
    SECTION("right")
    {
        const Seq seq = accepted(propose(copy));
        const std::vector<Accepted> batch = store->commit();
        CHECK(content(seq) == "345");
        CHECK(batch.at(0).source == file);
        CHECK(batch.at(0).delta == copy.delta);
    }
}

TEST_CASE_METHOD(StoreFixture, "Proposal: too many pieces ask for the whole content", "[store]")
{
    Proposal many = proposal("a", 0, fileOf("x"));
    const FrameId id = store->addFrame(frameOf(noise(1000, 1)));
    for (std::size_t i = 0; i < kMaxPieces; ++i)
    {
        many.delta.push_back(Op{OpKind::Data, id, (i * 7) % 999, 1});
    }
    many.entry.size = kMaxPieces;
    const Seq first = accepted(propose(many));
    Proposal more = proposal("a", first, fileOf("y"));
    more.source = first;
    more.delta = {Op{OpKind::Copy, 0, 0, kMaxPieces}, Op{OpKind::Data, id, 500, 1}};
    more.entry.size = kMaxPieces + 1;

    checkRefused(propose(more), Refusal::SourceUnknown);
}

TEST_CASE_METHOD(StoreFixture,
                 "Proposal rule 2: base 0 is right for a path that never was or was deleted",
                 "[store]")
{
    const Seq first = accepted(write("a", 0, "one"));
    const Seq gone = accepted(propose(proposal("a", first, Entry())));

    CHECK(accepted(write("a", 0, "again")) == gone + 1);
}

TEST_CASE_METHOD(StoreFixture, "Proposal rule 3: another base is refused with the head", "[store]")
{
    const Seq first = accepted(write("a", 0, "one"));
    const Seq second = accepted(write("a", first, "two"));
    store->commit();

    for (const Seq base : {Seq{0}, first, second + 1})
    {
        const ProposalResult result = propose(contentProposal("a", base, "three"));
        checkRefused(result, Refusal::BaseChanged);
        REQUIRE(result.head);
        CHECK(result.head->seq == second);
    }
    const ProposalResult unknown = propose(contentProposal("never", 5, "x"));
    checkRefused(unknown, Refusal::BaseChanged);
    CHECK_FALSE(unknown.head);
}

TEST_CASE_METHOD(
    StoreFixture,
    "Proposal rule 3: a proposal whose answer was lost is recognised, even behind a newer head",
    "[store]")
{
    const Seq first = accepted(write("a", 0, "one"));
    Proposal change = contentProposal("a", first, "two");
    change.seen = first;
    const Seq second = accepted(propose(change));
    store->commit();
    accepted(propose(contentProposal("a", second, "three"), "cellar"));
    store->commit();
    open();

    SECTION("the same again")
    {
        const ProposalResult again = propose(change);
        CHECK(again.verdict == Verdict::Repeated);
        CHECK(again.seq == second);
        REQUIRE(again.head);
        CHECK(again.head->seq == second + 1);
    }
    SECTION("of another agent")
    {
        checkRefused(propose(change, "cellar"), Refusal::BaseChanged);
    }
    SECTION("with another mode")
    {
        change.entry.mode = 0600;
        checkRefused(propose(change), Refusal::BaseChanged);
    }
    SECTION("with another time")
    {
        change.entry.mtime.nanoseconds = 1;
        checkRefused(propose(change), Refusal::BaseChanged);
    }
    SECTION("from an agent that has seen it")
    {
        change.seen = second;
        checkRefused(propose(change), Refusal::BaseChanged);
        change.seen = ~Seq{0};
        checkRefused(propose(change), Refusal::BaseChanged);
    }
}

TEST_CASE_METHOD(
    StoreFixture,
    "Proposal rule 3: a new file whose answer was lost does not come back when another deleted it",
    "[store]")
{
    const Seq other = accepted(write("other", 0, "x"));
    Proposal made = contentProposal("a", 0, "one");
    made.seen = other;
    const Seq first = accepted(propose(made));
    store->commit();
    const Seq gone = accepted(propose(proposal("a", first, Entry()), "cellar"));
    store->commit();
    open();

    SECTION("the same again, by an agent that knows of no deletion")
    {
        for (const Seq seen : {Seq{0}, other})
        {
            made.seen = seen;
            const ProposalResult again = propose(made);
            CHECK(again.verdict == Verdict::Repeated);
            CHECK(again.seq == first);
            REQUIRE(again.head);
            CHECK(again.head->seq == gone);
        }
    }
    SECTION("the same made anew after the deletion")
    {
        made.seen = gone;
        CHECK(accepted(propose(made)) == gone + 1);
    }
    SECTION("something else made at the same time")
    {
        CHECK(accepted(write("a", 0, "two")) == gone + 1);
    }
    SECTION("the same of an agent that never had it")
    {
        CHECK(accepted(propose(made, "cellar")) == gone + 1);
    }
}

TEST_CASE_METHOD(StoreFixture,
                 "Proposal rule 3: what an agent deleted itself it may make anew at once",
                 "[store]")
{
    Proposal made = contentProposal("a", 0, "one");
    const Seq first = accepted(propose(made));
    const Seq gone = accepted(propose(proposal("a", first, Entry())));
    if (GENERATE(false, true))
    {
        store->commit();
    }

    // Moved out and back in within a moment: the cursor has not got past its own revisions.
    CHECK(accepted(propose(made)) == gone + 1);
    CHECK(store->commit().back().revision.seq == gone + 1);
}

TEST_CASE_METHOD(StoreFixture,
                 "Proposal rule 3: the content of the head is the same whatever mode and time",
                 "[store]")
{
    const Seq first = accepted(write("a", 0, "one"));
    Proposal equal = contentProposal("a", 0, "one");
    equal.entry.mode = 0600;

    const ProposalResult result = propose(equal, "cellar");

    CHECK(result.verdict == Verdict::Same);
    REQUIRE(result.head);
    CHECK(result.head->seq == first);
    const Seq gone = accepted(propose(proposal("a", first, Entry())));
    const ProposalResult deleted = propose(proposal("a", first, Entry()), "cellar");
    CHECK(deleted.verdict == Verdict::Same);
    CHECK(deleted.head->seq == gone);
    CHECK(propose(proposal("never", 3, Entry())).verdict == Verdict::Same);
}

TEST_CASE_METHOD(StoreFixture,
                 "Proposal rule 4: the parent must be a live folder, in the batch or before",
                 "[store]")
{
    checkRefused(write("d/a", 0, "x"), Refusal::ParentMissing);
    const Seq folderSeq = accepted(propose(proposal("d", 0, folderOf())));
    const Seq file = accepted(write("d/a", 0, "x"));
    checkRefused(write("d/a/b", 0, "x"), Refusal::ParentMissing);
    store->commit();
    accepted(propose(proposal("d/a", file, Entry())));
    accepted(propose(proposal("d", folderSeq, Entry())));
    checkRefused(write("d/b", 0, "x"), Refusal::ParentMissing);
    store->commit();
    checkRefused(write("d/b", 0, "x"), Refusal::ParentMissing);
}

TEST_CASE_METHOD(StoreFixture,
                 "Proposal rule 4: a folder with live children stays a folder",
                 "[store]")
{
    const bool committed = GENERATE(false, true);
    CAPTURE(committed);
    const Seq folderSeq = accepted(propose(proposal("d", 0, folderOf())));
    const Seq sister = accepted(propose(proposal("d-x", 0, folderOf())));
    accepted(write("d-x/a", 0, "x"));
    const Seq child = accepted(write("d/a", 0, "x"));
    if (committed)
    {
        store->commit();
    }

    checkRefused(propose(proposal("d", folderSeq, Entry())), Refusal::NotEmpty);
    checkRefused(write("d", folderSeq, "file"), Refusal::NotEmpty);
    checkRefused(propose(proposal("d", folderSeq, linkOf("x"))), Refusal::NotEmpty);
    const Seq changed = accepted(propose(proposal("d", folderSeq, folderOf(0700))));
    accepted(propose(proposal("d/a", child, Entry())));
    accepted(write("d", changed, "file"));
    checkRefused(propose(proposal("d-x", sister, Entry())), Refusal::NotEmpty);
}

TEST_CASE_METHOD(StoreFixture,
                 "Proposal rule 5: no change at all is the same, a new mode is accepted",
                 "[store]")
{
    const Seq first = accepted(write("a", 0, "one"));

    const ProposalResult nothing = propose(contentProposal("a", first, "one"));
    Proposal mode = contentProposal("a", first, "one");
    mode.entry.mode = 0600;

    CHECK(nothing.verdict == Verdict::Same);
    CHECK(nothing.head->seq == first);
    CHECK(accepted(propose(mode)) == first + 1);
    CHECK(propose(proposal("never", 0, Entry())).verdict == Verdict::Same);
}
