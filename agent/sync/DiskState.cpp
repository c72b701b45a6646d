#include "agent/sync/DiskState.h"

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

} // namespace tidewire
