// ShareSync: what the relay's answers ask of the share.

#include "agent/sync/DiskState.h"
#include "agent/sync/ShareSync.h"

namespace tidewire {

namespace {

constexpr unsigned kMaxStubborn = 3;

} // namespace

void ShareSync::released(const RelativePath& path)
{
    if (!_stubborn.empty() && !_share.index.get(_share.record.id, path))
    {
        // The folder is gone at last.
        _stubborn.erase(path);
    }
    _downlink.reconsider(path);
}

std::optional<Revision> ShareSync::awaited(const RelativePath& path)
{
    return _downlink.awaited(path);
}

std::optional<Seq> ShareSync::takeApplied(const RelativePath& path, const Entry& entry)
{
    return _downlink.takeApplied(path, entry);
}

bool ShareSync::takeOwn(const Revision& revision)
{
    return _uplink.takeLost(revision);
}

void ShareSync::refused(const RelativePath& path, const std::optional<Revision>& head)
{
    if (head)
    {
        const bool sendOnly = _share.options.mode == ShareMode::Send;
        if (!sendOnly)
        {
            _downlink.onJudged(path, *head);
            return;
        }
        // What this agent has is what counts: propose again on what stands there.
        IndexEntry entry;
        entry.path = path;
        entry.seq = head->seq;
        entry.entry = head->entry;
        if (head->entry.kind == EntryKind::Tombstone)
        {
            _share.index.remove(_share.record.id, path);
        }
        else
        {
            _share.index.put(_share.record.id, entry);
        }
    }
    else
    {
        _share.index.remove(_share.record.id, path);
    }
    lookAgain(path, HintScope::Entry, SteadyTime(0));
}

void ShareSync::superseded(const Revision& head)
{
    if (_share.options.mode == ShareMode::Send)
    {
        refused(head.path, head);
        return;
    }
    _downlink.onNews(head);
}

void ShareSync::cannotVanish(const RelativePath& path)
{
    const auto row = _share.index.get(_share.record.id, path);
    if (!row || !isSurelyAbsent(_share.files, path))
    {
        _stubborn.erase(path);
        lookAgain(path, HintScope::Entry, SteadyTime(0));
        return;
    }
    // Our own last changes below it may just be on their way.
    if (!_downlink.awaitsBelow(path) && ++_stubborn[path] < kMaxStubborn)
    {
        lookAgain(path, HintScope::Entry, std::chrono::seconds(1));
        return;
    }
    _stubborn.erase(path);
    folderStays(*row);
}

void ShareSync::cannotReplace(const RelativePath& path)
{
    const auto row = _share.index.get(_share.record.id, path);
    if (row && row->entry.kind == EntryKind::Directory)
    {
        folderStays(*row);
    }
    else
    {
        lookAgain(path, HintScope::Entry, SteadyTime(0));
    }
}

/// The relay's folder, which this agent had given up, is news again.
void ShareSync::folderStays(const IndexEntry& folder)
{
    Revision revision;
    revision.seq = folder.seq;
    revision.path = folder.path;
    revision.entry = folder.entry;
    _share.index.remove(_share.record.id, folder.path);
    _downlink.onJudged(folder.path, revision);
}

} // namespace tidewire
