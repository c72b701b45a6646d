// Downlink: where the content of a revision comes from.

#include "agent/sync/DiskState.h"
#include "agent/sync/Downlink.h"
#include "agent/sync/PrivateFolder.h"

#include <algorithm>
#include <utility>

namespace tidewire {

void Downlink::makeReady(Item& item,
                         const std::optional<FileStat>& stat,
                         const std::optional<IndexEntry>& row)
{
    const RelativePath path = item.revision.path;
    const Entry& entry = item.revision.entry;
    const bool clean = stat && row && hasIdentity(*row, *stat, _share.options.modes.mask());
    ApplyTask task;
    task.seq = item.revision.seq;
    task.path = item.beside ? conflictNamer(_share)(path, 0) : path;
    task.entry = entry;
    task.keepLocal = item.keepLocal;
    if (stat && !item.beside)
    {
        task.expectPresent = true;
        task.expectedKind = stat->kind;
        task.expected = LocalIdentity::of(*stat);
        if (item.keepLocal)
        {
            // Only what the relay has, too, may be let go.
            task.expectPresent = row && row->seq != 0;
            task.expected = row ? row->local : LocalIdentity();
        }
    }
    const bool sameLink = stat && stat->kind == FileKind::Symlink &&
                          entry.kind == EntryKind::Symlink &&
                          _share.files.readSymlink(path) == entry.target;
    const bool sameFile = clean && entry.kind == EntryKind::File && row->entry.sameContent(entry);
    task.metadataOnly = !item.beside && !item.keepLocal && (sameLink || sameFile);
    if (entry.kind == EntryKind::File && !task.metadataOnly && !findContent(item, task, row))
    {
        return;
    }
    item.state = RevisionQueue::State::Ready;
    _tasks.insert_or_assign(path, std::move(task));
}

/// The entry of the index when the disk still holds just that.
std::optional<IndexEntry> Downlink::unchangedEntry(std::optional<IndexEntry> row) const
{
    if (row && row->entry.kind == EntryKind::File && !_paths.isHeld(row->path))
    {
        if (isAsRecorded(_share.files, row->path, row, _share.options.modes.mask()))
        {
            return row;
        }
    }
    return std::nullopt;
}

/// Settles where the content comes from; false when it has to come from elsewhere first.
bool Downlink::findContent(Item& item, ApplyTask& task, const std::optional<IndexEntry>& row)
{
    if (item.downloaded)
    {
        task.source = ContentSource::Temporary;
        task.temporary = PrivateFolder::partial(item.revision.seq);
        task.signature = item.signature;
        return true;
    }
    if (item.revision.entry.size == 0)
    {
        task.source = ContentSource::Inline;
        return true;
    }
    if (!item.noTwin && useTwin(item, task))
    {
        return item.state == RevisionQueue::State::New;
    }
    if (item.content && useInline(item, task, row))
    {
        return item.state == RevisionQueue::State::New;
    }
    fetch(item, row);
    return false;
}

/// A local file with the same content: moved when it is to vanish anyway, else copied.
bool Downlink::useTwin(Item& item, ApplyTask& task)
{
    const Entry& entry = item.revision.entry;
    for (IndexEntry& row : _share.index.withContent(_share.record.id, entry.size, entry.hash, 8))
    {
        if (row.path == item.revision.path)
        {
            continue;
        }
        const auto twin = unchangedEntry(std::move(row));
        if (!twin)
        {
            continue;
        }
        task.sourcePath = twin->path;
        task.sourceIdentity = twin->local;
        const Item* other = _queue.find(twin->path);
        const bool vanishing = other != nullptr && twin->seq != 0 &&
                               other->revision.entry.kind == EntryKind::Tombstone &&
                               other->revision.seq > twin->seq &&
                               other->state != RevisionQueue::State::Applying;
        if (vanishing)
        {
            task.source = ContentSource::MoveOf;
        }
        else if (entry.size > RevisionQueue::kLargeBytes)
        {
            ContentChunk whole;
            whole.ops.push_back({OpKind::Copy, 0, 0, entry.size});
            startDownload(item, twin->path, twin->local, std::move(whole), 0);
        }
        else
        {
            task.source = ContentSource::CopyOf;
        }
        return true;
    }
    return false;
}

bool Downlink::useInline(Item& item, ApplyTask& task, const std::optional<IndexEntry>& row)
{
    const InlineContent& content = *item.content;
    const bool copies = std::any_of(content.ops.begin(), content.ops.end(), [](const Op& op) {
        return op.kind == OpKind::Copy;
    });
    std::optional<IndexEntry> base;
    if (copies)
    {
        base = unchangedEntry(row && row->seq == item.source
                                  ? row
                                  : _share.index.withSeq(_share.record.id, item.source));
        if (!base)
        {
            _queue.setContent(item, std::nullopt);
            return false;
        }
        task.sourcePath = base->path;
        task.sourceIdentity = base->local;
    }
    if (item.revision.entry.size > RevisionQueue::kLargeBytes)
    {
        ContentChunk chunk;
        chunk.ops = content.ops;
        for (Op& op : chunk.ops)
        {
            op.frame = op.kind == OpKind::Data ? kLiteralFrame : 0;
        }
        chunk.literal = content.bytes;
        startDownload(item, task.sourcePath, task.sourceIdentity, std::move(chunk), 0);
        return true;
    }
    task.source = ContentSource::Inline;
    task.ops = content.ops;
    task.bytes = content.bytes;
    return true;
}

void Downlink::fetch(Item& item, const std::optional<IndexEntry>& row)
{
    if (!_share.online)
    {
        _queue.delay(item);
        return;
    }
    const auto base = item.noBase || !row || row->seq == 0 ? std::nullopt : unchangedEntry(row);
    const Entry& entry = item.revision.entry;
    Fetcher::Wanted wanted;
    wanted.path = item.revision.path;
    wanted.seq = item.revision.seq;
    wanted.base = base ? base->seq : 0;
    wanted.size = entry.size;
    wanted.large = entry.size > RevisionQueue::kLargeBytes;
    item.source = wanted.base;
    _queue.setContent(item, std::nullopt);
    if (!wanted.large)
    {
        item.state = RevisionQueue::State::Fetching;
        _fetcher.want(std::move(wanted));
        return;
    }
    const auto partial = _share.files.stat(PrivateFolder::partial(item.revision.seq));
    if (partial && partial->kind == FileKind::File && partial->size <= entry.size)
    {
        wanted.offset = partial->size;
    }
    startDownload(item,
                  base ? base->path : RelativePath(),
                  base ? base->local : LocalIdentity(),
                  {},
                  wanted.offset);
    // What is whole has only to be verified.
    if (item.state == RevisionQueue::State::Fetching && wanted.offset < entry.size)
    {
        _fetcher.want(std::move(wanted));
    }
}

/// A content of more than kLargeBytes is made in a file of its own, in turns with others.
void Downlink::startDownload(Item& item,
                             const RelativePath& base,
                             const LocalIdentity& identity,
                             ContentChunk first,
                             std::uint64_t resumeAt)
{
    const RelativePath path = item.revision.path;
    _queue.detach(item);
    if (!_downloads.canStart(path, item.revision.entry.size))
    {
        _queue.delay(item);
        return;
    }
    item.state = RevisionQueue::State::Fetching;
    DownloadRequest request;
    request.path = path;
    request.seq = item.revision.seq;
    request.entry = item.revision.entry;
    request.temporary = PrivateFolder::partial(item.revision.seq);
    request.resumeAt = resumeAt;
    request.basePath = base;
    request.baseIdentity = identity;
    _downloads.start(std::move(request), std::move(first));
}

void Downlink::onDownload(DownloadJob& job, bool wanted)
{
    Item* item = _queue.find(job.request().path);
    if (item == nullptr || item->revision.seq != job.request().seq)
    {
        removeIfThere(_share.files, job.request().temporary);
        return;
    }
    if (wanted && job.status == DownloadStatus::Finished)
    {
        item->downloaded = true;
        item->signature = std::move(job.signature);
        _queue.toDecide(*item);
    }
    else if (wanted)
    {
        onDownloadFailed(*item, job);
    }
}

void Downlink::onDownloadFailed(Item& item, const DownloadJob& job)
{
    _fetcher.cancel(item.revision.path);
    _queue.setContent(item, std::nullopt);
    item.noTwin = true;
    if (job.status == DownloadStatus::WrongContent)
    {
        item.noBase = true;
        removeIfThere(_share.files, job.request().temporary);
        if (item.next || ++item.failures >= kMaxWrongContents)
        {
            giveUp(item, job.error);
            return;
        }
    }
    else if (job.status == DownloadStatus::Failed)
    {
        retryLater(item, job.error);
        return;
    }
    _queue.toDecide(item);
}

} // namespace tidewire
