// Catching up and live revisions.

#include "relay/session/Line.h"
#include "relay/session/LiveBatch.h"
#include "tests/relay/session/RelayFixture.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tidewire;

namespace {

/// All items of the REVISIONS that are queued.
std::vector<Revision> revisionsOf(const std::vector<TestOutlet::Sent>& sent)
{
    std::vector<Revision> all;
    for (const TestOutlet::Sent& one : sent)
    {
        if (const auto* news = std::get_if<RevisionsMessage>(&one.message))
        {
            for (const RevisionsMessage::Item& item : news->items)
            {
                all.push_back(item.revision);
            }
        }
    }
    return all;
}

} // namespace

TEST_CASE_METHOD(RelayFixture, "Feed: an empty journal is live at once", "[relay][session]")
{
    greet(1, "kitchen", {});

    settle();

    const auto news = take<RevisionsMessage>(1);
    CHECK(news.items.empty());
    CHECK(news.live);
    CHECK(news.cursor == 0);
    CHECK(isQuiet(1));
}

TEST_CASE_METHOD(RelayFixture, "Feed: no feed is sent to who wants none", "[relay][session]")
{
    put("a", folderEntry());
    HelloMessage::Share share;
    share.wantsFeed = false;
    greet(1, "kitchen", share);

    settle();

    CHECK(isQuiet(1));
}

TEST_CASE_METHOD(RelayFixture,
                 "Feed: of many revisions of a path the newest is sent",
                 "[relay][session]")
{
    Seq seq = put("a", folderEntry(0700));
    for (std::uint32_t mode = 0701; mode < 0710; ++mode)
    {
        seq = put("a", folderEntry(mode), seq);
    }
    put("b", folderEntry());
    greet(1, "kitchen", {});

    settle();

    const auto news = take<RevisionsMessage>(1);
    REQUIRE(news.items.size() == 2);
    CHECK(news.items[0].revision.seq == 8);
    CHECK(news.items[0].revision.entry.mode == 0707);
    CHECK(news.items[1].revision.seq == 9);
}

TEST_CASE_METHOD(RelayFixture,
                 "Feed: parents come before their entries, topmost first",
                 "[relay][session]")
{
    const Seq a = put("a", folderEntry());
    const Seq ab = put("a/b", folderEntry());
    put("a/b/c", folderEntry());
    put("a/b/d", folderEntry());
    put("a/b", folderEntry(0700), ab);
    put("a", folderEntry(0700), a);
    greet(1, "kitchen", {});

    settle();

    std::vector<std::string> order;
    const auto news = take<RevisionsMessage>(1);
    for (const RevisionsMessage::Item& item : news.items)
    {
        order.push_back(item.revision.path.text());
    }
    CHECK(order == std::vector<std::string>{"a", "a/b", "a/b/c", "a/b/d"});
    CHECK(news.cursor == 6);
    CHECK(news.live);
}

TEST_CASE_METHOD(RelayFixture,
                 "Feed: a folder deeper than a message is long still comes first",
                 "[relay][session]")
{
    std::string deep = "f";
    std::vector<std::pair<std::string, Seq>> folders{{deep, put(deep, folderEntry())}};
    while (folders.size() < 1500)
    {
        deep += "/f";
        folders.emplace_back(deep, put(deep, folderEntry()));
    }
    put(deep + "/leaf", folderEntry());
    for (const auto& [folder, seq] : folders)
    {
        put(folder, folderEntry(0700), seq);
    }
    greet(1, "kitchen", {});

    settle();

    std::set<std::string> known{""};
    for (const Revision& revision : revisionsOf(takeAll(1)))
    {
        CHECK(known.contains(revision.path.parent().text()));
        known.insert(revision.path.text());
    }
    CHECK(known.size() == 1502);
}

TEST_CASE_METHOD(RelayFixture,
                 "Feed: long histories come in bounded batches with rising cursors",
                 "[relay][session]")
{
    for (int i = 0; i < 1300; ++i)
    {
        (void)store().propose("filler", proposalOf(std::to_string(i), folderEntry()));
    }
    store().commit();
    greet(1, "kitchen", {});

    CHECK(core.flush());
    CHECK(core.flush());
    CHECK_FALSE(core.flush());

    Seq cursor = 0;
    for (const std::size_t size : {512U, 512U, 276U})
    {
        const auto news = take<RevisionsMessage>(1);
        CHECK(news.items.size() == size);
        cursor += size;
        CHECK(news.cursor == cursor);
        CHECK(news.tag == 1000 + cursor);
        CHECK(news.live == (cursor == 1300));
    }
}

TEST_CASE_METHOD(RelayFixture,
                 "Feed: a reset leaves old tombstones out and sends new ones",
                 "[relay][session]")
{
    put("old", folderEntry());
    put("old", Entry{}, 1);
    for (int i = 0; i < 600; ++i)
    {
        (void)store().propose("filler", proposalOf(std::to_string(i), folderEntry()));
    }
    store().commit();
    HelloMessage::Share share;
    share.incarnation = {9};
    greet(1, "kitchen", share);
    core.flush();
    // "0" has been sent; its deletion comes while the feed is still behind.
    put("0", Entry{}, 3);

    settle();

    const auto all = revisionsOf(takeAll(1));
    CHECK(all.size() == 601);
    CHECK(all.front().path == path("0"));
    CHECK(all.back().path == path("0"));
    CHECK(all.back().entry.kind == EntryKind::Tombstone);
}

TEST_CASE_METHOD(RelayFixture,
                 "Feed: a live change goes out with frame and delta, but not to its author",
                 "[relay][session]")
{
    join(1, "kitchen");
    join(2, "office");
    const Bytes raw = noise(1000, 1);

    const Seq seq = addFile(1, "a", raw);

    const auto own = take<RevisionsMessage>(1);
    CHECK(own.items.empty());
    CHECK(own.cursor == seq);
    CHECK(own.live);
    const auto frame = take<FrameMessage>(2);
    CHECK(frame.use == FrameUse::Live);
    CHECK(unpackFrame(frame.frame) == raw);
    const auto news = take<RevisionsMessage>(2);
    REQUIRE(news.items.size() == 1);
    CHECK(news.items[0].hasDelta);
    CHECK(news.items[0].delta == Delta{{OpKind::Data, frame.id, 0, 1000}});
    CHECK(news.items[0].revision.agent == "kitchen");
    CHECK(news.cursor == seq);
    CHECK(news.tag == store().state().tag);
    CHECK(isQuiet(1));
    CHECK(isQuiet(2));
}

TEST_CASE_METHOD(RelayFixture,
                 "Feed: a frame that still stands in the window is not sent again",
                 "[relay][session]")
{
    join(1, "kitchen");
    join(2, "office");
    const FrameId frame = sendFrame(1, noise(1000, 1));

    propose(1, {fileProposal("a", fileEntry(400, 1), frame)});
    core.flush();
    propose(1, {fileProposal("b", fileEntry(600, 2), frame, 400)});
    core.flush();

    take<FrameMessage>(2);
    CHECK(take<RevisionsMessage>(2).items.at(0).hasDelta);
    CHECK(take<RevisionsMessage>(2).items.at(0).hasDelta);
    CHECK(isQuiet(2));
}

TEST_CASE_METHOD(RelayFixture,
                 "Feed: changes of two authors in one commit cross",
                 "[relay][session]")
{
    join(1, "kitchen");
    join(2, "office");
    join(3, "garage");

    propose(1, {proposalOf("a", folderEntry())});
    propose(2, {proposalOf("b", folderEntry())});
    const std::size_t commits = store().commits();
    core.flush();

    CHECK(store().commits() == commits + 1);
    // An author hears of its own change by RESULT, before the cursor passes it.
    CHECK(take<ResultMessage>(1).results.at(0).seq == 1);
    CHECK(take<ResultMessage>(2).results.at(0).seq == 2);
    const auto one = take<RevisionsMessage>(1);
    const auto two = take<RevisionsMessage>(2);
    REQUIRE(one.items.size() == 1);
    REQUIRE(two.items.size() == 1);
    CHECK(one.items[0].revision.path == path("b"));
    CHECK(two.items[0].revision.path == path("a"));
    CHECK(one.cursor == 2);
    CHECK(two.cursor == 2);
    CHECK(take<RevisionsMessage>(3).items.size() == 2);
}

TEST_CASE_METHOD(RelayFixture, "Feed: connections share the encoded bytes", "[relay][session]")
{
    join(1, "kitchen");
    join(2, "office");
    join(3, "garage");
    addFile(1, "a", noise(100, 1));

    const auto two = takeAll(2);
    const auto three = takeAll(3);

    REQUIRE(two.size() == 2);
    REQUIRE(three.size() == 2);
    CHECK(two[0].bytes == three[0].bytes);
    CHECK(two[1].bytes == three[1].bytes);
}

TEST_CASE_METHOD(RelayFixture,
                 "Feed: a message never needs more frames than the window holds",
                 "[relay][session]")
{
    join(1, "kitchen");
    join(2, "office");
    for (int round = 0; round < 3; ++round)
    {
        for (int i = 0; i < 6; ++i)
        {
            const Bytes raw = noise(100, static_cast<std::uint32_t>(round * 6 + i));
            Proposal proposal = proposalOf(std::to_string(round * 6 + i),
                                           fileEntry(100, static_cast<std::uint8_t>(i + 1)));
            proposal.delta = {{OpKind::Data, sendFrame(1, raw), 0, 100}};
            propose(1, {proposal});
        }
        if (round == 1)
        {
            core.flush();
        }
    }
    core.flush();

    std::deque<FrameId> window;
    std::size_t files = 0;
    for (const TestOutlet::Sent& sent : takeAll(2))
    {
        if (const auto* frame = std::get_if<FrameMessage>(&sent.message))
        {
            window.push_back(frame->id);
            if (window.size() > kFrameWindow)
            {
                window.pop_front();
            }
            continue;
        }
        const auto& news = std::get<RevisionsMessage>(sent.message);
        for (const RevisionsMessage::Item& item : news.items)
        {
            ++files;
            REQUIRE(item.hasDelta);
            CHECK(std::find(window.begin(), window.end(), item.delta.at(0).frame) != window.end());
        }
    }
    CHECK(files == 18);
}

TEST_CASE_METHOD(RelayFixture,
                 "Feed: changes with much content go as metadata only",
                 "[relay][session]")
{
    join(1, "kitchen");
    join(2, "office");
    constexpr std::size_t kInline = kInlineBytes / kFrameBytes;
    for (std::uint32_t i = 0; i <= kInline; ++i)
    {
        Proposal proposal = proposalOf(std::to_string(i), fileEntry(kFrameBytes, 1));
        proposal.delta = {{OpKind::Data, sendFrame(1, noise(kFrameBytes, i)), 0, kFrameBytes}};
        propose(1, {proposal});
    }
    core.flush();

    std::size_t items = 0;
    for (const TestOutlet::Sent& one : takeAll(2))
    {
        const auto* news = std::get_if<RevisionsMessage>(&one.message);
        for (std::size_t i = 0; news != nullptr && i < news->items.size(); ++i)
        {
            CHECK(news->items[i].hasDelta == (items < kInline));
            ++items;
        }
    }
    CHECK(items == kInline + 1);
}

TEST_CASE_METHOD(RelayFixture,
                 "Feed: a slow connection falls back and catches up later",
                 "[relay][session]")
{
    join(1, "kitchen");
    join(2, "slow");
    // Nobody takes what is queued for "slow".
    constexpr std::uint32_t kFiles = kLiveBytes / 100000 + 10;
    for (std::uint32_t i = 0; i < kFiles; ++i)
    {
        addFile(1, std::to_string(i), noise(100000, i));
        takeAll(1);
    }
    const auto queued = takeAll(2);
    std::size_t bytes = 0;
    for (const TestOutlet::Sent& sent : queued)
    {
        bytes += sent.bytes->size();
    }
    CHECK(bytes < kLiveBytes + 300 * 1024);
    CHECK_FALSE(core.status().at(1).shares.at(0).live);

    auto seen = revisionsOf(queued);
    while (!core.status().at(1).shares.at(0).live)
    {
        settle();
        const auto later = takeAll(2);
        REQUIRE_FALSE(later.empty());
        for (const Revision& revision : revisionsOf(later))
        {
            seen.push_back(revision);
        }
    }
    REQUIRE(seen.size() == kFiles);
    for (std::size_t i = 0; i < kFiles; ++i)
    {
        CHECK(seen[i].seq == i + 1);
    }
}

TEST_CASE_METHOD(RelayFixture,
                 "Feed: a feed that tombstones were taken from ends its connection",
                 "[relay][session]")
{
    for (int i = 0; i < 600; ++i)
    {
        (void)store().propose("filler", proposalOf(std::to_string(i), folderEntry()));
    }
    store().commit();
    put("599", Entry{}, 600);
    put("x", folderEntry());
    greet(1, "kitchen", {});
    core.flush();
    takeAll(1);

    store().dropTombstones(601);
    core.flush();

    CHECK(take<ErrorMessage>(1).code == ErrorCode::Internal);
    CHECK(outlet.closed.contains(1));
}
