// Translates between struct stat, struct timespec and the types of the seam.

#pragma once

#include "shared/fs/FileSystem.h"

#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include <cerrno>

namespace tidewire {

[[nodiscard]] FileStat toFileStat(const struct stat& status);

/// `{access time left alone, mtime}` for utimensat(2) and futimens(2).
struct TimePair
{
    timespec times[2];
};

/// Errors: StorageError EINVAL for a nanosecond that is none (UTIME_NOW and UTIME_OMIT are such
///         values), EOVERFLOW when the machine's time_t is too short.
[[nodiscard]] TimePair toTimePair(FileTime mtime, std::string_view path);

/// Errors: StorageError EFBIG beyond 2^63 - 1.
[[nodiscard]] off_t
toOffset(std::uint64_t offset, std::string_view operation, std::string_view path);

/// errno for opening an entry of `kind` as a regular file; 0 for File.
[[nodiscard]] int openErrorOf(FileKind kind);

/// True for the errno of chmod on a filesystem that has no modes.
[[nodiscard]] inline bool isWithoutModes(int error)
{
    return error == EOPNOTSUPP || error == ENOSYS;
}

/// Calls a system call again as long as a signal interrupts it.
template <typename Call>
auto retryInterrupted(Call call)
{
    for (;;)
    {
        const auto result = call();
        if (result != -1 || errno != EINTR)
        {
            return result;
        }
    }
}

} // namespace tidewire
