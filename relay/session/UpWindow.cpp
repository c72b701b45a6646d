// Translates an agent's frame numbers into the store's.

#include "relay/session/UpWindow.h"

#include "shared/delta/Recipe.h"

#include <algorithm>
#include <utility>

namespace tidewire {

void UpWindow::push(FrameId id,
                    FrameId storeId,
                    std::uint32_t rawLength,
                    std::shared_ptr<const BatchFate> fate)
{
    if (id != _next)
    {
        throw ProtocolError("FRAME " + std::to_string(id) + " where " + std::to_string(_next) +
                            " is due");
    }
    ++_next;
    if (_items.size() == kFrameWindow)
    {
        _items.pop_front();
    }
    _items.push_back({storeId, rawLength, std::move(fate)});
}

const UpWindow::Item* UpWindow::find(FrameId id) const
{
    const FrameId first = _next - _items.size();
    return id < first || id >= _next ? nullptr : &_items[static_cast<std::size_t>(id - first)];
}

Refusal UpWindow::translate(const Op& op, Delta& result) const
{
    std::uint64_t position = op.offset;
    std::uint64_t left = op.length;
    while (left > 0)
    {
        const std::uint64_t offset = position % kFrameBytes;
        const std::uint64_t length = std::min<std::uint64_t>(left, kFrameBytes - offset);
        const Item* item = find(op.frame + position / kFrameBytes);
        if (item == nullptr || offset + length > item->rawLength)
        {
            return Refusal::Malformed;
        }
        if (item->fate->lost)
        {
            return Refusal::StorageFull;
        }
        appendOp(result, {OpKind::Data, item->storeId, offset, length});
        position += length;
        left -= length;
    }
    return Refusal::None;
}

Refusal UpWindow::translate(Proposal& proposal) const
{
    Delta result;
    for (const Op& op : proposal.delta)
    {
        if (op.kind != OpKind::Data)
        {
            appendOp(result, op);
        }
        else if (const Refusal refusal = translate(op, result); refusal != Refusal::None)
        {
            return refusal;
        }
    }
    proposal.delta = std::move(result);
    return Refusal::None;
}

} // namespace tidewire
