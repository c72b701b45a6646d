// Encoders of the message bodies; docs/protocol.md describes the bytes.

#include "shared/delta/Recipe.h"
#include "shared/wire/BodyCodec.h"
#include "shared/wire/EntryCodec.h"

namespace tidewire {

namespace {

std::uint8_t flagIf(bool condition, std::uint8_t flag)
{
    return condition ? flag : std::uint8_t{0};
}

void encodeFrame(ByteWriter& writer, const Frame& frame)
{
    writer.u8(static_cast<std::uint8_t>(frame.encoding));
    writer.varint(frame.rawLength);
    writer.u64(frame.checksum);
    writer.blob(frame.stored);
}

// Ids mostly rise by one: the difference to that wraps around in 32 bits and is 0.
void encodeId(ByteWriter& writer, std::uint32_t id, std::uint32_t& next)
{
    writer.varint(static_cast<std::uint32_t>(id - next));
    next = id + 1;
}

void encodeProposal(ByteWriter& writer,
                    const Proposal& proposal,
                    std::uint32_t& nextId,
                    Seq& seen,
                    EntryContext& context)
{
    encodeId(writer, proposal.id, nextId);
    writer.u8(static_cast<std::uint8_t>(entryFlags(proposal.entry, context) |
                                        flagIf(proposal.source != 0, kHasSource) |
                                        flagIf(!proposal.delta.empty(), kHasDelta) |
                                        flagIf(proposal.upload.has_value(), kHasUpload)));
    encodePath(writer, proposal.path, context);
    writer.varint(proposal.base);
    writer.zigzag(static_cast<std::int64_t>(proposal.seen - seen));
    seen = proposal.seen;
    encodeEntry(writer, proposal.entry, context);
    if (proposal.source != 0)
    {
        writer.varint(proposal.source);
    }
    if (proposal.upload)
    {
        writer.raw(*proposal.upload);
    }
    if (!proposal.delta.empty())
    {
        encodeOps(writer, proposal.delta);
    }
}

} // namespace

void encodeBody(ByteWriter& writer, const HelloMessage& message)
{
    writer.u16(message.version);
    writer.string(message.agent);
    writer.varint(message.shares.size());
    for (const HelloMessage::Share& share : message.shares)
    {
        writer.string(share.name);
        writer.raw(share.incarnation);
        writer.varint(share.cursor);
        writer.u64(share.tag);
        writer.u8(flagIf(share.wantsFeed, kHelloWantsFeed));
    }
}

void encodeBody(ByteWriter& writer, const WelcomeMessage& message)
{
    writer.u16(message.version);
    writer.varint(message.shares.size());
    for (const WelcomeMessage::Share& share : message.shares)
    {
        writer.u8(static_cast<std::uint8_t>(share.status));
        writer.u8(static_cast<std::uint8_t>(flagIf(share.readOnly, kWelcomeReadOnly) |
                                            flagIf(share.sameStore, kWelcomeSameStore)));
        writer.raw(share.incarnation);
        writer.varint(share.head);
    }
}

void encodeBody(ByteWriter& writer, const ErrorMessage& message)
{
    writer.u8(static_cast<std::uint8_t>(message.code));
    writer.string(std::string_view(message.text).substr(0, kMaxErrorText));
}

void encodeBody(ByteWriter& writer, const PingMessage& message)
{
    writer.u64(message.token);
}

void encodeBody(ByteWriter& writer, const PongMessage& message)
{
    writer.u64(message.token);
}

void encodeBody(ByteWriter& writer, const FrameMessage& message)
{
    encodeFrameBody(writer, message.share, message.use, message.id, message.frame);
}

void encodeFrameBody(
    ByteWriter& writer, ShareNumber share, FrameUse use, FrameId id, const Frame& frame)
{
    writer.u8(share);
    writer.u8(static_cast<std::uint8_t>(use));
    writer.varint(id);
    encodeFrame(writer, frame);
}

void encodeBody(ByteWriter& writer, const ProposeMessage& message)
{
    writer.u8(message.share);
    writer.varint(message.proposals.size());
    EntryContext context;
    std::uint32_t nextId = 0;
    Seq seen = 0;
    for (const Proposal& proposal : message.proposals)
    {
        encodeProposal(writer, proposal, nextId, seen, context);
    }
}

void encodeBody(ByteWriter& writer, const ResultMessage& message)
{
    writer.u8(message.share);
    writer.varint(message.results.size());
    EntryContext context;
    std::uint32_t nextId = 0;
    Seq before = 0;
    for (const ProposalResult& result : message.results)
    {
        encodeId(writer, result.id, nextId);
        const auto refusal =
            static_cast<std::uint8_t>(static_cast<unsigned>(result.refusal) << kRefusalShift);
        writer.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(result.verdict) | refusal |
                                            flagIf(result.seq != 0, kResultHasSeq) |
                                            flagIf(result.head.has_value(), kResultHasHead)));
        if (result.seq != 0)
        {
            writer.zigzag(static_cast<std::int64_t>(result.seq - before));
            before = result.seq;
        }
        if (result.head)
        {
            encodeRevision(writer, *result.head, 0, context);
        }
    }
}

void encodeBody(ByteWriter& writer, const RevisionsMessage& message)
{
    writer.u8(message.share);
    writer.u8(flagIf(message.live, kRevisionsLive));
    writer.varint(message.cursor);
    writer.u64(message.tag);
    writer.varint(message.items.size());
    EntryContext context;
    for (const RevisionsMessage::Item& item : message.items)
    {
        const auto extra = static_cast<std::uint8_t>(flagIf(item.source != 0, kHasSource) |
                                                     flagIf(item.hasDelta, kHasDelta));
        encodeRevision(writer, item.revision, extra, context);
        if (item.source != 0)
        {
            writer.varint(item.source);
        }
        if (item.hasDelta)
        {
            encodeOps(writer, item.delta);
        }
    }
}

void encodeBody(ByteWriter& writer, const CursorMessage& message)
{
    writer.u8(message.share);
    writer.varint(message.cursor);
}

void encodeBody(ByteWriter& writer, const FetchMessage& message)
{
    writer.u8(message.share);
    writer.varint(message.items.size());
    std::uint32_t nextId = 0;
    for (const FetchMessage::Item& item : message.items)
    {
        encodeId(writer, item.id, nextId);
        writer.varint(item.seq);
        writer.varint(item.base);
        writer.varint(item.offset);
    }
}

void encodeBody(ByteWriter& writer, const ContentMessage& message)
{
    writer.varint(message.id);
    writer.u8(static_cast<std::uint8_t>(message.status));
    // Frames are numbered one higher here, so that 0 can stand for the literal bytes.
    Delta ops = message.ops;
    for (Op& op : ops)
    {
        if (op.kind == OpKind::Data)
        {
            op.frame = op.frame == kLiteralFrame ? 0 : op.frame + 1;
        }
    }
    encodeOps(writer, ops);
    writer.blob(message.literal);
}

void encodeBody(ByteWriter& writer, const CreditMessage& message)
{
    writer.varint(message.bytes);
}

void encodeBody(ByteWriter& writer, const UploadOpenMessage& message)
{
    writer.u8(message.share);
    writer.raw(message.token);
    writer.varint(message.capacity);
    writer.u8(flagIf(message.restart, kUploadRestart));
}

void encodeBody(ByteWriter& writer, const UploadStateMessage& message)
{
    writer.u8(message.share);
    writer.raw(message.token);
    writer.varint(message.frames);
    writer.u64(message.digest);
    writer.u8(flagIf(message.failed, kUploadFailed));
}

void encodeBody(ByteWriter& writer, const UploadFrameMessage& message)
{
    writer.u8(message.share);
    writer.raw(message.token);
    writer.varint(message.index);
    encodeFrame(writer, message.frame);
}

void encodeBody(ByteWriter& writer, const CancelMessage& message)
{
    writer.varint(message.id);
}

} // namespace tidewire
