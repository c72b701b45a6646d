// The seam to the disk: one folder tree, addressed by checked relative paths.

#pragma once

#include "shared/base/Bytes.h"
#include "shared/fs/RelativePath.h"

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire {

/// A time of a file as the kernel has it: seconds since 1970 (negative before), and nanoseconds
/// 0..999999999 that always count forward.
struct FileTime
{
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;

    friend auto operator<=>(const FileTime&, const FileTime&) = default;
};

/// What an entry of a folder is. Other: FIFO, socket, device.
enum class FileKind : std::uint8_t
{
    File,
    Directory,
    Symlink,
    Other
};

/// What lstat(2) tells.
struct FileStat
{
    FileKind kind = FileKind::Other;
    std::uint32_t mode = 0; ///< permission bits with setuid, setgid and sticky: 0..07777
    std::uint64_t size = 0; ///< bytes; for a link the length of its target
    FileTime mtime;
    FileTime ctime;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t links = 1;

    friend bool operator==(const FileStat&, const FileStat&) = default;
};

/// How an attempt at a lock went.
enum class LockOutcome : std::uint8_t
{
    Locked,
    Busy,        ///< somebody else has it
    Unsupported, ///< the filesystem knows no locks
};

/// An open regular file.
///
/// Thread:  one at a time.
/// Errors:  StorageError.
class File
{
public:
    virtual ~File() = default;

    [[nodiscard]] virtual FileStat stat() = 0;

    /// Fills `buffer` from `offset`; fewer bytes only at the end of the file.
    virtual std::size_t read(std::uint64_t offset, MutableByteView buffer) = 0;

    /// Writes all of `data` at `offset`; a gap before it becomes a hole.
    virtual void write(std::uint64_t offset, ByteView data) = 0;

    /// Sets the size; what is added is a hole.
    virtual void truncate(std::uint64_t size) = 0;

    /// Start of the first data at or after `offset` (SEEK_DATA), or nothing when only a hole
    /// follows. Where the filesystem knows no holes everything up to the size is data.
    [[nodiscard]] virtual std::optional<std::uint64_t> nextData(std::uint64_t offset) = 0;

    /// Start of the first hole at or after `offset` (SEEK_HOLE); the size when none follows.
    [[nodiscard]] virtual std::uint64_t nextHole(std::uint64_t offset) = 0;

    /// Nothing happens on a filesystem that has no modes.
    virtual void setMode(std::uint32_t mode) = 0;
    virtual void setMtime(FileTime mtime) = 0;

    /// Returns once content and metadata are on the medium (fsync).
    virtual void sync() = 0;

    /// Asks the kernel to begin writing `[offset, offset + length)` out, without waiting.
    virtual void startWriteback(std::uint64_t offset, std::uint64_t length) = 0;

    /// Tells the kernel that `[offset, offset + length)` will not be read soon: what of it has been
    /// written out by now need not stay in memory. Advice only.
    virtual void dropFromCache(std::uint64_t /*offset*/, std::uint64_t /*length*/) {}

    /// True when some process has the file open for writing right now; false when none has or it
    /// cannot be known (F_SETLEASE, fcntl(2)).
    [[nodiscard]] virtual bool isOpenForWriting() = 0;

    /// True when no process has the file open for writing and none can open it so before this File is closed: others
    /// wait, or get EAGAIN. False when that cannot be had. Close it soon: the kernel lets nobody wait for
    /// longer than /proc/sys/fs/lease-break-time.
    [[nodiscard]] virtual bool keepWritersOut() = 0;

    /// Keeps everybody else from locking the file until this File is closed or the process ends (flock(2), LOCK_EX). Where the
    /// filesystem is shared (NFS, CIFS) that goes for other machines, too. The file must be open for writing.
    [[nodiscard]] virtual LockOutcome tryLock() { return LockOutcome::Unsupported; }
};

/// How a rename went; everything else is a StorageError.
enum class RenameOutcome : std::uint8_t
{
    Done,
    TargetExists,  ///< renameNoReplace: something is there; nothing was changed
    SourceMissing, ///< nothing at `from`, or, for exchange, at one of the paths
};

/// A folder tree. All paths are relative to its root; no call follows a symbolic link in any
/// component, leaves the root, or crosses into another mounted filesystem, whatever is changed in
/// the tree meanwhile.
///
/// Thread:  all methods may be called from any thread.
/// Errors:  StorageError with operation, path and errno. A link or a mount on the way to an entry
///          gives ELOOP or EXDEV; a missing parent gives ENOENT or ENOTDIR unless stated otherwise.
class FileSystem
{
public:
    virtual ~FileSystem() = default;

    /// Nothing when there is no such entry or its parent is missing, no folder or a link. The root has
    /// a stat too. An entry on which another filesystem is mounted is reported with that one's device.
    [[nodiscard]] virtual std::optional<FileStat> stat(const RelativePath& path) = 0;

    /// Calls `each` for every entry of a folder but "." and "..", in no order; it returns false to
    /// stop. The kind is a hint (Other when the filesystem does not tell).
    virtual void list(const RelativePath& folder,
                      const std::function<bool(std::string_view name, FileKind hint)>& each) = 0;

    /// Opens a regular file for reading; anything else is an error, and nothing blocks on a FIFO.
    /// The access time is left alone where the kernel allows it.
    [[nodiscard]] virtual std::unique_ptr<File> openRead(const RelativePath& path) = 0;

    /// Opens an existing regular file for reading and writing.
    [[nodiscard]] virtual std::unique_ptr<File> openWrite(const RelativePath& path) = 0;

    /// Makes a new, empty file with exactly `mode` (no umask); EEXIST when there is an entry.
    [[nodiscard]] virtual std::unique_ptr<File> createFile(const RelativePath& path,
                                                           std::uint32_t mode) = 0;

    [[nodiscard]] virtual std::string readSymlink(const RelativePath& path) = 0;
    virtual void createSymlink(const RelativePath& path, std::string_view target) = 0;

    /// Makes a folder with exactly `mode`; EEXIST when there is an entry.
    virtual void createDirectory(const RelativePath& path, std::uint32_t mode) = 0;

    /// Removes an empty folder (ENOTEMPTY otherwise, ENOTDIR when it is none).
    virtual void removeDirectory(const RelativePath& path) = 0;

    /// Removes a file, link or special file; EISDIR for a folder.
    virtual void removeFile(const RelativePath& path) = 0;

    /// renameat2(2) with RENAME_NOREPLACE. Where the filesystem has no such call: link and unlink
    /// for files, a check and a rename for folders.
    [[nodiscard]] virtual RenameOutcome renameNoReplace(const RelativePath& from,
                                                        const RelativePath& to) = 0;

    /// renameat2(2) with RENAME_EXCHANGE: both exist before and after, each at the other's path.
    [[nodiscard]] virtual RenameOutcome exchange(const RelativePath& a, const RelativePath& b) = 0;

    /// Permission bits of a file or folder; ELOOP for a symbolic link. Nothing happens on a filesystem that has no modes.
    virtual void setMode(const RelativePath& path, std::uint32_t mode) = 0;

    /// mtime of an entry, of the link itself for a symbolic link.
    virtual void setMtime(const RelativePath& path, FileTime mtime) = 0;

    /// Returns once the names in the folder are on the medium.
    virtual void syncDirectory(const RelativePath& folder) = 0;

    /// Returns once everything written to this filesystem before is on the medium (syncfs).
    virtual void syncAll() = 0;

    /// Bytes that an unprivileged process can still write.
    [[nodiscard]] virtual std::uint64_t freeBytes() = 0;
};

} // namespace tidewire
