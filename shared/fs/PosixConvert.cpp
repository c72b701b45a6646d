// Translates between struct stat, struct timespec and the types of the seam.

#include "shared/fs/PosixConvert.h"

#include "shared/base/Errors.h"

#include <limits>

namespace tidewire {

namespace {

constexpr std::uint32_t kNanosecondsPerSecond = 1'000'000'000;

FileTime toFileTime(const timespec& time)
{
    return {time.tv_sec, static_cast<std::uint32_t>(time.tv_nsec)};
}

FileKind kindOf(mode_t mode)
{
    switch (mode & S_IFMT)
    {
    case S_IFREG:
        return FileKind::File;
    case S_IFDIR:
        return FileKind::Directory;
    case S_IFLNK:
        return FileKind::Symlink;
    default:
        return FileKind::Other;
    }
}

} // namespace

FileStat toFileStat(const struct stat& status)
{
    FileStat result;
    result.kind = kindOf(status.st_mode);
    result.mode = status.st_mode & 07777U;
    result.size = static_cast<std::uint64_t>(status.st_size);
    result.mtime = toFileTime(status.st_mtim);
    result.ctime = toFileTime(status.st_ctim);
    result.device = status.st_dev;
    result.inode = status.st_ino;
    result.links = status.st_nlink;
    return result;
}

TimePair toTimePair(FileTime mtime, std::string_view path)
{
    if (mtime.nanoseconds >= kNanosecondsPerSecond)
    {
        throw StorageError("utimens", path, EINVAL);
    }
    const auto seconds = static_cast<time_t>(mtime.seconds);
    if (seconds != mtime.seconds)
    {
        throw StorageError("utimens", path, EOVERFLOW);
    }
    TimePair pair{};
    pair.times[0].tv_nsec = UTIME_OMIT;
    pair.times[1].tv_sec = seconds;
    // The type of tv_nsec differs between 32-bit and 64-bit machines.
    pair.times[1].tv_nsec = static_cast<decltype(timespec::tv_nsec)>(mtime.nanoseconds);
    return pair;
}

off_t toOffset(std::uint64_t offset, std::string_view operation, std::string_view path)
{
    static_assert(sizeof(off_t) == 8, "build with _FILE_OFFSET_BITS=64");
    if (offset > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max()))
    {
        throw StorageError(operation, path, EFBIG);
    }
    return static_cast<off_t>(offset);
}

int openErrorOf(FileKind kind)
{
    switch (kind)
    {
    case FileKind::File:
        return 0;
    case FileKind::Directory:
        return EISDIR;
    case FileKind::Symlink:
        return ELOOP;
    case FileKind::Other:
        break;
    }
    return EINVAL;
}

} // namespace tidewire
