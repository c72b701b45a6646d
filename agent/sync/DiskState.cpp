#include "agent/sync/DiskState.h"

#include "shared/base/Errors.h"

namespace tidewire {

bool hasIdentity(const IndexEntry& entry, const FileStat& stat, std::uint32_t modeMask)
{
    switch (entry.entry.kind)
    {
    case EntryKind::File:
        return stat.kind == FileKind::File && entry.local == LocalIdentity::of(stat);
    case EntryKind::Symlink:
        return stat.kind == FileKind::Symlink && entry.local == LocalIdentity::of(stat);
    case EntryKind::Directory:
        return stat.kind == FileKind::Directory && (stat.mode & modeMask) == entry.entry.mode;
    case EntryKind::Tombstone:
        break;
    }
    return false;
}

bool isAsRecorded(FileSystem& files,
                  const RelativePath& path,
                  const std::optional<IndexEntry>& row,
                  std::uint32_t modeMask)
{
    try
    {
        const auto stat = files.stat(path);
        return stat.has_value() == row.has_value() && (!stat || hasIdentity(*row, *stat, modeMask));
    }
    catch (const StorageError&)
    {
        return false;
    }
}

std::optional<FileStat> statIfPossible(FileSystem& files, const RelativePath& path)
{
    try
    {
        return files.stat(path);
    }
    catch (const StorageError&)
    {
        return std::nullopt;
    }
}

bool isSurelyAbsent(FileSystem& files, const RelativePath& path)
{
    try
    {
        return !files.stat(path);
    }
    catch (const StorageError&)
    {
        return false;
    }
}

void removeIfThere(FileSystem& files, const RelativePath& path)
{
    try
    {
        files.removeFile(path);
    }
    catch (const StorageError&)
    {
        return;
    }
}

} // namespace tidewire
