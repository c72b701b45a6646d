// Retention, the search for unread frames, and compaction: what is a head stays byte for byte.

#include "tests/relay/store/StoreFixture.h"

#include <map>

using namespace tidewire;

namespace {

constexpr std::int64_t kDay = 86400;

class UpkeepFixture: public StoreFixture
{
public:
    explicit UpkeepFixture(StoreOptions wanted = {}): StoreFixture(wanted) {}

    void passDays(std::int64_t days) { clock.setWall(clock.wallSeconds() + days * kDay); }
    std::size_t upkeepNow() { return upkeep(clock.wallSeconds()); }

    Seq change(std::string_view path, Seq base, std::string_view text)
    {
        const Seq seq = accepted(write(path, base, text));
        store->commit();
        return seq;
    }

    Seq remove(std::string_view path, Seq base)
    {
        const Seq seq = accepted(propose(proposal(path, base, Entry())));
        store->commit();
        return seq;
    }
};

StoreOptions collecting()
{
    StoreOptions options;
    options.history = 0;
    options.settle = 0;
    options.collectEvery = 0;
    options.segmentBytes = 10000;
    return options;
}

class CollectFixture: public UpkeepFixture
{
public:
    CollectFixture(): UpkeepFixture(collecting()) {}
};

} // namespace

TEST_CASE_METHOD(UpkeepFixture,
                 "Retention: a revision is kept for the time of history after it was replaced",
                 "[store][upkeep]")
{
    const Seq first = change("a", 0, "one");
    passDays(400);
    const Seq second = change("a", first, "two");
    passDays(29);
    upkeepNow();
    CHECK(content(first) == "one");

    passDays(1);
    upkeepNow();
    open();

    CHECK_FALSE(store->recipe(first));
    CHECK_FALSE(store->tagOf(first));
    CHECK(content(second) == "two");
    CHECK(store->state().floor == 0);
}

TEST_CASE_METHOD(UpkeepFixture,
                 "Retention: old tombstones go, raise the floor, and the path can come again",
                 "[store][upkeep]")
{
    const Seq a = change("a", 0, "one");
    const Seq gone = remove("a", a);
    const Seq b = change("b", 0, "two");
    passDays(89);
    upkeepNow();
    CHECK(store->head(pathOf("a")));
    passDays(1);
    upkeepNow();
    open();

    CHECK_FALSE(store->head(pathOf("a")));
    CHECK(store->state().floor == gone);
    CHECK(store->headsAfter(0, 10, false).size() == 1);
    CHECK(propose(proposal("a", a, Entry())).verdict == Verdict::Same);
    CHECK(propose(contentProposal("a", a, "x")).refusal == Refusal::BaseChanged);
    CHECK(accepted(write("a", 0, "again")) == b + 1);
}

TEST_CASE_METHOD(UpkeepFixture,
                 "Retention: the newest revision stays even when it is an old tombstone",
                 "[store][upkeep]")
{
    const Seq gone = remove("a", change("a", 0, "one"));
    const std::uint64_t tag = store->state().tag;
    passDays(1000);
    upkeepNow();
    open();

    CHECK(store->state().head == gone);
    CHECK(store->tagOf(gone) == tag);
}

TEST_CASE_METHOD(UpkeepFixture,
                 "Retention: times from before the clock was set count from when it is",
                 "[store][upkeep]")
{
    clock.setWall(100);
    const Seq first = change("a", 0, "one");
    change("a", first, "two");
    const Seq gone = remove("b", change("b", 0, "x"));
    change("c", 0, "y");
    clock.setWall(1'700'000'000);
    upkeepNow();
    CHECK(content(first) == "one");
    CHECK(store->head(pathOf("b"))->seq == gone);

    passDays(31);
    upkeepNow();
    CHECK_FALSE(store->recipe(first));
    CHECK(store->head(pathOf("b"))->seq == gone);
}

TEST_CASE_METHOD(CollectFixture,
                 "Collector: room of what nobody reads comes back, the living stay as they were",
                 "[store][upkeep]")
{
    std::map<std::string, std::pair<Seq, std::string>> living;
    for (std::uint32_t i = 0; i < 60; ++i)
    {
        const std::string path = "f" + std::to_string(i % 20);
        const std::string text = noise(1000 + 100 * i, i);
        const Seq base = living.contains(path) ? living[path].first : 0;
        living[path] = {change(path, base, text), text};
    }
    for (std::uint32_t i = 0; i < 12; ++i)
    {
        const std::string path = "f" + std::to_string(i);
        remove(path, living[path].first);
        living.erase(path);
    }
    std::uint64_t needed = 0;
    for (const auto& [path, state] : living)
    {
        needed += state.second.size();
    }
    const std::uint64_t before = segmentBytes();

    upkeepNow();
    clock.setWall(clock.wallSeconds() + 1);
    upkeepNow();

    CHECK(before > 4 * needed);
    CHECK(segmentBytes() < 2 * needed + 20000);
    crash();
    for (const auto& [path, state] : living)
    {
        CAPTURE(path);
        CHECK(store->head(pathOf(path))->seq == state.first);
        CHECK(content(state.first) == state.second);
    }
    CHECK(upkeepNow() == 0);
}

TEST_CASE_METHOD(CollectFixture,
                 "Collector: what is accepted while it works is not lost",
                 "[store][upkeep]")
{
    // Frames that only a refused proposal has read, and that a later one reads in the midst of a
    // cycle.
    const auto steps = GENERATE(range(0, 12));
    CAPTURE(steps);
    const std::string text = noise(15000, 1);
    Proposal stale = contentProposal("a", 5, text);
    CHECK(propose(stale).verdict == Verdict::Refused);
    store->commit();
    const Seq source = change("s", 0, noise(9000, 2));
    Seq filler = change("z", 0, noise(9000, 3));
    filler = change("z", filler, noise(9000, 4));
    store->openUpload("kitchen", tokenOf(1), 10, false);
    store->addUploadFrame("kitchen", tokenOf(1), 0, frameOf(noise(8000, 5)));
    store->commit();
    upkeep(clock.wallSeconds() - 1000);
    clock.setWall(clock.wallSeconds() + 1000);
    for (int i = 0; i < steps; ++i)
    {
        store->maintain(clock.wallSeconds());
    }

    stale.base = 0;
    const ProposalResult late = propose(stale);
    Proposal copy = proposal("c", 0, fileOf("x"));
    copy.source = source;
    copy.delta = {Op{OpKind::Copy, 0, 1000, 5000}};
    copy.entry.size = 5000;
    const Seq copied = accepted(propose(copy));
    accepted(propose(proposal("s", source, Entry())));
    Proposal uploaded = proposal("u", 0, fileOf("x"));
    uploaded.upload = tokenOf(1);
    uploaded.delta = {Op{OpKind::Data, 0, 0, 8000}};
    uploaded.entry.size = 8000;
    const Seq fromUpload = accepted(propose(uploaded));
    store->commit();
    clock.setWall(clock.wallSeconds() + 1000);
    upkeepNow();
    clock.setWall(clock.wallSeconds() + 1000);
    upkeepNow();
    crash();

    // Either its frames were gone and the agent was told, or they stay.
    if (late.verdict == Verdict::Accepted)
    {
        CHECK(content(late.seq) == text);
    }
    else
    {
        CHECK(late.refusal == Refusal::SourceUnknown);
    }
    CHECK(content(copied) == noise(9000, 2).substr(1000, 5000));
    CHECK(content(fromUpload) == noise(8000, 5));
    CHECK(content(filler) == noise(9000, 4));
}

TEST_CASE_METHOD(CollectFixture, "Collector: open uploads keep their frames", "[store][upkeep]")
{
    store->openUpload("kitchen", tokenOf(1), 10, false);
    store->addUploadFrame("kitchen", tokenOf(1), 0, frameOf(noise(kFrameBytes, 1)));
    store->commit();
    upkeep(clock.wallSeconds() + 100);
    const Seq first = change("a", 0, noise(20000, 2));
    change("a", first, "x");
    clock.setWall(clock.wallSeconds() + 1000);
    upkeepNow();
    crash();

    REQUIRE(store->openUpload("kitchen", tokenOf(1), 10, false).frames == 1);
    Proposal uploaded = proposal("u", 0, fileOf("x"));
    uploaded.upload = tokenOf(1);
    uploaded.delta = {Op{OpKind::Data, 0, 0, kFrameBytes}};
    uploaded.entry.size = kFrameBytes;
    const Seq seq = accepted(propose(uploaded));
    store->commit();
    CHECK(content(seq) == noise(kFrameBytes, 1));
}

TEST_CASE_METHOD(CollectFixture,
                 "Collector: a segment with a damaged frame is left alone",
                 "[store][upkeep]")
{
    const Seq kept = change("k", 0, noise(3000, 1));
    const Seq waste = change("w", 0, noise(9000, 2));
    const Seq other = change("o", 0, noise(3000, 3));
    remove("w", waste);
    disk.openWrite(pathOf("photos/segments/000001.seg"))->write(100, asBytes("damage"));
    clock.setWall(clock.wallSeconds() + 1000);
    upkeepNow();

    CHECK_THROWS_AS(content(kept), CorruptError);
    CHECK(content(other) == noise(3000, 3));
    CHECK(disk.stat(pathOf("photos/segments/000001.seg")));
}

TEST_CASE_METHOD(UpkeepFixture,
                 "Collector: segments that were written to just now are left alone",
                 "[store][upkeep]")
{
    options.history = 0;
    open();
    const Seq first = change("a", 0, noise(50000, 1));
    change("a", first, "x");
    const std::uint64_t before = segmentBytes();
    upkeep(clock.wallSeconds() + 10);
    CHECK(segmentBytes() == before);

    upkeep(clock.wallSeconds() + kDay);
    CHECK(segmentBytes() < 1000);
    CHECK(content(first + 1) == "x");
}

TEST_CASE_METHOD(UpkeepFixture,
                 "Compactor: a log of many appends keeps a short recipe and all its revisions",
                 "[store][upkeep]")
{
    std::string text = "start\n";
    Seq seq = change("log", 0, text);
    std::map<Seq, std::string> revisions{{seq, text}};
    std::size_t longest = 0;
    for (std::uint32_t i = 0; i < 400; ++i)
    {
        const std::string line = noise(200, i);
        seq = accepted(append("log", seq, text, line));
        text += line;
        revisions[seq] = text;
        store->commit();
        upkeepNow();
        longest = std::max(longest, store->recipe(seq)->size());
    }
    crash();

    CHECK(longest <= 80);
    for (const auto& [each, expected] : revisions)
    {
        CAPTURE(each);
        REQUIRE(content(each) == expected);
    }
}

TEST_CASE_METHOD(UpkeepFixture,
                 "Compactor: the difference to an earlier revision stays what was added",
                 "[store][upkeep]")
{
    std::string text = "start\n";
    Seq seq = change("log", 0, text);
    const auto newBytes = [&](Seq base) {
        std::uint64_t bytes = 0;
        for (const Op& op : difference(*store->recipe(base), *store->recipe(seq)))
        {
            bytes += op.kind == OpKind::Data ? op.length : 0;
        }
        return bytes;
    };
    for (std::uint32_t i = 0; i < 150; ++i)
    {
        seq = accepted(append("log", seq, text, noise(200, i)));
        text += noise(200, i);
        store->commit();
        upkeepNow();
        CAPTURE(i);
        REQUIRE(newBytes(seq - 1) == 200);
        if (seq > 50)
        {
            REQUIRE(newBytes(seq - 50) == 50 * 200);
        }
    }
}

TEST_CASE_METHOD(CollectFixture,
                 "Compactor: merged pieces free the frames they came from",
                 "[store][upkeep]")
{
    std::string text = "start\n";
    Seq seq = change("log", 0, text);
    for (std::uint32_t i = 0; i < 300; ++i)
    {
        const std::string line = noise(20, i);
        seq = accepted(append("log", seq, text, line));
        text += line;
        store->commit();
    }
    const std::uint64_t before = segmentBytes();
    clock.setWall(clock.wallSeconds() + 1000);
    upkeepNow();
    clock.setWall(clock.wallSeconds() + 1000);
    upkeepNow();
    crash();

    CHECK(segmentBytes() < before);
    CHECK(content(seq) == text);
}
