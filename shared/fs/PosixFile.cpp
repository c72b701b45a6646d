// An open regular file of the real disk.

#include "shared/fs/PosixFile.h"

#include "shared/base/Errors.h"
#include "shared/fs/PosixConvert.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <csignal>

namespace tidewire {

PosixFile::PosixFile(UniqueFd fd, std::string path): _fd(std::move(fd)), _path(std::move(path)) {}

FileStat PosixFile::stat()
{
    struct stat status = {};
    if (::fstat(_fd.get(), &status) != 0)
    {
        throwErrno("stat", _path);
    }
    return toFileStat(status);
}

std::size_t PosixFile::read(std::uint64_t offset, MutableByteView buffer)
{
    std::size_t done = 0;
    while (done < buffer.size())
    {
        const off_t at = toOffset(offset + done, "read", _path);
        const ssize_t count = retryInterrupted(
            [&] { return ::pread(_fd.get(), buffer.data() + done, buffer.size() - done, at); });
        if (count < 0)
        {
            throwErrno("read", _path);
        }
        if (count == 0)
        {
            break;
        }
        done += static_cast<std::size_t>(count);
    }
    return done;
}

void PosixFile::write(std::uint64_t offset, ByteView data)
{
    std::size_t done = 0;
    while (done < data.size())
    {
        const off_t at = toOffset(offset + done, "write", _path);
        const ssize_t count = retryInterrupted(
            [&] { return ::pwrite(_fd.get(), data.data() + done, data.size() - done, at); });
        if (count < 0)
        {
            throwErrno("write", _path);
        }
        done += static_cast<std::size_t>(count);
    }
}

void PosixFile::truncate(std::uint64_t size)
{
    const off_t length = toOffset(size, "truncate", _path);
    if (retryInterrupted([&] { return ::ftruncate(_fd.get(), length); }) != 0)
    {
        throwErrno("truncate", _path);
    }
}

std::optional<std::uint64_t> PosixFile::nextData(std::uint64_t offset)
{
    const off_t start = toOffset(offset, "seek", _path);
    const off_t found = ::lseek(_fd.get(), start, SEEK_DATA);
    if (found >= 0)
    {
        return static_cast<std::uint64_t>(found);
    }
    if (errno == ENXIO)
    {
        return std::nullopt;
    }
    if (errno != EINVAL)
    {
        throwErrno("seek", _path);
    }
    return offset < stat().size ? std::optional(offset) : std::nullopt;
}

std::uint64_t PosixFile::nextHole(std::uint64_t offset)
{
    const off_t start = toOffset(offset, "seek", _path);
    const off_t found = ::lseek(_fd.get(), start, SEEK_HOLE);
    if (found >= 0)
    {
        return static_cast<std::uint64_t>(found);
    }
    if (errno != ENXIO && errno != EINVAL)
    {
        throwErrno("seek", _path);
    }
    return stat().size;
}

void PosixFile::setMode(std::uint32_t mode)
{
    if (retryInterrupted([&] { return ::fchmod(_fd.get(), mode & 07777U); }) != 0 &&
        !isWithoutModes(errno))
    {
        throwErrno("chmod", _path);
    }
}

void PosixFile::setMtime(FileTime mtime)
{
    const TimePair pair = toTimePair(mtime, _path);
    if (retryInterrupted([&] { return ::futimens(_fd.get(), pair.times); }) != 0)
    {
        throwErrno("utimens", _path);
    }
}

void PosixFile::sync()
{
    if (retryInterrupted([&] { return ::fsync(_fd.get()); }) != 0)
    {
        throwErrno("fsync", _path);
    }
}

void PosixFile::startWriteback(std::uint64_t offset, std::uint64_t length)
{
    // Advice only: an error of the write itself is reported by sync().
    static_cast<void>(::sync_file_range(
        _fd.get(), static_cast<off_t>(offset), static_cast<off_t>(length), SYNC_FILE_RANGE_WRITE));
}

void PosixFile::dropFromCache(std::uint64_t offset, std::uint64_t length)
{
    // Nothing is waited for: sync_file_range(2) would take the error of a failed write away from
    // sync(), and what is still being written is only kept a little longer.
    static_cast<void>(::posix_fadvise(
        _fd.get(), static_cast<off_t>(offset), static_cast<off_t>(length), POSIX_FADV_DONTNEED));
}

bool PosixFile::isOpenForWriting()
{
    if (keepWritersOut())
    {
        static_cast<void>(::fcntl(_fd.get(), F_SETLEASE, F_UNLCK));
        return false;
    }
    return errno == EAGAIN;
}

bool PosixFile::keepWritersOut()
{
    // Whoever opens the file for writing while we hold the lease waits for an instant and the
    // kernel signals us. The signal would be SIGIO, which ends a process that does not expect it;
    // SIGURG is ignored by default, and being no real-time signal it never falls back to SIGIO.
    return ::fcntl(_fd.get(), F_SETSIG, SIGURG) == 0 &&
           ::fcntl(_fd.get(), F_SETLEASE, F_RDLCK) == 0;
}

LockOutcome PosixFile::tryLock()
{
    if (retryInterrupted([&] { return ::flock(_fd.get(), LOCK_EX | LOCK_NB); }) == 0)
    {
        return LockOutcome::Locked;
    }
    switch (errno)
    {
    case EWOULDBLOCK:
    case EACCES: // CIFS
        return LockOutcome::Busy;
    case ENOLCK:
    case ENOSYS:
    case EOPNOTSUPP:
    case EINVAL:
        return LockOutcome::Unsupported;
    default:
        throwErrno("lock", _path);
    }
}

} // namespace tidewire
