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

} // namespace

Placement::Placement(FileSystem& files, ModePolicy modes, ConflictNamer namer):
    _files(files),
    _modes(modes),
    _namer(std::move(namer))
{
}

void Placement::fail(ApplyTask& task, const StorageError& error)
{
    task.outcome = ApplyOutcome::Failed;
    task.error = error.what();
    task.code = error.code();
}

void Placement::place(ApplyTask& task)
{
    placeOnce(task);
    if (task.outcome == ApplyOutcome::Failed && task.code == EACCES)
    {
        placeInReadOnlyFolders(task);
    }
}

void Placement::placeOnce(ApplyTask& task)
{
    try
    {
        if (task.metadataOnly)
        {
            placeMetadata(task);
            return;
        }
        if (isNew(task))
        {
            placeNew(task);
            return;
        }
        // What a failed try could not bring home would be in the way: the sweep looks at it.
        if (const RelativePath out = temporaryFor(kPlacedPrefix, task); _files.stat(out))
        {
            setAside(out, task.seq);
        }
        if (task.entry.kind == EntryKind::Tombstone)
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

bool Placement::asExpected(const ApplyTask& task, const std::optional<FileStat>& now)
{
    if (!task.expectPresent || !now)
    {
        return !task.expectPresent && !now;
    }
    return now->kind == task.expectedKind &&
           (now->kind == FileKind::Directory || LocalIdentity::of(*now) == task.expected);
}

/// Nothing stands in the place of the entry, and nothing has to be looked at before it goes there.
bool Placement::isNew(const ApplyTask& task)
{
    return !task.expectPresent && !task.keepLocal && task.source != ContentSource::MoveOf &&
           (task.entry.kind == EntryKind::File || task.entry.kind == EntryKind::Symlink);
}

void Placement::placeNew(ApplyTask& task)
{
    const auto finished = _files.stat(task.temporary);
    const RenameOutcome placed =
        finished ? _files.renameNoReplace(task.temporary, task.path) : RenameOutcome::SourceMissing;
    switch (placed)
    {
    case RenameOutcome::Done:
        task.stat = asPlaced(task.path, *finished);
        task.outcome = ApplyOutcome::Done;
        break;
    case RenameOutcome::SourceMissing:
        task.outcome = ApplyOutcome::SourceChanged;
        break;
    case RenameOutcome::TargetExists:
        task.outcome = ApplyOutcome::LocalChanged;
        break;
    }
}

void Placement::placeDirectory(ApplyTask& task)
{
    const auto now = _files.stat(task.path);
    if (now && now->kind == FileKind::Directory)
    {
        setPermissions(task.path, nullptr, task.entry, *now);
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
    if (task.outcome == ApplyOutcome::Done)
    {
        settleMode(task);
    }
}

/// Whoever could still write to what has no name in the tree any more has it open by now: what a
/// stat after this tells is final when it is false.
bool Placement::isBeingWritten(const RelativePath& path)
{
    const auto stat = _files.stat(path);
    if (!stat || stat->kind != FileKind::File)
    {
        return false;
    }
    try
    {
        return _files.openRead(path)->isOpenForWriting();
    }
    catch (const StorageError& error)
    {
        // A file that its own mode keeps us from reading: it cannot be known.
        if (error.code() == EACCES)
        {
            return false;
        }
        throw;
    }
}

/// Moves `from` to a free name that the sweep at the next start knows; nothing when it has vanished.
std::optional<RelativePath> Placement::setAside(const RelativePath& from, Seq seq)
{
    for (unsigned attempt = 0;; ++attempt)
    {
        std::string name = std::string(kOldPrefix) + std::to_string(seq);
        if (attempt > 0)
        {
            name += "-" + std::to_string(attempt);
        }
        const RelativePath aside = PrivateFolder::temporary(name);
        switch (_files.renameNoReplace(from, aside))
        {
        case RenameOutcome::Done:
            return aside;
        case RenameOutcome::SourceMissing:
            return std::nullopt;
        case RenameOutcome::TargetExists:
            break;
        }
    }
}

/// Gives an entry its name again, or a conflict name when that is taken.
void Placement::putBack(ApplyTask& task, const RelativePath& from, const RelativePath& home)
{
    if (_files.renameNoReplace(from, home) == RenameOutcome::TargetExists)
    {
        task.conflictCopy = keepAsConflict(from, home);
    }
}

bool Placement::moveSource(ApplyTask& task, const RelativePath& out)
{
    if (_files.renameNoReplace(task.sourcePath, out) != RenameOutcome::Done)
    {
        return false;
    }
    const bool written = isBeingWritten(out);
    const auto moved = _files.stat(out);
    if (moved && !written && moved->kind == FileKind::File &&
        sameButCtime(task.sourceIdentity, *moved))
    {
        setPermissions(out, nullptr, task.entry, *moved);
        return true;
    }
    putBack(task, out, task.sourcePath);
    return false;
}

/// Moves the finished entry to `out`; false when it is not there, or not as it should be.
bool Placement::bring(ApplyTask& task, const RelativePath& out)
{
    return task.source == ContentSource::MoveOf
               ? moveSource(task, out)
               : _files.renameNoReplace(task.temporary, out) == RenameOutcome::Done;
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
        removeDirectory(task);
        if (task.outcome != ApplyOutcome::Done)
        {
            return;
        }
        now.reset();
    }
    const RelativePath out = temporaryFor(kPlacedPrefix, task);
    std::optional<FileStat> finished;
    RenameOutcome placed = RenameOutcome::SourceMissing;
    try
    {
        finished = bring(task, out) ? _files.stat(out) : std::nullopt;
        if (!finished)
        {
            task.outcome = ApplyOutcome::SourceChanged;
            return;
        }
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
    task.stat = asPlaced(task.path, *finished);
    task.outcome = ApplyOutcome::Done;
}

/// What the index may remember of the entry: when somebody has changed it since, how it was finished, so that the change is
/// found. Otherwise how it is now, for the rename has changed the ctime.
FileStat Placement::asPlaced(const RelativePath& path, const FileStat& finished)
{
    const auto now = _files.stat(path);
    const bool intact =
        now && now->kind == finished.kind && sameButCtime(LocalIdentity::of(finished), *now);
    return intact ? *now : finished;
}

/// Puts what is at `out` in the place of the entry, and that one at `out`.
RenameOutcome Placement::replace(const RelativePath& out, ApplyTask& task)
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
    const auto old = setAside(task.path, task.seq);
    if (!old)
    {
        return RenameOutcome::SourceMissing;
    }
    RenameOutcome placed = RenameOutcome::TargetExists;
    try
    {
        placed = _files.renameNoReplace(out, task.path);
    }
    catch (const StorageError&)
    {
        putBack(task, *old, task.path);
        throw;
    }
    if (placed == RenameOutcome::Done)
    {
        return _files.renameNoReplace(*old, out);
    }
    settleDisplaced(task, *old);
    return placed;
}

/// After a failure: the content is kept for the next try, a moved file goes back to its name.
void Placement::takeBack(ApplyTask& task, const RelativePath& out)
{
    if (task.source == ContentSource::MoveOf)
    {
        putBack(task, out, task.sourcePath);
    }
    else if (_files.renameNoReplace(out, task.temporary) == RenameOutcome::TargetExists)
    {
        _files.removeFile(out);
    }
}

/// A conflict copy of what came out, unless it is what the index promised.
void Placement::settleDisplaced(ApplyTask& task, const RelativePath& out)
{
    try
    {
        const bool written = isBeingWritten(out);
        const auto stat = _files.stat(out);
        if (!stat)
        {
            return;
        }
        const bool promised = task.expectPresent && stat->kind == task.expectedKind &&
                              sameButCtime(task.expected, *stat);
        if (promised)
        {
            letGo(task, out, *stat, written);
        }
        else
        {
            task.conflictCopy = keepAsConflict(out, task.path);
        }
    }
    catch (const StorageError&)
    {
        // The tree is as it should be: what came out is looked at later, like one that is still written to.
        task.displaced = Displaced{out, task.path, task.expected};
    }
}

void Placement::letGo(ApplyTask& task,
                      const RelativePath& out,
                      const FileStat& stat,
                      bool isBeingWritten)
{
    if (!isBeingWritten)
    {
        _files.removeFile(out);
    }
    else if (const auto aside = setAside(out, task.seq))
    {
        task.displaced = Displaced{*aside, task.path, LocalIdentity::of(stat)};
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
    try
    {
        const bool written = isBeingWritten(out);
        const auto moved = _files.stat(out);
        if (moved && sameButCtime(task.expected, *moved))
        {
            letGo(task, out, *moved, written);
            task.outcome = ApplyOutcome::Done;
            return;
        }
        // A write beats a deletion.
        task.outcome = ApplyOutcome::LocalChanged;
    }
    catch (const StorageError& error)
    {
        fail(task, error);
    }
    putBack(task, out, task.path);
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
