// Feeds that fell behind: which contents they send along when they catch up.

#include "relay/session/LiveBatch.h"
#include "tests/relay/session/RelayFixture.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <map>

using namespace tidewire;

namespace {

/// Lets the feed of connection 2 fall behind: connection 1 makes files until its queue is full.
void fallBehind(RelayFixture& relay)
{
    for (std::uint32_t i = 0; i <= kLiveBytes / 100000 + 1; ++i)
    {
        relay.addFile(1, numbered("filler-", i), noise(100000, i));
        relay.takeAll(1);
    }
    REQUIRE_FALSE(relay.core.status().at(1).shares.at(0).live);
    relay.takeAll(2);
}

/// What connection 2 is sent until it is live; frames are pushed as an agent would.
struct Received
{
    std::map<std::string, RevisionsMessage::Item> items;
    std::size_t frames = 0;
    bool areNamedFramesThere = true;
};

Received catchUp(RelayFixture& relay)
{
    Received received;
    std::deque<FrameId> window;
    const auto takeIn = [&](const RevisionsMessage& news) {
        for (const RevisionsMessage::Item& item : news.items)
        {
            for (const Op& op : item.delta)
            {
                received.areNamedFramesThere =
                    received.areNamedFramesThere &&
                    std::find(window.begin(), window.end(), op.frame) != window.end();
            }
            received.items[item.revision.path.text()] = item;
        }
    };
    do
    {
        relay.settle();
        for (const TestOutlet::Sent& sent : relay.takeAll(2))
        {
            if (const auto* frame = std::get_if<FrameMessage>(&sent.message))
            {
                ++received.frames;
                window.push_back(frame->id);
                if (window.size() > kFrameWindow)
                {
                    window.pop_front();
                }
            }
            else if (const auto* news = std::get_if<RevisionsMessage>(&sent.message))
            {
                takeIn(*news);
            }
        }
    } while (!relay.core.status().at(1).shares.at(0).live);
    return received;
}

} // namespace

TEST_CASE_METHOD(RelayFixture,
                 "Feed: what a feed that fell behind sends of new files brings their contents",
                 "[relay][session]")
{
    join(1, "kitchen");
    join(2, "slow");
    fallBehind(*this);
    std::vector<Proposal> shared;
    const FrameId frame = sendFrame(1, noise(10000, 7));
    for (std::uint64_t i = 0; i < 300; ++i)
    {
        shared.push_back(fileProposal(numbered("shared-", i), fileEntry(10, 7), frame, i * 10));
    }
    propose(1, shared);
    for (std::uint32_t i = 0; i < 20; ++i)
    {
        addFile(1, numbered("single-", i), noise(50000, 100 + i));
        takeAll(1);
    }

    const Received received = catchUp(*this);

    CHECK(received.areNamedFramesThere);
    for (std::uint32_t i = 0; i < 300; ++i)
    {
        const auto& item = received.items.at(numbered("shared-", i));
        REQUIRE(item.hasDelta);
        CHECK(item.source == 0);
        CHECK(item.delta.at(0).offset == i * 10U);
    }
    for (std::uint32_t i = 0; i < 20; ++i)
    {
        CHECK(received.items.at(numbered("single-", i)).hasDelta);
    }
    // The shared one goes out once, or again for each step.
    CHECK(received.frames < 20 + 3 + 10);
}

TEST_CASE_METHOD(
    RelayFixture,
    "Feed: what a feed that fell behind sends of contents that may be there is metadata",
    "[relay][session]")
{
    join(1, "kitchen");
    join(2, "slow");
    const Seq seq = addFile(1, "before", noise(1000, 1));
    takeAll(1);
    fallBehind(*this);

    // A renamed file, one whose content changed in part, one of the agent's own, and one that is not small.
    Proposal renamed = proposalOf("renamed", fileEntry(1000, 1));
    renamed.source = seq;
    renamed.delta = {{OpKind::Copy, 0, 0, 1000}};
    propose(1, {proposalOf("before", Entry{}, seq), renamed});
    const FrameId more = sendFrame(1, noise(10, 2));
    Proposal changed = proposalOf("changed", fileEntry(1010, 3));
    changed.source = seq;
    changed.delta = {{OpKind::Copy, 0, 0, 1000}, {OpKind::Data, more, 0, 10}};
    propose(1, {changed});
    propose(2, {fileProposal("own", fileEntry(100, 4), sendFrame(2, noise(100, 4)))});
    const FrameId first = sendFrame(1, noise(kFrameBytes, 5));
    sendFrame(1, noise(kFrameBytes, 6));
    sendFrame(1, noise(kFrameBytes, 7));
    propose(1, {fileProposal("large", fileEntry(3 * kFrameBytes, 5), first)});
    addFile(1, "new", noise(100, 8));

    const Received received = catchUp(*this);

    for (const char* name : {"renamed", "changed", "own", "large"})
    {
        CAPTURE(name);
        CHECK_FALSE(received.items.at(name).hasDelta);
    }
    CHECK(received.items.at("new").hasDelta);
}
