// Whether the disk holds what the index says.

#pragma once

#include "agent/state/Index.h"
#include "shared/fs/FileSystem.h"

#include <cstdint>
#include <optional>

namespace tidewire {

/// True when the entry on the disk is, by kind and identity, the one that the index recorded, whether the relay knows it or not. For a
/// folder only the mode counts, as far as `modeMask` goes.
[[nodiscard]] bool
hasIdentity(const IndexEntry& entry, const FileStat& stat, std::uint32_t modeMask);

/// True when the disk holds what the row says, or nothing when there is no row. False, too, when that cannot be told.
[[nodiscard]] bool isAsRecorded(FileSystem& files,
                                const RelativePath& path,
                                const std::optional<IndexEntry>& row,
                                std::uint32_t modeMask);

/// What is at the path; nothing, too, when that cannot be told.
[[nodiscard]] std::optional<FileStat> statIfPossible(FileSystem& files, const RelativePath& path);

/// True when there is nothing at the path; false, too, when that cannot be told.
[[nodiscard]] bool isSurelyAbsent(FileSystem& files, const RelativePath& path);

/// Removes a temporary of ours; what cannot be removed now is swept at the next start.
void removeIfThere(FileSystem& files, const RelativePath& path);

} // namespace tidewire
