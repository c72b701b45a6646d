// Downlink: on to the disk, and into the index.

#include "agent/sync/DiskState.h"
#include "agent/sync/Downlink.h"
#include "shared/base/Errors.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tidewire {

void Downlink::startApply()
{
    if (_applying || _tasks.empty())
    {
        return;
    }
    std::set<RelativePath> moving; // their deletions come with the task that moves them
    for (const auto& [path, task] : _tasks)
    {
        if (task.source == ContentSource::MoveOf)
        {
            moving.insert(task.sourcePath);
        }
    }
    std::vector<std::pair<Seq, RelativePath>> order;
    order.reserve(_tasks.size());
    for (const auto& [path, task] : _tasks)
    {
        if (!moving.contains(path))
        {
            order.emplace_back(task.seq, path);
        }
    }
    // Tombstones of a comparison share one seq: what lies deeper goes first then.
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : b.second.text() < a.second.text();
    });
    std::vector<ApplyTask> batch;
    std::vector<RelativePath> paths;
    std::size_t bytes = 0;
    for (const auto& [seq, path] : order)
    {
        Item* item = _queue.find(path);
        if (batch.size() == kMaxTasks || bytes >= kMaxTaskBytes)
        {
            break;
        }
        // A twin that is moved takes its own task with it.
        if (item != nullptr && item->state == RevisionQueue::State::Ready &&
            addToBatch(*item, batch, paths))
        {
            bytes += batch.back().bytes.size();
        }
    }
    if (batch.empty())
    {
        return;
    }
    _applying = true;
    for (std::size_t i = 0; i < batch.size(); ++i)
    {
        if (batch[i].path == paths[i])
        {
            Entry entry = batch[i].entry;
            entry.mode &= _share.options.modes.mask();
            _applyLog.add(paths[i], batch[i].seq, entry);
        }
    }
    _applyLog.begin();
    // onCommitted() hands it over: by then the index knows of it.
    _nextBatch = std::make_unique<ApplyJob>(
        _share.files,
        _share.options.modes,
        conflictNamer(_share),
        std::move(batch),
        [this, paths](std::unique_ptr<ApplyJob> job) { onApplied(*job, paths); });
}

bool Downlink::addToBatch(Item& item,
                          std::vector<ApplyTask>& batch,
                          std::vector<RelativePath>& held)
{
    const RelativePath path = item.revision.path;
    const auto task = _tasks.find(path);
    const bool moves = task->second.source == ContentSource::MoveOf;
    const RelativePath source = task->second.sourcePath;
    const auto row = _share.index.get(_share.record.id, path);
    const bool isOld = row && row->seq >= item.revision.seq;
    if (isOld)
    {
        _tasks.erase(task);
        _queue.toDecide(item);
        return false;
    }
    if (_paths.isHeld(path))
    {
        _queue.wait(item);
        _tasks.erase(task);
        return false;
    }
    if (moves && _paths.isHeld(source))
    {
        // It may be gone when it is free again: get the content another way.
        item.noTwin = true;
        _tasks.erase(task);
        _queue.toDecide(item);
        return false;
    }
    Item* const deletion = moves ? _queue.find(source) : nullptr;
    if (moves && (deletion == nullptr || deletion->state == RevisionQueue::State::Applying ||
                  deletion->revision.entry.kind != EntryKind::Tombstone))
    {
        // Another task has taken the source, or something new came in its place.
        _tasks.erase(task);
        _queue.toDecide(item);
        return false;
    }
    static_cast<void>(_paths.tryHold(path));
    if (deletion != nullptr)
    {
        static_cast<void>(_paths.tryHold(source));
        _queue.apply(*deletion);
        _tasks.erase(source);
    }
    _queue.apply(item);
    batch.push_back(std::move(task->second));
    held.push_back(path);
    _tasks.erase(path);
    return true;
}

void Downlink::onApplied(ApplyJob& job, const std::vector<RelativePath>& paths)
{
    std::vector<RelativePath> changed;
    const auto release = [&](const RelativePath& path) {
        if (_paths.release(path))
        {
            changed.push_back(path);
        }
    };
    for (std::size_t i = 0; i < paths.size(); ++i)
    {
        release(paths[i]);
        if (job.tasks[i].source == ContentSource::MoveOf)
        {
            release(job.tasks[i].sourcePath);
        }
    }
    // The disk is busy with the next batch while this one is recorded.
    _applying = false;
    _applyLog.end();
    startApply();
    for (std::size_t i = 0; i < paths.size(); ++i)
    {
        onOutcome(job.tasks[i], paths[i]);
    }
    for (std::size_t i = 0; i < paths.size(); ++i)
    {
        reconsider(paths[i]);
        if (job.tasks[i].source == ContentSource::MoveOf)
        {
            reconsider(job.tasks[i].sourcePath);
        }
    }
    for (const RelativePath& path : changed)
    {
        _host.lookAgain(path, HintScope::Entry, SteadyTime(0));
    }
}

void Downlink::onOutcome(ApplyTask& task, const RelativePath& path)
{
    if (task.source == ContentSource::MoveOf)
    {
        Item* other = _queue.find(task.sourcePath);
        const bool isMoved = other != nullptr && other->state == RevisionQueue::State::Applying;
        if (isMoved && task.outcome == ApplyOutcome::Done)
        {
            finish(task.sourcePath);
        }
        else if (isMoved)
        {
            _queue.toDecide(*other);
        }
    }
    if (task.conflictCopy)
    {
        _share.log.warning(_share.options.name + ": " + printable(path.text()) +
                               " was changed here and elsewhere; what was here is kept as " +
                               printable(task.conflictCopy->text()),
                           {.event = LogEvent::ConflictKept, .path = path.text(), .seq = task.seq});
        _host.lookAgain(*task.conflictCopy, HintScope::Entry, SteadyTime(0));
    }
    if (task.displaced)
    {
        _displaced.add(*task.displaced);
    }
    Item* item = _queue.find(path);
    if (item == nullptr || item->state != RevisionQueue::State::Applying ||
        item->revision.seq != task.seq)
    {
        // The relay's store was replaced in between: the disk is looked at for what it is.
        _host.lookAgain(path, HintScope::Subtree, SteadyTime(0));
    }
    else if (task.outcome == ApplyOutcome::Done)
    {
        onTaskDone(*item, task);
    }
    else
    {
        onTaskFailed(*item, task);
    }
}

void Downlink::onTaskDone(Item& item, ApplyTask& task)
{
    const ShareId share = _share.record.id;
    const RelativePath path = item.revision.path;
    Entry entry = task.entry;
    entry.mode &= _share.options.modes.mask();
    ++_applied;
    std::optional<IndexEntry> row;
    if (item.beside)
    {
        // The directory is what the relay has still to learn of, made on the revision that stood against it.
        row = IndexEntry{path, item.revision.seq, entry, {}};
        _share.index.put(share, *row);
        _host.lookAgain(path, HintScope::Subtree, SteadyTime(0));
        _host.lookAgain(task.path, HintScope::Entry, SteadyTime(0));
        _share.log.warning(
            _share.options.name + ": " + printable(path.text()) +
                " is a folder here and a file elsewhere; the file is kept as " +
                printable(task.path.text()),
            {.event = LogEvent::ConflictKept, .path = path.text(), .seq = item.revision.seq});
    }
    else if (entry.kind == EntryKind::Tombstone)
    {
        _share.index.remove(share, path);
    }
    else
    {
        row = IndexEntry{path, item.revision.seq, entry, LocalIdentity::of(task.stat)};
        const bool moved = task.source == ContentSource::MoveOf;
        if (task.metadataOnly || moved)
        {
            // The content is one that was here already.
            _share.noteUnsynced(item.revision.seq);
        }
        if (task.signature && !moved)
        {
            _share.index.put(share, *row, *task.signature);
        }
        else
        {
            _share.index.put(share, *row);
        }
        if (moved)
        {
            _share.index.moveSignature(share, task.sourcePath, path);
        }
    }
    if (task.source == ContentSource::MoveOf)
    {
        _share.index.remove(share, task.sourcePath);
    }
    if (_share.log.debug())
    {
        _share.log.debug(_share.options.name + ": applied revision " +
                             std::to_string(item.revision.seq) + " of " + printable(path.text()),
                         {.path = path.text(), .seq = item.revision.seq});
    }
    // As for accepted proposals: a folder that was moved meanwhile took the entry along.
    if (path.text() == kIgnoreFile ||
        !isAsRecorded(_share.files, path, row, _share.options.modes.mask()))
    {
        _host.lookAgain(path, HintScope::Entry, SteadyTime(0));
    }
    finish(path);
}

void Downlink::onTaskFailed(Item& item, ApplyTask& task)
{
    // What came while this one was being applied takes its place; a finished download stays in its own as long as it may do.
    const bool mayDo = item.downloaded && task.outcome == ApplyOutcome::LocalChanged;
    if (item.next && !mayDo)
    {
        finish(item.revision.path);
        return;
    }
    _queue.letFollow(item);
    switch (task.outcome)
    {
    case ApplyOutcome::SourceChanged:
        item.noTwin = true;
        item.downloaded = false;
        _queue.setContent(item, std::nullopt);
        break;
    case ApplyOutcome::WrongContent:
        item.noTwin = true;
        item.noBase = true;
        _queue.setContent(item, std::nullopt);
        if (++item.failures >= kMaxWrongContents)
        {
            _share.log.error(_share.options.name + ": " + printable(item.revision.path.text()) +
                                 ": " + task.error,
                             {.event = LogEvent::PathDelayed,
                              .path = item.revision.path.text(),
                              .seq = item.revision.seq});
            retryLater(item, {});
            return;
        }
        break;
    case ApplyOutcome::NotEmpty:
        onNotEmpty(item);
        return;
    case ApplyOutcome::Failed:
        if (item.revision.entry.kind == EntryKind::Symlink &&
            (task.code == EPERM || task.code == EOPNOTSUPP))
        {
            // FAT and its like: the link lives on elsewhere.
            _share.log.warning(
                _share.options.name + ": " + printable(item.revision.path.text()) +
                    " is a symbolic link, which this filesystem cannot hold; left out",
                {.event = LogEvent::PathLeftAlone,
                 .path = item.revision.path.text(),
                 .seq = item.revision.seq});
            finish(item.revision.path);
            return;
        }
        // A parent that has still to come is no news.
        retryLater(item, task.code == ENOENT ? std::string() : task.error);
        return;
    case ApplyOutcome::LocalChanged:
        // A finished download went back to its place; anything else is made again.
        if (++item.failures > 3)
        {
            retryLater(item, {});
            return;
        }
        break;
    case ApplyOutcome::Done:
        break;
    }
    _queue.toDecide(item);
}

/// A directory that should go has entries: they go first, or there is something new inside.
void Downlink::onNotEmpty(Item& item)
{
    const RelativePath path = item.revision.path;
    if (_share.index.hasChildren(_share.record.id, path))
    {
        retryLater(item, {});
        return;
    }
    if (item.revision.entry.kind == EntryKind::Tombstone)
    {
        _share.index.remove(_share.record.id, path);
        finish(path);
        _host.lookAgain(path, HintScope::Subtree, SteadyTime(0));
        return;
    }
    item.beside = true;
    _queue.toDecide(item);
}

} // namespace tidewire
