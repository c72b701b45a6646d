#include "agent/sync/Placement.h"

#include "agent/sync/PrivateFolder.h"
#include "shared/base/Errors.h"

#include <cerrno>
#include <utility>

namespace tidewire {

namespace {

RelativePath temporaryFor(std::string_view prefix, const ApplyTask& task)
{
    return PrivateFolder::temporary(std::string(prefix) + std::to_string(task.seq));
}

/// The rename that moved it here has changed the ctime: that is left out.
bool sameButCtime(const LocalIdentity& identity, const FileStat& stat)
{
    return identity.inode == stat.inode && identity.size == stat.size &&
           identity.mtime == stat.mtime;
}

void fail(ApplyTask& task, const StorageError& error)
{
    task.outcome = ApplyOutcome::Failed;
    task.error = error.what();
    task.code = error.code();
}

} // namespace

Placement::Placement(FileSystem& files, ModePolicy modes, ConflictNamer namer):
    _files(files),
    _modes(modes),
    _namer(std::move(namer))
{
}

void Placement::place(ApplyTask& task)
{
    placeOnce(task);
    if (task.outcome == ApplyOutcome::Failed && task.code == EACCES)
    {
        placeInReadOnlyFolder(task);
    }
}

/// A folder that was synchronised without its owner's write bit still gets what belongs in it.
void Placement::placeInReadOnlyFolder(ApplyTask& task)
{
    const RelativePath folder = task.path.parent();
    try
    {
        const auto before = _files.stat(folder);
        if (!before || before->kind != FileKind::Directory || (before->mode & 0300U) == 0300U)
        {
            return;
        }
        _files.setMode(folder, before->mode | 0300U);
        placeOnce(task);
        _files.setMode(folder, before->mode);
    }
    catch (const StorageError& error)
    {
        fail(task, error);
    }
}

void Placement::placeOnce(ApplyTask& task)
{
    try
    {
        if (task.metadataOnly)
        {
            placeMetadata(task);
        }
        else if (task.entry.kind == EntryKind::Tombstone)
        {
            remove(task);
        }
        else if (task.entry.kind == EntryKind::Directory)
        {
            placeDirectory(task);
        }
        else
        {
            placeEntry(task);
        }
    }
    catch (const StorageError& error)
    {
        fail(task, error);
    }
}

bool Placement::asExpected(const ApplyTask& task, const std::optional<FileStat>& now) const
{
    if (!task.expectPresent || !now)
    {
        return !task.expectPresent && !now;
    }
    return now->kind == task.expectedKind &&
           (now->kind == FileKind::Directory || LocalIdentity::of(*now) == task.expected);
}

void Placement::setPermissions(const RelativePath& path, const Entry& entry, const FileStat& now)
{
    const std::uint32_t mask = _modes.mask();
    const std::uint32_t wanted = (entry.mode & mask) | (now.mode & 07777U & ~mask);
    if (entry.kind != EntryKind::Symlink && now.mode != wanted)
    {
        _files.setMode(path, wanted);
    }
    if (entry.kind != EntryKind::Directory && now.mtime != entry.mtime)
    {
        _files.setMtime(path, entry.mtime);
    }
}

void Placement::placeMetadata(ApplyTask& task)
{
    const auto now = _files.stat(task.path);
    if (!now || !asExpected(task, now))
    {
        task.outcome = ApplyOutcome::LocalChanged;
        return;
    }
    setPermissions(task.path, task.entry, *now);
    const auto after = _files.stat(task.path);
    // A write in between has moved the mtime away from the one just set, or changed the size.
    const bool intact =
        after && after->inode == now->inode && after->size == now->size &&
        (task.entry.kind == EntryKind::Directory || after->mtime == task.entry.mtime);
    task.outcome = intact ? ApplyOutcome::Done : ApplyOutcome::LocalChanged;
    task.stat = after.value_or(FileStat());
}

void Placement::placeDirectory(ApplyTask& task)
{
    const auto now = _files.stat(task.path);
    if (now && now->kind == FileKind::Directory)
    {
        setPermissions(task.path, task.entry, *now);
    }
    else
    {
        if (now)
        {
            if (!task.keepLocal && !asExpected(task, now))
            {
                task.outcome = ApplyOutcome::LocalChanged;
                return;
            }
            const RelativePath out = temporaryFor(kPlacedPrefix, task);
            if (_files.renameNoReplace(task.path, out) != RenameOutcome::Done)
            {
                task.outcome = ApplyOutcome::LocalChanged;
                return;
            }
            settleDisplaced(task, out);
        }
        _files.createDirectory(task.path, task.entry.mode & _modes.mask());
    }
    task.stat = _files.stat(task.path).value_or(FileStat());
    task.outcome =
        task.stat.kind == FileKind::Directory ? ApplyOutcome::Done : ApplyOutcome::LocalChanged;
}

bool Placement::moveSource(ApplyTask& task)
{
    const RelativePath fresh = temporaryFor(kPartialPrefix, task);
    if (_files.renameNoReplace(task.sourcePath, fresh) != RenameOutcome::Done)
    {
        return false;
    }
    const auto moved = _files.stat(fresh);
    if (moved && moved->kind == FileKind::File && sameButCtime(task.sourceIdentity, *moved))
    {
        setPermissions(fresh, task.entry, *moved);
        task.temporary = fresh;
        return true;
    }
    if (_files.renameNoReplace(fresh, task.sourcePath) != RenameOutcome::Done)
    {
        task.conflictCopy = keepAsConflict(fresh, task.sourcePath);
    }
    return false;
}

void Placement::placeEntry(ApplyTask& task)
{
    auto now = _files.stat(task.path);
    if (!task.keepLocal && !asExpected(task, now))
    {
        task.outcome = ApplyOutcome::LocalChanged;
        return;
    }
    if (now && now->kind == FileKind::Directory)
    {
        try
        {
            _files.removeDirectory(task.path);
        }
        catch (const StorageError& error)
        {
            fail(task, error);
            task.outcome =
                error.code() == ENOTEMPTY ? ApplyOutcome::NotEmpty : ApplyOutcome::Failed;
            return;
        }
        now.reset();
    }
    if (task.source == ContentSource::MoveOf && !moveSource(task))
    {
        task.outcome = ApplyOutcome::SourceChanged;
        return;
    }
    const RelativePath out = temporaryFor(kPlacedPrefix, task);
    if (_files.renameNoReplace(task.temporary, out) != RenameOutcome::Done)
    {
        task.outcome = ApplyOutcome::SourceChanged;
        return;
    }
    RenameOutcome placed = RenameOutcome::SourceMissing;
    try
    {
        placed = now ? replace(out, task) : _files.renameNoReplace(out, task.path);
    }
    catch (const StorageError& error)
    {
        fail(task, error);
        takeBack(task, out);
        return;
    }
    if (placed != RenameOutcome::Done)
    {
        // Somebody made or removed the entry this very moment.
        task.outcome = ApplyOutcome::LocalChanged;
        takeBack(task, out);
        return;
    }
    if (now)
    {
        settleDisplaced(task, out);
    }
    task.stat = _files.stat(task.path).value_or(FileStat());
    task.outcome = ApplyOutcome::Done;
}

/// Puts what is at `out` in the place of the entry, and that one at `out`.
RenameOutcome Placement::replace(const RelativePath& out, const ApplyTask& task)
{
    try
    {
        return _files.exchange(out, task.path);
    }
    catch (const StorageError& error)
    {
        if (error.code() != EINVAL && error.code() != ENOSYS)
        {
            throw;
        }
    }
    // A filesystem without RENAME_EXCHANGE: the path is empty for a moment, nothing can be lost.
    const RelativePath old = temporaryFor(kOldPrefix, task);
    if (_files.renameNoReplace(task.path, old) != RenameOutcome::Done)
    {
        return RenameOutcome::SourceMissing;
    }
    RenameOutcome placed = _files.renameNoReplace(out, task.path);
    if (placed == RenameOutcome::Done)
    {
        return _files.renameNoReplace(old, out);
    }
    keepAsConflict(old, task.path);
    return placed;
}

/// After a failure: the content is kept for the next try, a moved file goes back to its name.
void Placement::takeBack(ApplyTask& task, const RelativePath& out)
{
    const bool moved = task.source == ContentSource::MoveOf;
    const RelativePath& home = moved ? task.sourcePath : task.temporary;
    if (_files.renameNoReplace(out, home) == RenameOutcome::TargetExists)
    {
        if (moved)
        {
            task.conflictCopy = keepAsConflict(out, task.sourcePath);
        }
        else
        {
            _files.removeFile(out);
        }
    }
}

void Placement::settleDisplaced(ApplyTask& task, const RelativePath& out)
{
    const auto stat = _files.stat(out);
    if (!stat)
    {
        return;
    }
    const bool promised =
        task.expectPresent && stat->kind == task.expectedKind && sameButCtime(task.expected, *stat);
    if (!promised)
    {
        task.conflictCopy = keepAsConflict(out, task.path);
        return;
    }
    const bool written = stat->kind == FileKind::File && _files.openRead(out)->isOpenForWriting();
    if (!written)
    {
        _files.removeFile(out);
        return;
    }
    const RelativePath old = temporaryFor(kOldPrefix, task);
    if (_files.renameNoReplace(out, old) == RenameOutcome::Done)
    {
        task.displaced = Displaced{old, task.path, LocalIdentity::of(*stat)};
    }
}

std::optional<RelativePath> Placement::keepAsConflict(const RelativePath& from,
                                                      const RelativePath& path)
{
    for (unsigned attempt = 0;; ++attempt)
    {
        const RelativePath name = _namer(path, attempt);
        switch (_files.renameNoReplace(from, name))
        {
        case RenameOutcome::Done:
            return name;
        case RenameOutcome::SourceMissing:
            return std::nullopt;
        case RenameOutcome::TargetExists:
            break;
        }
    }
}

void Placement::remove(ApplyTask& task)
{
    const auto now = _files.stat(task.path);
    if (!now)
    {
        task.outcome = ApplyOutcome::Done;
        return;
    }
    if (!asExpected(task, now))
    {
        task.outcome = ApplyOutcome::LocalChanged;
        return;
    }
    if (now->kind == FileKind::Directory)
    {
        removeDirectory(task);
        return;
    }
    const RelativePath out = temporaryFor(kPlacedPrefix, task);
    if (_files.renameNoReplace(task.path, out) != RenameOutcome::Done)
    {
        task.outcome = ApplyOutcome::LocalChanged;
        return;
    }
    const auto moved = _files.stat(out);
    if (moved && !sameButCtime(task.expected, *moved))
    {
        // A write beats a deletion: it goes back to where it was.
        if (_files.renameNoReplace(out, task.path) != RenameOutcome::Done)
        {
            task.conflictCopy = keepAsConflict(out, task.path);
        }
        task.outcome = ApplyOutcome::LocalChanged;
        return;
    }
    settleDisplaced(task, out);
    task.outcome = ApplyOutcome::Done;
}

void Placement::removeDirectory(ApplyTask& task)
{
    try
    {
        _files.removeDirectory(task.path);
        task.outcome = ApplyOutcome::Done;
    }
    catch (const StorageError& error)
    {
        fail(task, error);
        task.outcome = error.code() == ENOTEMPTY ? ApplyOutcome::NotEmpty : ApplyOutcome::Failed;
    }
}

} // namespace tidewire
