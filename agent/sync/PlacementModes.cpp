// Placement: modes and mtimes, of what is placed and of the folders that it is placed in.

#include "agent/sync/Placement.h"
#include "shared/base/Errors.h"

#include <cerrno>

namespace tidewire {

/// Folders that were synchronised without their owner's write bit still get, and give, what belongs in them.
void Placement::placeInReadOnlyFolders(ApplyTask& task)
{
    std::vector<std::pair<RelativePath, std::uint32_t>> opened;
    openFolder(task.path.parent(), opened);
    if (task.source == ContentSource::MoveOf)
    {
        openFolder(task.sourcePath.parent(), opened);
    }
    if (!opened.empty())
    {
        placeOnce(task);
    }
    for (const auto& [folder, mode] : opened)
    {
        try
        {
            _files.setMode(folder, mode);
        }
        catch (const StorageError& error)
        {
            fail(task, error);
        }
    }
}

/// Notes the mode of a folder that had to be made writable for its owner. One that cannot be is left as it is: the
/// error that led here is the one to be told.
void Placement::openFolder(const RelativePath& folder,
                           std::vector<std::pair<RelativePath, std::uint32_t>>& opened)
{
    try
    {
        const auto before = _files.stat(folder);
        if (before && before->kind == FileKind::Directory && (before->mode & 0300U) != 0300U)
        {
            _files.setMode(folder, before->mode | 0300U);
            opened.emplace_back(folder, before->mode);
        }
    }
    catch (const StorageError&)
    {
        return;
    }
}

/// The mtime goes first: what is written after it shows, so nothing may come between it and the look before.
/// `file`: the open file, where there is one, so that nothing is done to another that has taken its name.
void Placement::setPermissions(const RelativePath& path,
                               File* file,
                               const Entry& entry,
                               const FileStat& now)
{
    if (entry.kind != EntryKind::Directory && now.mtime != entry.mtime)
    {
        file != nullptr ? file->setMtime(entry.mtime) : _files.setMtime(path, entry.mtime);
    }
    const std::uint32_t mask = _modes.mask();
    const std::uint32_t wanted = (entry.mode & mask) | (now.mode & 07777U & ~mask);
    if (entry.kind != EntryKind::Symlink && now.mode != wanted)
    {
        file != nullptr ? file->setMode(wanted) : _files.setMode(path, wanted);
    }
}

/// Null for what is no file, and for a file whose own mode keeps us from reading it.
std::unique_ptr<File> Placement::openToKeep(const RelativePath& path, FileKind kind)
{
    try
    {
        return kind == FileKind::File ? _files.openRead(path) : nullptr;
    }
    catch (const StorageError& error)
    {
        if (error.code() == EACCES)
        {
            return nullptr;
        }
        throw;
    }
}

/// A write of the same length between the look and the setting of the mtime would leave no trace. So writers are kept out
/// for that moment; where that is not possible the file is left to be read again.
void Placement::placeMetadata(ApplyTask& task)
{
    auto now = _files.stat(task.path);
    if (!now || !asExpected(task, now))
    {
        task.outcome = ApplyOutcome::LocalChanged;
        return;
    }
    const std::unique_ptr<File> file = openToKeep(task.path, now->kind);
    const bool isQuiet = file && file->keepWritersOut();
    now = file ? file->stat() : _files.stat(task.path);
    if (!now || !asExpected(task, now))
    {
        task.outcome = ApplyOutcome::LocalChanged;
        return;
    }
    setPermissions(task.path, file.get(), task.entry, *now);
    const auto after = _files.stat(task.path);
    const bool isIntact =
        after && after->kind == now->kind && after->inode == now->inode && after->size == now->size;
    // The disk may keep mtimes more coarsely than the revision has them: they tell nothing here.
    task.outcome = isIntact ? ApplyOutcome::Done : ApplyOutcome::LocalChanged;
    task.stat = isIntact && (isQuiet || !file) ? *after : FileStat();
}

/// A filesystem without modes takes no notice when one is set. The index gets the mode that is there, or the
/// folder would be told of as changed here, again and again.
void Placement::settleMode(ApplyTask& task)
{
    const std::uint32_t mask = _modes.mask();
    const std::uint32_t before = task.stat.mode;
    if ((before & mask) == (task.entry.mode & mask))
    {
        return;
    }
    setPermissions(task.path, nullptr, task.entry, task.stat);
    task.stat = _files.stat(task.path).value_or(FileStat());
    if (task.stat.mode == before)
    {
        task.entry.mode = before & mask;
    }
}

} // namespace tidewire
