// ProposalBatcher: order kept, frames shared, limits of messages.

#include "agent/sync/ProposalBatcher.h"

#include "shared/wire/FrameCodec.h"
#include "tests/agent/sync/SyncFixture.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>

using namespace tidewire;

namespace {

class BatcherFixture: public SyncFixture
{
protected:
    BatcherFixture() { share.number = 2; }

    static Proposal proposalFor(std::uint32_t id, std::string_view literal)
    {
        Proposal proposal;
        proposal.id = id;
        proposal.path = pathOf("f" + std::to_string(id));
        proposal.entry = fileEntry(literal);
        if (!literal.empty())
        {
            proposal.delta = {{OpKind::Data, 0, 0, literal.size()}};
        }
        return proposal;
    }

    void add(std::uint32_t id, const std::string& literal)
    {
        batcher.add(proposalFor(id, literal), asBytes(literal));
        contents[id] = literal;
    }

    /// Follows the messages as the relay does; checks that each proposal yields its content.
    std::vector<std::uint32_t> receivedIds()
    {
        std::vector<std::uint32_t> ids;
        for (const auto& [message, lane] : relay.take())
        {
            CHECK(lane == Lane::Urgent);
            static_cast<void>(encodeMessage(message));
            if (const auto* frame = std::get_if<FrameMessage>(&message))
            {
                CHECK(frame->id == nextFrame++);
                CHECK(frame->share == 2);
                frames[frame->id] = std::string(asText(unpackFrame(frame->frame)));
            }
            else if (const auto* propose = std::get_if<ProposeMessage>(&message))
            {
                CHECK(propose->share == 2);
                CHECK(propose->proposals.size() <= kMaxBatch);
                for (const Proposal& proposal : propose->proposals)
                {
                    ids.push_back(proposal.id);
                    CHECK(contentOf(proposal) == contents[proposal.id]);
                }
            }
        }
        return ids;
    }

    std::string contentOf(const Proposal& proposal)
    {
        std::string made;
        for (const Op& op : proposal.delta)
        {
            if (op.kind == OpKind::Data)
            {
                REQUIRE(op.frame + kFrameWindow >= nextFrame);
                made += frames.at(op.frame).substr(static_cast<std::size_t>(op.offset),
                                                   static_cast<std::size_t>(op.length));
            }
        }
        return made;
    }

    static std::vector<std::uint32_t> upTo(std::uint32_t count)
    {
        std::vector<std::uint32_t> result;
        for (std::uint32_t i = 0; i < count; ++i)
        {
            result.push_back(i);
        }
        return result;
    }

    ProposalBatcher batcher{share};
    std::map<std::uint32_t, std::string> contents;
    std::map<FrameId, std::string> frames;
    FrameId nextFrame = 0;
};

} // namespace

TEST_CASE_METHOD(BatcherFixture,
                 "ProposalBatcher: nothing goes out before it is flushed",
                 "[batcher]")
{
    add(0, "text");
    CHECK(relay.sent.empty());

    batcher.flush();
    CHECK(receivedIds() == upTo(1));
    batcher.flush();
    CHECK(relay.sent.empty());
}

TEST_CASE_METHOD(BatcherFixture, "ProposalBatcher: small literals share a frame", "[batcher]")
{
    for (std::uint32_t i = 0; i < 100; ++i)
    {
        add(i, "content of file number " + std::to_string(i));
    }

    batcher.flush();

    CHECK(relay.all<FrameMessage>().size() == 1);
    CHECK(relay.all<ProposeMessage>().size() == 1);
    CHECK(receivedIds() == upTo(100));
}

TEST_CASE_METHOD(BatcherFixture, "ProposalBatcher: without literal no frame is sent", "[batcher]")
{
    add(0, "");
    add(1, "");

    batcher.flush();

    CHECK(relay.all<FrameMessage>().empty());
    CHECK(receivedIds() == upTo(2));
}

TEST_CASE_METHOD(BatcherFixture,
                 "ProposalBatcher: order is kept whichever frame is packed first",
                 "[batcher]")
{
    // Large frames go to workers, small ones are packed on the spot.
    for (std::uint32_t i = 0; i < 7; ++i)
    {
        add(i, variedText(i % 3 == 2 ? 100 : 100000, i));
        batcher.flush();
    }
    CHECK(receivedIds().empty());
    while (!runner.jobs.empty())
    {
        // The last one comes back first.
        std::swap(runner.jobs.front(), runner.jobs.back());
        runner.runOne();
    }

    CHECK(receivedIds() == upTo(7));
}

TEST_CASE_METHOD(BatcherFixture,
                 "ProposalBatcher: a literal that does not fit begins a new frame",
                 "[batcher]")
{
    add(0, variedText(kFrameBytes - 10, 1));
    add(1, variedText(10, 2));
    add(2, variedText(1, 3));
    add(3, variedText(kFrameBytes, 4));
    batcher.flush();
    runner.runAll();

    const auto sent = relay.all<FrameMessage>();
    REQUIRE(sent.size() == 3);
    CHECK(sent[0].frame.rawLength == kFrameBytes);
    CHECK(sent[1].frame.rawLength == 1);
    CHECK(sent[2].frame.rawLength == kFrameBytes);
    CHECK(receivedIds() == upTo(4));
}

TEST_CASE_METHOD(BatcherFixture,
                 "ProposalBatcher: what does not compress has a frame of its own, in one message",
                 "[batcher]")
{
    std::mt19937 random(1);
    for (std::uint32_t i = 0; i < 40; ++i)
    {
        std::string literal = variedText(2000, i);
        if (i % 2 == 1)
        {
            std::ranges::generate(literal, [&] { return static_cast<char>(random()); });
        }
        add(i, literal);
    }
    batcher.flush();
    runner.runAll();

    const auto sent = relay.all<FrameMessage>();
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].frame.encoding == FrameEncoding::Zlib);
    CHECK(sent[1].frame.encoding == FrameEncoding::Raw);
    CHECK(relay.all<ProposeMessage>().size() == 1);
    CHECK(receivedIds() == upTo(40));
}

TEST_CASE_METHOD(BatcherFixture, "ProposalBatcher: copies and holes stay as they are", "[batcher]")
{
    Proposal proposal = proposalFor(0, "abcdef");
    proposal.delta = {{OpKind::Copy, 0, 500, 5},
                      {OpKind::Data, 0, 0, 2},
                      {OpKind::Zero, 0, 0, 9},
                      {OpKind::Data, 0, 2, 4}};
    add(9, "before");
    batcher.add(proposal, asBytes("abcdef"));

    batcher.flush();

    const Delta sent = relay.all<ProposeMessage>().at(0).proposals.at(1).delta;
    CHECK(sent == Delta{{OpKind::Copy, 0, 500, 5},
                        {OpKind::Data, 0, 6, 2},
                        {OpKind::Zero, 0, 0, 9},
                        {OpKind::Data, 0, 8, 4}});
}

TEST_CASE_METHOD(BatcherFixture,
                 "ProposalBatcher: no message holds too many proposals",
                 "[batcher]")
{
    const auto count = static_cast<std::uint32_t>(2 * ProposalBatcher::kMaxProposals + 1);
    for (std::uint32_t i = 0; i < count; ++i)
    {
        add(i, "");
    }
    batcher.flush();

    CHECK(relay.all<ProposeMessage>().size() == 3);
    CHECK(receivedIds() == upTo(count));
}

TEST_CASE_METHOD(BatcherFixture,
                 "ProposalBatcher: the largest deltas still fit into messages",
                 "[batcher]")
{
    Proposal scattered = proposalFor(0, "");
    for (std::uint64_t i = 0; i < kMaxPieces; ++i)
    {
        scattered.delta.push_back({OpKind::Copy, 0, (kMaxContentBytes / 2) + i * 4096, 4095});
    }
    for (std::uint32_t i = 0; i < 3; ++i)
    {
        scattered.id = i;
        batcher.add(scattered, {});
    }
    batcher.flush();

    CHECK(relay.all<ProposeMessage>().size() == 3);
    CHECK(receivedIds() == upTo(3));
}

TEST_CASE_METHOD(BatcherFixture,
                 "ProposalBatcher: the longest paths and link targets still fit into messages",
                 "[batcher]")
{
    const std::uint32_t count = 600;
    for (std::uint32_t i = 0; i < count; ++i)
    {
        Proposal proposal;
        proposal.id = i;
        // No two of them have more than a letter or two in common.
        std::string path = variedText(kMaxPathBytes, i + 1000);
        for (std::size_t slash = 250; slash < path.size(); slash += 250)
        {
            path[slash] = '/';
        }
        proposal.path = pathOf(path);
        proposal.entry.kind = EntryKind::Symlink;
        proposal.entry.target = variedText(kMaxTargetBytes, i);
        batcher.add(proposal, {});
    }
    batcher.flush();

    CHECK(receivedIds() == upTo(count));
}

TEST_CASE_METHOD(BatcherFixture,
                 "ProposalBatcher: there is room for so many frames and no more",
                 "[batcher]")
{
    for (std::uint32_t i = 0; i < ProposalBatcher::kMaxBatches; ++i)
    {
        CHECK(batcher.hasRoom());
        add(i, variedText(kFrameBytes, i));
    }
    CHECK_FALSE(batcher.hasRoom());

    batcher.flush();
    runner.runAll();

    CHECK(batcher.hasRoom());
    CHECK(receivedIds() == upTo(ProposalBatcher::kMaxBatches));
}

TEST_CASE_METHOD(BatcherFixture,
                 "ProposalBatcher: what a lost connection left is not sent on the next",
                 "[batcher]")
{
    add(0, variedText(100000, 1));
    batcher.flush();
    add(1, "gathered");
    batcher.reset();
    runner.runAll();
    CHECK(relay.sent.empty());

    add(2, "after");
    batcher.flush();

    const auto sent = relay.all<FrameMessage>();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].id == 0);
    CHECK(receivedIds() == std::vector<std::uint32_t>{2});
}

TEST_CASE_METHOD(BatcherFixture, "ProposalBatcher: what was sent is counted once", "[batcher]")
{
    add(0, "some text");
    add(1, "");
    batcher.flush();

    const auto sent = batcher.takeSent();
    CHECK(sent.proposals == 2);
    CHECK(sent.bytes == relay.all<FrameMessage>().at(0).frame.stored.size());
    CHECK(batcher.takeSent().proposals == 0);
}
