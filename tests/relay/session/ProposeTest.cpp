// Proposals, frames and uploads on their way to the store.

#include "tests/relay/session/RelayFixture.h"

#include <catch2/catch.hpp>

#include <cerrno>

using namespace tidewire;

namespace {

constexpr UploadToken kToken{0x55};

UploadFrameMessage uploadFrame(std::uint32_t index)
{
    return {0, kToken, index, packFrame(noise(kFrameBytes, index))};
}

} // namespace

TEST_CASE_METHOD(RelayFixture,
                 "Propose: results come in the order of the proposals",
                 "[relay][session]")
{
    join(1, "kitchen");
    std::vector<Proposal> proposals{proposalOf("a", folderEntry()),
                                    proposalOf("a/b", folderEntry()),
                                    proposalOf("x/y", folderEntry())};
    proposals[0].id = 5;
    proposals[1].id = 6;
    proposals[2].id = 7;

    propose(1, proposals);
    CHECK(isQuiet(1));
    core.flush();

    const auto results = take<ResultMessage>(1).results;
    REQUIRE(results.size() == 3);
    CHECK(results[0].id == 5);
    CHECK(results[0].verdict == Verdict::Accepted);
    CHECK(results[1].id == 6);
    CHECK(results[1].seq == 2);
    CHECK(results[2].id == 7);
    CHECK(results[2].refusal == Refusal::ParentMissing);
}

TEST_CASE_METHOD(RelayFixture, "Propose: a refused agent gets the head", "[relay][session]")
{
    join(1, "kitchen");
    const Seq seq = addFolder(1, "a");
    takeAll(1);

    propose(1, {proposalOf("a", folderEntry(0700), seq + 5)});
    core.flush();

    const auto result = take<ResultMessage>(1).results.at(0);
    CHECK(result.verdict == Verdict::Same);
    REQUIRE(result.head.has_value());
    CHECK(result.head->seq == seq);
}

TEST_CASE_METHOD(RelayFixture,
                 "Propose: frames outside the window are malformed",
                 "[relay][session]")
{
    join(1, "kitchen");
    for (std::uint32_t i = 0; i < kFrameWindow + 1; ++i)
    {
        sendFrame(1, noise(10, i));
    }
    const auto [frame, offset, taken] =
        GENERATE(table<FrameId, std::uint64_t, bool>({{0, 0, false},
                                                      {1, 0, true},
                                                      {kFrameWindow, 0, true},
                                                      {kFrameWindow + 1, 0, false},
                                                      {1, 6, false}}));
    CAPTURE(frame, offset);
    Proposal proposal = proposalOf("a", fileEntry(5, 1));
    proposal.delta = {{OpKind::Data, frame, offset, 5}};

    propose(1, {proposal});
    core.flush();

    const auto result = take<ResultMessage>(1).results.at(0);
    CHECK((result.verdict == Verdict::Accepted) == taken);
    CHECK((result.refusal == Refusal::Malformed) != taken);
}

TEST_CASE_METHOD(RelayFixture,
                 "Propose: a run over frames is given the store's numbers",
                 "[relay][session]")
{
    join(1, "kitchen");
    join(2, "office");
    const Bytes first = noise(kFrameBytes, 1);
    const Bytes second = noise(1000, 2);
    const FrameId frame = sendFrame(1, first);
    sendFrame(2, noise(10, 3));
    sendFrame(1, second);
    Proposal proposal = proposalOf("a", fileEntry(kFrameBytes, 1));
    proposal.delta = {{OpKind::Data, frame, 500, kFrameBytes}};

    propose(1, {proposal});
    core.flush();

    const Seq seq = take<ResultMessage>(1).results.at(0).seq;
    const Recipe recipe = store().recipe(seq).value();
    REQUIRE(recipe.size() == 2);
    CHECK(recipe[0].length == kFrameBytes - 500);
    CHECK(recipe[1].length == 500);
    CHECK(unpackFrame(store().readFrame(recipe[0].frame)) == first);
    CHECK(unpackFrame(store().readFrame(recipe[1].frame)) == second);
}

TEST_CASE_METHOD(RelayFixture, "Propose: who may not write is told so", "[relay][session]")
{
    policy.rights["photos"] = {true, false};
    CHECK(join(1, "kitchen").shares.at(0).readOnly);
    sendFrame(1, noise(10, 1));
    core.onMessage(1, UploadOpenMessage{0, kToken, 4, false});
    core.onMessage(1, uploadFrame(0));
    Proposal proposal = proposalOf("a", fileEntry(10, 1));
    proposal.delta = {{OpKind::Data, 0, 0, 10}};

    propose(1, {proposal});
    core.flush();

    CHECK(take<ResultMessage>(1).results.at(0).refusal == Refusal::NotAllowed);
    CHECK(take<UploadStateMessage>(1).failed);
    CHECK(store().state().head == 0);
}

TEST_CASE_METHOD(RelayFixture,
                 "Propose: a full disk refuses the whole batch and nothing later",
                 "[relay][session]")
{
    join(1, "kitchen");
    join(2, "office");
    propose(1, {proposalOf("a", folderEntry())});
    const FrameId lost = sendFrame(1, noise(10, 1));
    store().failWrites(ENOSPC);
    propose(2, {proposalOf("b", folderEntry()), proposalOf("c", folderEntry())});
    store().failWrites(0);
    propose(1, {proposalOf("d", folderEntry())});

    core.flush();

    const ConnectionId author = GENERATE(as<ConnectionId>{}, 1, 2);
    const std::size_t count = author == 1 ? 1 : 2;
    const auto results = take<ResultMessage>(author).results;
    CHECK(results.size() == count);
    for (const ProposalResult& result : results)
    {
        CHECK(result.verdict == Verdict::Refused);
        CHECK(result.refusal == Refusal::StorageFull);
    }
    CHECK(store().state().head == 0);
    takeAll(1);
    takeAll(2);

    Proposal proposal = proposalOf("f", fileEntry(10, 1));
    proposal.delta = {{OpKind::Data, lost, 0, 10}};
    propose(1, {proposalOf("a", folderEntry()), proposal});
    core.flush();
    const auto again = take<ResultMessage>(1).results;
    CHECK(again.at(0).verdict == Verdict::Accepted);
    CHECK(again.at(1).refusal == Refusal::StorageFull);
    CHECK(take<RevisionsMessage>(2).items.size() == 1);
}

TEST_CASE_METHOD(RelayFixture,
                 "Propose: a commit that fails acknowledges nothing",
                 "[relay][session]")
{
    join(1, "kitchen");
    join(2, "office");
    propose(1, {proposalOf("a", folderEntry())});
    store().failWrites(EIO);

    core.flush();

    CHECK(take<ResultMessage>(1).results.at(0).refusal == Refusal::StorageFull);
    CHECK(isQuiet(2));
    CHECK(outlet.closed.empty());
}

TEST_CASE_METHOD(RelayFixture,
                 "Propose: a store that breaks down refuses its share's changes and nothing else",
                 "[relay][session]")
{
    join(1, "kitchen");
    join(2, "office");
    propose(1, {proposalOf("a", folderEntry())});
    SECTION("at a proposal")
    {
        store().breakDown(true);
        propose(2, {proposalOf("b", folderEntry())});
        core.flush();
        CHECK(take<ResultMessage>(2).results.at(0).refusal == Refusal::StorageFull);
    }
    SECTION("at the commit")
    {
        store().breakDown(true);
        core.flush();
    }
    CHECK(take<ResultMessage>(1).results.at(0).refusal == Refusal::StorageFull);
    CHECK(outlet.closed.empty());
    // The next batch finds the store still broken, the one after that is fine.
    propose(1, {proposalOf("a", folderEntry())});
    core.flush();
    CHECK(take<ResultMessage>(1).results.at(0).refusal == Refusal::StorageFull);

    store().breakDown(false);
    store().rollback();
    propose(1, {proposalOf("a", folderEntry())});
    core.flush();
    CHECK(take<ResultMessage>(1).results.at(0).verdict == Verdict::Accepted);
    CHECK(take<RevisionsMessage>(2).items.size() == 1);
}

TEST_CASE_METHOD(RelayFixture,
                 "Propose: who lost the answer to a new file gets it, and the deletion behind it",
                 "[relay][session]")
{
    join(1, "kitchen");
    const Seq first = addFile(1, "a", noise(10, 1));
    const Entry made = store().head(path("a"))->entry;
    join(2, "office");
    propose(2, {proposalOf("a", Entry{}, first)});
    core.flush();
    core.onDisconnect(1);
    nextFrame[3] = 0;
    join(3, "kitchen");

    Proposal again = proposalOf("a", made);
    again.delta = {{OpKind::Data, sendFrame(3, noise(10, 1)), 0, 10}};
    propose(3, {again});
    core.flush();

    const auto result = take<ResultMessage>(3).results.at(0);
    CHECK(result.verdict == Verdict::Repeated);
    CHECK(result.seq == first);
    REQUIRE(result.head.has_value());
    CHECK(result.head->seq == first + 1);
    CHECK(result.head->entry.kind == EntryKind::Tombstone);
}

TEST_CASE_METHOD(RelayFixture,
                 "Propose: answers that add up are sent before the round is over, and cut off",
                 "[relay][session]")
{
    join(1, "kitchen");
    std::vector<Proposal> stale;
    for (std::uint32_t i = 0; i < kMaxBatch; ++i)
    {
        const std::string name = numbered("link", i % 16);
        stale.push_back(proposalOf(name, folderEntry(), 99));
        if (i < 16)
        {
            Entry link;
            link.kind = EntryKind::Symlink;
            for (const std::uint8_t byte : noise(kMaxTargetBytes, i))
            {
                link.target += static_cast<char>(byte | 1U);
            }
            put(name, link);
        }
    }
    settle();
    takeAll(1);

    propose(1, stale);

    CHECK(take<ResultMessage>(1).results.size() == kMaxBatch);
    // Nobody takes the others.
    for (int i = 0; i < 100 && outlet.closed.empty(); ++i)
    {
        propose(1, stale);
    }
    REQUIRE(outlet.closed.contains(1));
    std::size_t bytes = 0;
    for (const TestOutlet::Sent& sent : outlet.queues[1])
    {
        bytes += sent.bytes->size();
    }
    CHECK(bytes < (22U << 20U));
    CHECK(std::get<ErrorMessage>(outlet.queues[1].back().message).code == ErrorCode::Overloaded);
}

TEST_CASE_METHOD(RelayFixture,
                 "Propose: frames without a proposal wait for the next commit",
                 "[relay][session]")
{
    join(1, "kitchen");
    const std::size_t commits = store().commits();
    const FrameId frame = sendFrame(1, noise(10, 1));
    core.flush();
    CHECK(store().commits() == commits);

    Proposal proposal = proposalOf("a", fileEntry(10, 1));
    proposal.delta = {{OpKind::Data, frame, 0, 10}};
    propose(1, {proposal});
    core.flush();

    CHECK(take<ResultMessage>(1).results.at(0).verdict == Verdict::Accepted);
    CHECK(store().commits() == commits + 1);
    sendFrame(1, noise(10, 2));
    core.maintain();
    CHECK(store().commits() == commits + 2);
}

TEST_CASE_METHOD(RelayFixture,
                 "Uploads: the state comes after open and then every 4 frames",
                 "[relay][session]")
{
    join(1, "kitchen");
    core.onMessage(1, UploadOpenMessage{0, kToken, 10, false});
    core.flush();
    CHECK(take<UploadStateMessage>(1).frames == 0);

    for (std::uint32_t i = 0; i < 10; ++i)
    {
        core.onMessage(1, uploadFrame(i));
        core.flush();
    }

    CHECK(take<UploadStateMessage>(1).frames == 4);
    CHECK(take<UploadStateMessage>(1).frames == 8);
    CHECK(take<UploadStateMessage>(1).frames == 10);
    CHECK(isQuiet(1));
    Proposal proposal = proposalOf("big", fileEntry(10 * kFrameBytes, 1));
    proposal.upload = kToken;
    proposal.delta = {{OpKind::Data, 0, 0, 10 * kFrameBytes}};
    propose(1, {proposal});
    core.flush();
    CHECK(take<ResultMessage>(1).results.at(0).verdict == Verdict::Accepted);
}

TEST_CASE_METHOD(RelayFixture,
                 "Uploads: what was staged is found again by the next connection",
                 "[relay][session]")
{
    join(1, "kitchen");
    core.onMessage(1, UploadOpenMessage{0, kToken, 10, false});
    for (std::uint32_t i = 0; i < 5; ++i)
    {
        core.onMessage(1, uploadFrame(i));
    }
    core.flush();
    core.onDisconnect(1);
    join(2, "kitchen");

    core.onMessage(2, UploadOpenMessage{0, kToken, 10, false});
    core.flush();

    const auto state = take<UploadStateMessage>(2);
    CHECK(state.frames == 5);
    CHECK(state.digest != 0);
    core.onMessage(2, uploadFrame(5));
    CHECK(outlet.closed.empty());
}

TEST_CASE_METHOD(RelayFixture,
                 "Uploads: frames out of turn or beyond the window end the connection",
                 "[relay][session]")
{
    join(1, "kitchen");
    core.onMessage(1, UploadOpenMessage{0, kToken, 100, false});
    core.flush();
    takeAll(1);
    SECTION("out of turn")
    {
        core.onMessage(1, uploadFrame(1));
    }
    SECTION("beyond the window")
    {
        for (std::uint32_t i = 0; i < kUploadWindow; ++i)
        {
            core.onMessage(1, uploadFrame(i));
            REQUIRE(outlet.closed.empty());
        }
        core.onMessage(1, uploadFrame(kUploadWindow));
    }
    SECTION("beyond the capacity")
    {
        core.onMessage(1, UploadOpenMessage{0, kToken, 1, true});
        core.onMessage(1, uploadFrame(0));
        REQUIRE(outlet.closed.empty());
        core.onMessage(1, uploadFrame(1));
    }

    CHECK(outlet.closed.contains(1));
}

TEST_CASE_METHOD(RelayFixture,
                 "Uploads: a full disk fails the upload until it is opened again",
                 "[relay][session]")
{
    join(1, "kitchen");
    core.onMessage(1, UploadOpenMessage{0, kToken, 10, false});
    core.flush();
    takeAll(1);
    core.onMessage(1, uploadFrame(0));
    store().failWrites(ENOSPC);
    for (std::uint32_t i = 1; i < 4; ++i)
    {
        core.onMessage(1, uploadFrame(i));
    }
    core.flush();

    CHECK(take<UploadStateMessage>(1).failed);
    store().failWrites(0);
    // Still on their way when the news was sent.
    core.onMessage(1, uploadFrame(4));
    Proposal proposal = proposalOf("big", fileEntry(5 * kFrameBytes, 1));
    proposal.upload = kToken;
    proposal.delta = {{OpKind::Data, 0, 0, 5 * kFrameBytes}};
    propose(1, {proposal});
    core.flush();
    CHECK(take<ResultMessage>(1).results.at(0).refusal == Refusal::StorageFull);
    core.onMessage(1, UploadOpenMessage{0, kToken, 10, false});
    core.flush();
    const auto state = take<UploadStateMessage>(1);
    CHECK_FALSE(state.failed);
    CHECK(state.frames == 0);
}

TEST_CASE_METHOD(
    RelayFixture,
    "Uploads: frames that the store has lost since fail the upload, not the connection",
    "[relay][session]")
{
    join(1, "kitchen");
    core.onMessage(1, UploadOpenMessage{0, kToken, 10, false});
    core.onMessage(1, uploadFrame(0));
    core.onMessage(1, uploadFrame(1));
    core.flush();
    takeAll(1);
    store().loseUploads();

    core.onMessage(1, uploadFrame(2));
    core.onMessage(1, uploadFrame(3));
    core.flush();

    CHECK(take<UploadStateMessage>(1).failed);
    CHECK(outlet.closed.empty());
    core.onMessage(1, UploadOpenMessage{0, kToken, 10, false});
    core.onMessage(1, uploadFrame(0));
    core.flush();
    const auto state = take<UploadStateMessage>(1);
    CHECK_FALSE(state.failed);
    CHECK(state.frames == 0);
}

TEST_CASE_METHOD(RelayFixture,
                 "Uploads: the connection remembers the last ones opened",
                 "[relay][session]")
{
    join(1, "kitchen");
    for (std::uint8_t i = 0; i <= kMaxOpenUploads; ++i)
    {
        core.onMessage(1, UploadOpenMessage{0, {i}, 1, false});
    }
    core.flush();

    core.onMessage(1, UploadFrameMessage{0, {1}, 0, packFrame(noise(10, 1))});
    CHECK(outlet.closed.empty());
    core.onMessage(1, UploadFrameMessage{0, {0}, 0, packFrame(noise(10, 1))});
    CHECK(outlet.closed.contains(1));
}
