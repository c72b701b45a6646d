// Decoders of the message bodies: they take bytes from an enemy.

#include "shared/delta/Recipe.h"
#include "shared/wire/BodyCodec.h"
#include "shared/wire/EntryCodec.h"

#include <algorithm>
#include <limits>

namespace tidewire {

namespace {

constexpr std::uint64_t kMaxU32 = std::numeric_limits<std::uint32_t>::max();

template <std::size_t Size>
void decodeArray(ByteReader& reader, std::array<std::uint8_t, Size>& array)
{
    const ByteView bytes = reader.raw(Size);
    std::copy(bytes.begin(), bytes.end(), array.begin());
}

/// An enumerator with the values 0..last.
template <typename Enum>
Enum decodeEnum(ByteReader& reader, Enum last)
{
    const std::uint8_t value = reader.u8();
    if (value > static_cast<std::uint8_t>(last))
    {
        reader.fail();
        return Enum{};
    }
    return static_cast<Enum>(value);
}

std::uint8_t decodeFlags(ByteReader& reader, std::uint8_t known)
{
    const std::uint8_t flags = reader.u8();
    if ((flags & ~known) != 0)
    {
        reader.fail();
    }
    return flags;
}

std::uint32_t decodeId(ByteReader& reader, std::uint32_t& next)
{
    const std::uint32_t id = next + static_cast<std::uint32_t>(reader.varint(kMaxU32));
    next = id + 1;
    return id;
}

/// Operations, at most kMaxPieces in a message: a few bytes of a compressed body can be many of them.
Delta decodeSomeOps(ByteReader& reader, std::size_t& opsLeft)
{
    Delta ops = decodeOps(reader);
    if (ops.size() > opsLeft)
    {
        reader.fail();
        return {};
    }
    opsLeft -= ops.size();
    return ops;
}

/// Decodes `count` items one by one: memory grows with the bytes that are there.
template <typename Item, typename Decode>
void decodeList(ByteReader& reader, std::vector<Item>& items, std::size_t limit, Decode decode)
{
    const std::uint64_t count = reader.varint(limit);
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i)
    {
        decode(items.emplace_back());
    }
}

void decodeFrame(ByteReader& reader, Frame& frame)
{
    frame.encoding = decodeEnum(reader, FrameEncoding::Zlib);
    frame.rawLength = static_cast<std::uint32_t>(reader.varint(kFrameBytes));
    frame.checksum = reader.u64();
    const ByteView stored = reader.blob(frame.rawLength);
    const bool wholeRaw = frame.encoding != FrameEncoding::Raw || stored.size() == frame.rawLength;
    if (!reader.ok() || stored.empty() || !wholeRaw)
    {
        reader.fail();
        return;
    }
    frame.stored.assign(stored.begin(), stored.end());
}

void decodeProposal(
    ByteReader& reader, Proposal& proposal, Seq& seen, std::size_t& opsLeft, EntryContext& context)
{
    const std::uint8_t flags =
        decodeFlags(reader, kKindMask | kSameMode | kHasSource | kHasDelta | kHasUpload);
    proposal.path = decodePath(reader, context);
    proposal.base = reader.varint();
    seen += static_cast<std::uint64_t>(reader.zigzag());
    proposal.seen = seen;
    proposal.entry = decodeEntry(reader, flags, context);
    if ((flags & kHasSource) != 0)
    {
        proposal.source = reader.varint();
    }
    if ((flags & kHasUpload) != 0)
    {
        decodeArray(reader, proposal.upload.emplace());
    }
    if ((flags & kHasDelta) != 0)
    {
        proposal.delta = decodeSomeOps(reader, opsLeft);
    }
}

void decodeResult(ByteReader& reader, ProposalResult& result, Seq& before, EntryContext& context)
{
    const std::uint8_t flags = reader.u8();
    const auto refusal = static_cast<std::uint8_t>(flags >> kRefusalShift);
    if (refusal > static_cast<std::uint8_t>(Refusal::StorageFull))
    {
        reader.fail();
        return;
    }
    result.verdict = static_cast<Verdict>(flags & kVerdictMask);
    result.refusal = static_cast<Refusal>(refusal);
    if ((flags & kResultHasSeq) != 0)
    {
        before += static_cast<std::uint64_t>(reader.zigzag());
        result.seq = before;
    }
    if ((flags & kResultHasHead) != 0)
    {
        std::uint8_t ignored = 0;
        result.head = decodeRevision(reader, 0, ignored, context);
    }
}

} // namespace

void decodeBody(ByteReader& reader, HelloMessage& message)
{
    message.version = reader.u16();
    message.agent = reader.string(kMaxAgentNameBytes);
    decodeList(reader, message.shares, kMaxShares, [&reader](HelloMessage::Share& share) {
        share.name = reader.string(kMaxShareNameBytes);
        decodeArray(reader, share.incarnation);
        share.cursor = reader.varint();
        share.tag = reader.u64();
        share.wantsFeed = (decodeFlags(reader, kHelloWantsFeed) & kHelloWantsFeed) != 0;
    });
}

void decodeBody(ByteReader& reader, WelcomeMessage& message)
{
    message.version = reader.u16();
    decodeList(reader, message.shares, kMaxShares, [&reader](WelcomeMessage::Share& share) {
        share.status = decodeEnum(reader, ShareStatus::Unknown);
        const std::uint8_t flags = decodeFlags(reader, kWelcomeReadOnly | kWelcomeSameStore);
        share.readOnly = (flags & kWelcomeReadOnly) != 0;
        share.sameStore = (flags & kWelcomeSameStore) != 0;
        decodeArray(reader, share.incarnation);
        share.head = reader.varint();
    });
}

void decodeBody(ByteReader& reader, ErrorMessage& message)
{
    // A later version may have more codes: its text is worth more than a complaint about the code.
    const std::uint8_t code = reader.u8();
    const bool known = code >= static_cast<std::uint8_t>(ErrorCode::ProtocolViolation) &&
                       code <= static_cast<std::uint8_t>(ErrorCode::AccessChanged);
    message.code = known ? static_cast<ErrorCode>(code) : ErrorCode::Internal;
    message.text = reader.string(kMaxErrorText);
}

void decodeBody(ByteReader& reader, PingMessage& message)
{
    message.token = reader.u64();
}

void decodeBody(ByteReader& reader, PongMessage& message)
{
    message.token = reader.u64();
}

void decodeBody(ByteReader& reader, FrameMessage& message)
{
    message.share = reader.u8();
    message.use = decodeEnum(reader, FrameUse::Fetch);
    message.id = reader.varint();
    decodeFrame(reader, message.frame);
}

void decodeBody(ByteReader& reader, ProposeMessage& message)
{
    message.share = reader.u8();
    EntryContext context;
    std::uint32_t nextId = 0;
    Seq seen = 0;
    std::size_t opsLeft = kMaxPieces;
    decodeList(reader, message.proposals, kMaxBatch, [&](Proposal& proposal) {
        proposal.id = decodeId(reader, nextId);
        decodeProposal(reader, proposal, seen, opsLeft, context);
    });
}

void decodeBody(ByteReader& reader, ResultMessage& message)
{
    message.share = reader.u8();
    EntryContext context;
    std::uint32_t nextId = 0;
    Seq before = 0;
    decodeList(reader, message.results, kMaxBatch, [&](ProposalResult& result) {
        result.id = decodeId(reader, nextId);
        decodeResult(reader, result, before, context);
    });
}

void decodeBody(ByteReader& reader, RevisionsMessage& message)
{
    message.share = reader.u8();
    message.live = (decodeFlags(reader, kRevisionsLive) & kRevisionsLive) != 0;
    message.cursor = reader.varint();
    message.tag = reader.u64();
    EntryContext context;
    std::size_t opsLeft = kMaxPieces;
    decodeList(reader, message.items, kMaxBatch, [&](RevisionsMessage::Item& item) {
        std::uint8_t flags = 0;
        item.revision = decodeRevision(reader, kHasSource | kHasDelta, flags, context);
        if ((flags & kHasSource) != 0)
        {
            item.source = reader.varint();
        }
        item.hasDelta = (flags & kHasDelta) != 0;
        if (item.hasDelta)
        {
            item.delta = decodeSomeOps(reader, opsLeft);
        }
    });
}

void decodeBody(ByteReader& reader, CursorMessage& message)
{
    message.share = reader.u8();
    message.cursor = reader.varint();
}

void decodeBody(ByteReader& reader, FetchMessage& message)
{
    message.share = reader.u8();
    std::uint32_t nextId = 0;
    decodeList(reader, message.items, kMaxBatch, [&](FetchMessage::Item& item) {
        item.id = decodeId(reader, nextId);
        item.seq = reader.varint();
        item.base = reader.varint();
        item.offset = reader.varint(kMaxContentBytes);
    });
}

void decodeBody(ByteReader& reader, ContentMessage& message)
{
    message.id = static_cast<std::uint32_t>(reader.varint(kMaxU32));
    message.status = decodeEnum(reader, ContentStatus::Gone);
    message.ops = decodeOps(reader);
    const ByteView literal = reader.blob(kMaxLiteralBytes);
    message.literal.assign(literal.begin(), literal.end());
    for (Op& op : message.ops)
    {
        if (op.kind != OpKind::Data)
        {
            continue;
        }
        const bool isLiteral = op.frame == 0;
        op.frame = isLiteral ? kLiteralFrame : op.frame - 1;
        if (isLiteral && (op.offset > literal.size() || op.length > literal.size() - op.offset))
        {
            reader.fail();
        }
    }
}

void decodeBody(ByteReader& reader, CreditMessage& message)
{
    message.bytes = static_cast<std::uint32_t>(reader.varint(kMaxU32));
}

void decodeBody(ByteReader& reader, UploadOpenMessage& message)
{
    message.share = reader.u8();
    decodeArray(reader, message.token);
    message.capacity = static_cast<std::uint32_t>(reader.varint(kMaxUploadFrames));
    if (message.capacity == 0)
    {
        reader.fail();
    }
    message.restart = (decodeFlags(reader, kUploadRestart) & kUploadRestart) != 0;
}

void decodeBody(ByteReader& reader, UploadStateMessage& message)
{
    message.share = reader.u8();
    decodeArray(reader, message.token);
    message.frames = static_cast<std::uint32_t>(reader.varint(kMaxUploadFrames));
    message.digest = reader.u64();
    message.failed = (decodeFlags(reader, kUploadFailed) & kUploadFailed) != 0;
}

void decodeBody(ByteReader& reader, UploadFrameMessage& message)
{
    message.share = reader.u8();
    decodeArray(reader, message.token);
    message.index = static_cast<std::uint32_t>(reader.varint(kMaxUploadFrames - 1));
    decodeFrame(reader, message.frame);
}

void decodeBody(ByteReader& reader, CancelMessage& message)
{
    message.id = static_cast<std::uint32_t>(reader.varint(kMaxU32));
}

} // namespace tidewire
