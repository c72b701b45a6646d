#include "agent/sync/DeletionWalk.h"

#include <utility>

namespace tidewire {

namespace {

constexpr std::size_t kPage = 64;

} // namespace

DeletionWalk::DeletionWalk(ShareContext& share, Propose propose, Cleared cleared, PutOff putOff):
    _share(share),
    _propose(std::move(propose)),
    _cleared(std::move(cleared)),
    _putOff(std::move(putOff))
{
}

void DeletionWalk::begin(const RelativePath& path, Top top)
{
    // Walks are finished one after the other: a new one goes below the one that is under way.
    _levels.insert(_levels.begin(), {path, {}, false, top});
}

void DeletionWalk::run(const std::function<bool()>& hasRoom)
{
    while (!_levels.empty() && hasRoom())
    {
        if (!visitChildren())
        {
            finishLevel();
        }
    }
}

/// Visits a page of entries, or goes down; false when there are no more.
bool DeletionWalk::visitChildren()
{
    Level& top = _levels.back();
    const auto children = _share.index.children(_share.record.id, top.folder, top.after, kPage);
    for (const IndexEntry& child : children)
    {
        top.after = std::string(child.path.name());
        if (child.entry.kind == EntryKind::Directory)
        {
            _levels.push_back({child.path, {}, false, Top::Goes});
            return true;
        }
        top.waits = _propose(child) == DeletionStep::Busy || top.waits;
    }
    return !children.empty();
}

void DeletionWalk::finishLevel()
{
    const Level done = std::move(_levels.back());
    _levels.pop_back();
    bool waits = done.waits;
    if (!waits && done.top == Top::Stays)
    {
        _cleared(done.folder);
        return;
    }
    if (!waits)
    {
        const auto row = _share.index.get(_share.record.id, done.folder);
        waits = row && _propose(*row) == DeletionStep::Busy;
    }
    if (!waits)
    {
        return;
    }
    const bool hasParent = !_levels.empty() && done.folder.parent() == _levels.back().folder;
    if (hasParent)
    {
        _levels.back().waits = true;
    }
    else
    {
        _putOff(done.folder);
    }
}

void DeletionWalk::reset()
{
    for (const Level& level : std::exchange(_levels, {}))
    {
        _putOff(level.folder);
    }
}

} // namespace tidewire
