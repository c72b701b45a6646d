#include "agent/sync/ApplyJob.h"

#include "agent/sync/PrivateFolder.h"
#include "shared/base/Errors.h"
#include "shared/delta/ContentWriter.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

namespace tidewire {

namespace {

bool needsTemporary(const ApplyTask& task)
{
    return !task.metadataOnly && task.source != ContentSource::MoveOf &&
           task.source != ContentSource::Temporary &&
           (task.entry.kind == EntryKind::File || task.entry.kind == EntryKind::Symlink);
}

/// Makes a temporary; what an earlier attempt left under its name goes first.
template <typename Make>
auto makeAnew(FileSystem& files, const RelativePath& path, Make make)
{
    try
    {
        return make();
    }
    catch (const StorageError& error)
    {
        if (error.code() != EEXIST)
        {
            throw;
        }
    }
    files.removeFile(path);
    return make();
}

void fail(ApplyTask& task, ApplyOutcome outcome, const Error& error)
{
    task.outcome = outcome;
    task.error = error.what();
    if (const auto* storage = dynamic_cast<const StorageError*>(&error))
    {
        task.code = storage->code();
    }
}

} // namespace

ApplyJob::ApplyJob(FileSystem& files,
                   ModePolicy modes,
                   Placement::ConflictNamer namer,
                   std::vector<ApplyTask> batch,
                   Done done):
    tasks(std::move(batch)),
    _files(files),
    _modes(modes),
    _placement(files, modes, std::move(namer)),
    _done(std::move(done)),
    _prepared(tasks.size(), true)
{
}

void ApplyJob::finish(JobPtr self)
{
    std::unique_ptr<ApplyJob> job(static_cast<ApplyJob*>(self.release()));
    const Done done = job->_done;
    done(std::move(job));
}

bool ApplyJob::step()
{
    prepare();
    makePlaces();
    return false;
}

/// Makes the content of a file in its temporary; null, with the outcome set, when it is not right.
std::unique_ptr<File> ApplyJob::makeContent(ApplyTask& task)
{
    // Its folder is closed to others. Writing takes the bits above 0777 away again.
    const std::uint32_t mode = task.entry.mode & _modes.mask();
    auto out = makeAnew(
        _files, task.temporary, [&] { return _files.createFile(task.temporary, mode & 0777U); });
    std::unique_ptr<File> base;
    if (!task.sourcePath.isRoot())
    {
        base = _files.openRead(task.sourcePath);
        if (LocalIdentity::of(base->stat()) != task.sourceIdentity)
        {
            task.outcome = ApplyOutcome::SourceChanged;
            return nullptr;
        }
    }
    ContentWriter writer(*out, task.entry.size, base.get());
    if (task.source == ContentSource::CopyOf && task.entry.size > 0)
    {
        writer.copy(0, task.entry.size);
    }
    for (const Op& op : task.ops)
    {
        switch (op.kind)
        {
        case OpKind::Copy:
            writer.copy(op.offset, op.length);
            break;
        case OpKind::Zero:
            writer.zero(op.length);
            break;
        case OpKind::Data:
            writer.data(partOf(task.bytes, op.offset, op.length));
            break;
        }
    }
    auto made = writer.finish();
    if (!made || made->first != task.entry.hash)
    {
        task.outcome = ApplyOutcome::WrongContent;
        return nullptr;
    }
    task.signature = std::move(made->second);
    if (mode > 0777U)
    {
        out->setMode(mode);
    }
    out->setMtime(task.entry.mtime);
    return out;
}

/// The file that was made, still open; null for a link. CorruptError when the content is not right.
std::unique_ptr<File> ApplyJob::makeTemporary(ApplyTask& task)
{
    task.temporary = PrivateFolder::partial(task.seq);
    if (task.entry.kind == EntryKind::Symlink)
    {
        makeAnew(_files, task.temporary, [&] {
            _files.createSymlink(task.temporary, task.entry.target);
        });
        _files.setMtime(task.temporary, task.entry.mtime);
        return nullptr;
    }
    auto made = makeContent(task);
    if (!made)
    {
        throw CorruptError("the content of " + printable(task.path.text()) + " could not be made");
    }
    return made;
}

void ApplyJob::prepare()
{
    std::size_t count = 0;
    // What cannot be opened for writing once it has its mode is synced through the file that made it.
    std::vector<std::unique_ptr<File>> open;
    for (std::size_t i = 0; i < tasks.size(); ++i)
    {
        ApplyTask& task = tasks[i];
        try
        {
            if (needsTemporary(task))
            {
                auto file = makeTemporary(task);
                if (++count < kSyncAllFrom && file)
                {
                    open.push_back(std::move(file));
                }
            }
        }
        catch (const StorageError& error)
        {
            const bool lost = error.code() == ENOENT && !task.sourcePath.isRoot();
            fail(task, lost ? ApplyOutcome::SourceChanged : ApplyOutcome::Failed, error);
            _prepared[i] = false;
            discard(task);
        }
        catch (const Error& error)
        {
            // Damage, or a source that was cut short while it was read.
            const ApplyOutcome outcome = task.outcome;
            fail(task,
                 outcome == ApplyOutcome::SourceChanged ? outcome : ApplyOutcome::WrongContent,
                 error);
            _prepared[i] = false;
            discard(task);
        }
    }
    makeDurable(count, open);
}

void ApplyJob::makeDurable(std::size_t count, const std::vector<std::unique_ptr<File>>& open)
{
    try
    {
        if (count >= kSyncAllFrom)
        {
            _files.syncAll();
            return;
        }
        for (const std::unique_ptr<File>& file : open)
        {
            file->sync();
        }
    }
    catch (const StorageError& error)
    {
        // Not durable: nothing of the batch may take the place of what is.
        for (ApplyTask& task : tasks)
        {
            fail(task, ApplyOutcome::Failed, error);
            discard(task);
        }
        std::fill(_prepared.begin(), _prepared.end(), false);
    }
}

void ApplyJob::discard(const ApplyTask& task)
{
    if (!needsTemporary(task) || task.temporary.isRoot())
    {
        return;
    }
    try
    {
        _files.removeFile(task.temporary);
    }
    catch (const StorageError&)
    {
        // It is swept at the next start; the failure that led here is the one to be told.
        return;
    }
}

void ApplyJob::makePlaces()
{
    std::set<RelativePath> folders;
    for (std::size_t i = 0; i < tasks.size(); ++i)
    {
        ApplyTask& task = tasks[i];
        if (!_prepared[i])
        {
            continue;
        }
        _placement.place(task);
        if (task.outcome == ApplyOutcome::Done)
        {
            folders.insert(task.path.parent());
            if (task.source == ContentSource::MoveOf)
            {
                folders.insert(task.sourcePath.parent());
            }
        }
        else
        {
            discard(task);
        }
    }
    try
    {
        if (folders.size() >= kSyncAllFrom)
        {
            _files.syncAll();
            return;
        }
        for (const RelativePath& folder : folders)
        {
            // A folder that was moved away meanwhile has taken its names with it.
            const auto stat = _files.stat(folder);
            if (stat && stat->kind == FileKind::Directory)
            {
                _files.syncDirectory(folder);
            }
        }
    }
    catch (const StorageError& error)
    {
        for (ApplyTask& task : tasks)
        {
            fail(task, ApplyOutcome::Failed, error);
        }
    }
}

} // namespace tidewire
