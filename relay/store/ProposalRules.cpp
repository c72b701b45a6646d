#include "relay/store/ProposalRules.h"

#include "shared/delta/Recipe.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tidewire {

namespace {

constexpr std::uint32_t kMaxMode = 07777;
constexpr std::uint32_t kNanoseconds = 1'000'000'000;

bool hasValidTarget(const Entry& entry)
{
    return !entry.target.empty() && entry.target.size() <= kMaxTargetBytes &&
           entry.target.find('\0') == std::string::npos;
}

/// The entry less the fields that its kind has.
Entry withoutOwnFields(Entry entry)
{
    const EntryKind kind = std::exchange(entry.kind, EntryKind::Tombstone);
    if (kind == EntryKind::File || kind == EntryKind::Directory)
    {
        entry.mode = 0;
    }
    if (kind == EntryKind::File || kind == EntryKind::Symlink)
    {
        entry.mtime = FileTime();
    }
    if (kind == EntryKind::File)
    {
        entry.size = 0;
        entry.hash = Hash();
    }
    if (kind == EntryKind::Symlink)
    {
        entry.target.clear();
    }
    return entry;
}

bool isWellFormedContent(const Proposal& proposal)
{
    const Delta& delta = proposal.delta;
    const bool isSound = delta.size() <= kMaxPieces && std::ranges::all_of(delta, [](const Op& op) {
                             return op.length != 0 && op.kind <= OpKind::Zero;
                         });
    return isSound && totalLength(delta) == proposal.entry.size &&
           (proposal.source != 0 || !hasCopies(delta));
}

} // namespace

bool isWellFormed(const Proposal& proposal)
{
    const Entry& entry = proposal.entry;
    if (entry.kind > EntryKind::Symlink || withoutOwnFields(entry) != Entry() ||
        entry.mode > kMaxMode || entry.mtime.nanoseconds >= kNanoseconds ||
        (entry.kind == EntryKind::Symlink && !hasValidTarget(entry)))
    {
        return false;
    }
    return entry.kind == EntryKind::File ? isWellFormedContent(proposal)
                                         : proposal.delta.empty() && !proposal.upload;
}

bool hasCopies(const Delta& delta)
{
    return std::ranges::any_of(delta, [](const Op& op) { return op.kind == OpKind::Copy; });
}

bool copiesLieWithin(const Delta& delta, std::uint64_t size)
{
    return std::ranges::all_of(delta, [&](const Op& op) {
        return op.kind != OpKind::Copy || (op.offset <= size && op.length <= size - op.offset);
    });
}

DataCheck::DataCheck(std::function<std::uint32_t(FrameId)> rawLength):
    _rawLength(std::move(rawLength))
{
}

Refusal DataCheck::judge(const Delta& delta)
{
    for (const Op& op : delta)
    {
        const Refusal flaw = op.kind == OpKind::Data ? judge(op) : Refusal::None;
        if (flaw != Refusal::None)
        {
            return flaw;
        }
    }
    return Refusal::None;
}

Refusal DataCheck::judge(const Op& data)
{
    if (data.offset > kMaxContentBytes || data.length > kMaxContentBytes)
    {
        return Refusal::Malformed;
    }
    const std::uint64_t lastByte = data.offset + data.length - 1;
    const FrameId first = data.frame + data.offset / kFrameBytes;
    const FrameId last = data.frame + lastByte / kFrameBytes;
    if (first < data.frame || last < first)
    {
        return Refusal::Malformed;
    }
    // The last frame first: when it is missing, a huge run costs one look.
    const std::uint32_t lastRaw = _rawLength(last);
    if (lastRaw == 0)
    {
        return Refusal::SourceUnknown;
    }
    return lastByte % kFrameBytes < lastRaw ? judgeRun(first, last) : Refusal::Malformed;
}

/// All frames from `first` to before `end` have to be full.
Refusal DataCheck::judgeRun(FrameId first, FrameId end)
{
    if (first == end)
    {
        return Refusal::None;
    }
    auto after = _full.upper_bound(first);
    FrameId id = first;
    if (after != _full.begin() && std::prev(after)->second >= first)
    {
        id = std::prev(after)->second;
        first = std::prev(after)->first;
    }
    while (id < end)
    {
        if (after != _full.end() && after->first == id)
        {
            id = after->second;
            after = _full.erase(after);
        }
        else if (const std::uint32_t raw = _rawLength(id); raw != kFrameBytes)
        {
            return raw == 0 ? Refusal::SourceUnknown : Refusal::Malformed;
        }
        else
        {
            ++id;
        }
    }
    _full.insert_or_assign(first, id);
    return Refusal::None;
}

} // namespace tidewire
