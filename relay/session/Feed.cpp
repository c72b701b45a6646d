// Reads the journal in steps and puts folders before their entries.

#include "relay/session/Feed.h"

#include "shared/base/Errors.h"

#include <utility>
#include <vector>

namespace tidewire {

namespace {

constexpr std::size_t kStepItems = 512;
constexpr std::size_t kStepBytes = 256 * 1024;
constexpr std::size_t kItemBytes = 128; // of an item besides its path and target, at most

} // namespace

Feed::Feed(const Store& store, ShareNumber share, Seq cursor, Seq resetHead):
    _store(store),
    _share(share),
    _cursor(cursor),
    _resetHead(resetHead),
    _startFloor(store.state().floor)
{
}

void Feed::catchUp(Line& line)
{
    const StoreState state = _store.state();
    if (state.floor > _startFloor && _cursor < state.floor)
    {
        throw Error("deletions were dropped before this agent had taken them in");
    }
    const bool liveOnly = _cursor < _resetHead;
    const Seq goal = liveOnly ? _resetHead : state.head;
    const std::vector<Revision> heads = _store.headsAfter(_cursor, kStepItems, liveOnly);
    Step step;
    bool reached = heads.size() < kStepItems;
    for (const Revision& revision : heads)
    {
        if (revision.seq > goal)
        {
            reached = true;
            break;
        }
        if (step.bytes >= kStepBytes)
        {
            reached = false;
            break;
        }
        if (!step.sent.contains(revision.path))
        {
            addParents(line, step, revision);
            add(line, step, revision);
        }
        _cursor = revision.seq;
    }
    if (reached || _cursor == goal)
    {
        _cursor = goal;
        _live = goal == state.head;
    }
    send(line, step, _live);
}

const Revision* Feed::folderHead(Step& step, const RelativePath& path) const
{
    const auto known = step.folders.find(path);
    if (known != step.folders.end())
    {
        return &known->second;
    }
    auto head = _store.head(path);
    return head ? &step.folders.emplace(path, *std::move(head)).first->second : nullptr;
}

void Feed::addParents(Line& line, Step& step, const Revision& revision)
{
    if (revision.entry.kind == EntryKind::Tombstone)
    {
        return;
    }
    // A folder with a lower seq was sent in its turn, with its own parents.
    std::vector<const Revision*> parents;
    for (RelativePath path = revision.path.parent(); !path.isRoot(); path = path.parent())
    {
        if (step.sent.contains(path))
        {
            break;
        }
        const Revision* head = folderHead(step, path);
        if (head == nullptr || head->seq < revision.seq)
        {
            break;
        }
        parents.push_back(head);
    }
    while (!parents.empty())
    {
        add(line, step, *parents.back());
        parents.pop_back();
    }
}

void Feed::add(Line& line, Step& step, const Revision& revision)
{
    if (step.message.items.size() == kMaxBatch)
    {
        send(line, step, false);
    }
    step.sent.insert(revision.path);
    step.bytes += kItemBytes + revision.path.text().size() + revision.entry.target.size();
    step.message.items.emplace_back().revision = revision;
}

void Feed::send(Line& line, Step& step, bool live)
{
    step.message.share = _share;
    step.message.cursor = _cursor;
    step.message.tag = live ? _store.state().tag : _store.tagOf(_cursor).value_or(0);
    step.message.live = live;
    line.send(step.message, Lane::Urgent);
    step.message.items.clear();
}

} // namespace tidewire
