// The compact form of a list of operations.

#include "shared/delta/OpAddress.h"
#include "shared/delta/Recipe.h"

#include <algorithm>

namespace tidewire {

namespace {

constexpr std::uint8_t kKindMask = 3;
constexpr std::uint8_t kHasPlace = 1 << 2;
constexpr unsigned kLengthShift = 3;
constexpr std::uint8_t kLengthMask = 15;
constexpr unsigned kLengthBits = 4;
constexpr std::uint8_t kHasRest = 1 << 7;

/// Where the next Copy and the next Data are expected.
struct Expectation
{
    std::uint64_t copy = 0;
    std::uint64_t data = 0; ///< address

    [[nodiscard]] bool isMetBy(const Op& op) const
    {
        return op.kind == OpKind::Zero || (op.kind == OpKind::Copy && op.offset == copy) ||
               (op.kind == OpKind::Data && addressOf(op) == data);
    }

    void learn(const Op& op)
    {
        copy = (op.kind == OpKind::Copy ? op.offset : copy) + op.length;
        if (op.kind == OpKind::Data)
        {
            data = addressOf(op) + op.length;
        }
    }
};

void encodeOp(ByteWriter& writer, const Op& op, const Expectation& expected)
{
    const bool hasPlace = !expected.isMetBy(op);
    const std::uint64_t rest = op.length >> kLengthBits;
    auto head = static_cast<std::uint8_t>(op.kind);
    head |= hasPlace ? kHasPlace : 0;
    head |= static_cast<std::uint8_t>((op.length & kLengthMask) << kLengthShift);
    head |= rest != 0 ? kHasRest : 0;
    writer.u8(head);
    if (rest != 0)
    {
        writer.varint(rest);
    }
    if (hasPlace && op.kind == OpKind::Copy)
    {
        writer.zigzag(static_cast<std::int64_t>(op.offset - expected.copy));
    }
    else if (hasPlace)
    {
        writer.zigzag(static_cast<std::int64_t>(op.frame - expected.data / kFrameBytes));
        writer.varint(op.offset);
    }
}

Op decodeOp(ByteReader& reader, const Expectation& expected)
{
    const std::uint8_t head = reader.u8();
    Op op;
    op.kind = static_cast<OpKind>(head & kKindMask);
    op.length = (head >> kLengthShift) & kLengthMask;
    if ((head & kHasRest) != 0)
    {
        const std::uint64_t rest = reader.varint(kMaxContentBytes >> kLengthBits);
        op.length |= rest << kLengthBits;
        if (rest == 0)
        {
            reader.fail();
        }
    }
    const bool hasPlace = (head & kHasPlace) != 0;
    if (op.kind == OpKind::Copy)
    {
        op.offset = expected.copy;
        op.offset += hasPlace ? static_cast<std::uint64_t>(reader.zigzag()) : 0;
    }
    else if (op.kind == OpKind::Data)
    {
        op.frame = expected.data / kFrameBytes;
        op.frame += hasPlace ? static_cast<std::uint64_t>(reader.zigzag()) : 0;
        op.offset = hasPlace ? reader.varint(kFrameBytes - 1) : expected.data % kFrameBytes;
    }
    else if (op.kind != OpKind::Zero || hasPlace)
    {
        reader.fail();
    }
    return op;
}

bool isWithinLimits(const Op& op)
{
    return op.length != 0 && op.length <= kMaxContentBytes && op.offset <= kMaxContentBytes &&
           op.length <= kMaxContentBytes - op.offset && op.frame <= kMaxFrameId;
}

} // namespace

void encodeOps(ByteWriter& writer, const Delta& ops)
{
    Delta merged;
    merged.reserve(ops.size());
    for (const Op& op : ops)
    {
        appendOp(merged, op);
    }
    writer.varint(merged.size());
    Expectation expected;
    for (const Op& op : merged)
    {
        encodeOp(writer, op, expected);
        expected.learn(op);
    }
}

Delta decodeOps(ByteReader& reader)
{
    const std::uint64_t count = reader.varint(kMaxPieces);
    // Every operation takes a byte at least: no more memory than the input accounts for.
    if (count > reader.remaining())
    {
        reader.fail();
        return {};
    }
    Delta ops;
    ops.reserve(static_cast<std::size_t>(count));
    Expectation expected;
    std::uint64_t total = 0;
    for (std::uint64_t i = 0; i < count; ++i)
    {
        const Op op = decodeOp(reader, expected);
        if (!reader.ok() || !isWithinLimits(op) || op.length > kMaxContentBytes - total)
        {
            reader.fail();
            return {};
        }
        total += op.length;
        expected.learn(op);
        appendOp(ops, op);
    }
    return ops;
}

} // namespace tidewire
