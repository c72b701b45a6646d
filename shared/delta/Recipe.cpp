// Appending, slicing and resolving lists of operations.

#include "shared/delta/Recipe.h"

#include "shared/delta/OpAddress.h"
#include "shared/delta/PieceIndex.h"

#include <algorithm>

namespace tidewire {

namespace {

bool continues(const Op& last, const Op& op)
{
    if (last.kind != op.kind ||
        op.length > kMaxContentBytes - std::min(last.length, kMaxContentBytes))
    {
        return false;
    }
    switch (op.kind)
    {
    case OpKind::Copy:
        return last.offset + last.length == op.offset;
    case OpKind::Data:
        return addressOf(last) + last.length == addressOf(op);
    case OpKind::Zero:
        return true;
    }
    return false;
}

} // namespace

void appendOp(Delta& delta, Op op)
{
    if (op.length == 0)
    {
        return;
    }
    if (op.kind == OpKind::Data && op.offset >= kFrameBytes)
    {
        op = dataAt(addressOf(op), op.length);
    }
    if (!delta.empty() && continues(delta.back(), op))
    {
        delta.back().length += op.length;
        return;
    }
    delta.push_back(op);
}

std::optional<std::uint64_t> totalLength(const Delta& delta)
{
    std::uint64_t total = 0;
    for (const Op& op : delta)
    {
        if (op.length > kMaxContentBytes - total)
        {
            return std::nullopt;
        }
        total += op.length;
    }
    return total;
}

Delta slice(const Delta& ops, std::uint64_t offset, std::uint64_t length)
{
    Delta result;
    for (const Op& op : ops)
    {
        if (length == 0)
        {
            break;
        }
        if (offset >= op.length)
        {
            offset -= op.length;
            continue;
        }
        Op piece = withoutFirst(op, offset);
        piece.length = std::min(piece.length, length);
        offset = 0;
        length -= piece.length;
        appendOp(result, piece);
    }
    return result;
}

std::optional<Recipe> resolve(const Delta& delta, const Recipe& source)
{
    const PieceIndex index(source);
    Recipe result;
    for (const Op& op : delta)
    {
        if (op.kind != OpKind::Copy)
        {
            appendOp(result, op);
        }
        else if (op.offset > index.size() || op.length > index.size() - op.offset)
        {
            return std::nullopt;
        }
        else
        {
            for (std::uint64_t done = 0; done < op.length && result.size() <= kMaxPieces;)
            {
                Op piece = index.at(op.offset + done);
                piece.length = std::min(piece.length, op.length - done);
                done += piece.length;
                appendOp(result, piece);
            }
        }
        if (result.size() > kMaxPieces)
        {
            return std::nullopt;
        }
    }
    return result;
}

} // namespace tidewire
