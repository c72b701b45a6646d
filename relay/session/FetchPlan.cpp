// Makes and walks the operations of a fetch.

#include "relay/session/FetchPlan.h"

#include "shared/base/Errors.h"
#include "shared/delta/Recipe.h"

#include <algorithm>

namespace tidewire {

namespace {

constexpr std::size_t kLookAheadOps = 256;
constexpr std::size_t kSmallOps = 8;

} // namespace

std::optional<FetchPlan>
FetchPlan::make(const Store& store, Seq seq, Seq base, std::uint64_t offset)
{
    auto target = store.recipe(seq);
    if (!target)
    {
        return std::nullopt;
    }
    const std::uint64_t size = totalLength(*target).value_or(0);
    if (offset > size)
    {
        throw ProtocolError("FETCH from behind the end of a content");
    }
    const auto source = base == 0 ? std::nullopt : store.recipe(base);
    Delta ops = source ? difference(*source, *target) : *std::move(target);
    if (offset > 0)
    {
        ops = offset == size ? Delta{} : slice(ops, offset, size - offset);
    }
    return FetchPlan(std::move(ops));
}

Op FetchPlan::piece() const
{
    Op op = _ops[_next];
    if (op.kind != OpKind::Data)
    {
        return op;
    }
    const std::uint64_t position = op.offset + _done;
    const std::uint64_t left = op.length - _done;
    op.frame += position / kFrameBytes;
    op.offset = position % kFrameBytes;
    op.length = std::min<std::uint64_t>(left, kFrameBytes - op.offset);
    return op;
}

void FetchPlan::advance()
{
    _done += piece().length;
    if (_done == _ops[_next].length)
    {
        ++_next;
        _done = 0;
    }
}

std::uint64_t FetchPlan::wanted(FrameId frame) const
{
    std::uint64_t sum = 0;
    const std::size_t end = std::min(_ops.size(), _next + kLookAheadOps);
    for (std::size_t i = _next; i < end; ++i)
    {
        const Op& op = _ops[i];
        const std::uint64_t first = op.frame + op.offset / kFrameBytes;
        if (op.kind != OpKind::Data || frame < first)
        {
            continue;
        }
        // The range of the operation and that of the frame, both counted from the start of `first`.
        const std::uint64_t begin = op.offset % kFrameBytes + (i == _next ? _done : 0);
        const std::uint64_t last = op.offset % kFrameBytes + op.length;
        if (frame - first > last / kFrameBytes)
        {
            continue;
        }
        const std::uint64_t frameBegin = (frame - first) * kFrameBytes;
        const std::uint64_t from = std::max(begin, frameBegin);
        const std::uint64_t to = std::min<std::uint64_t>(last, frameBegin + kFrameBytes);
        sum += to > from ? to - from : 0;
    }
    return sum;
}

bool FetchPlan::isSmall(std::uint64_t bytes) const
{
    std::uint64_t sum = 0;
    if (_ops.size() - _next > kSmallOps)
    {
        return false;
    }
    for (std::size_t i = _next; i < _ops.size(); ++i)
    {
        sum += _ops[i].length;
        if (sum > bytes)
        {
            return false;
        }
    }
    return true;
}

} // namespace tidewire
