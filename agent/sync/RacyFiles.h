// Files that were read so soon after a write that another write may have left the same identity.

#pragma once

#include "shared/base/Clock.h"
#include "shared/fs/FileSystem.h"

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace tidewire {

/// A write within the grain of the mtime leaves the identity as it was: such a file is not trusted at the next hint. The
/// wall clock decides here only whether something is read once more.
///
/// Memory: kMax paths.
class RacyFiles
{
public:
    static constexpr std::size_t kMax = 4096;

    /// The coarsest grain in use is that of FAT.
    static constexpr std::int64_t kGrainSeconds = 2;

    explicit RacyFiles(const Clock& clock): _clock(clock) {}

    /// The file was read as `stat` shows it.
    void note(const RelativePath& path, const FileStat& stat);

    /// Forgets those whose time is over.
    void purge();

    /// True, once, when the file was read too soon and not long ago.
    bool take(const RelativePath& path);

private:
    const Clock& _clock;
    std::unordered_map<RelativePath, SteadyTime> _until;
    SteadyTime _nextPurge{}; // when those whose time is over go, at the earliest
};

} // namespace tidewire
