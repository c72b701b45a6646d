// The seam between the watch tree and the kernel: looking at folders and watching them.

#pragma once

#include "shared/fs/RelativePath.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tidewire {

/// What a folder is, as far as watching it goes.
struct FolderInfo
{
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t mtimeSeconds = 0; ///< since 1970

    /// True when both are the same folder on the disk.
    [[nodiscard]] bool isSame(const FolderInfo& other) const
    {
        return device == other.device && inode == other.inode;
    }
};

/// How a look at a path went.
enum class LookResult : std::uint8_t
{
    Folder, ///< there is a folder
    Gone,   ///< nothing there, or no folder
    Behind, ///< the folder that should hold it is not at its path: events about it are unread
    Denied, ///< no permission
    Failed, ///< anything else; trying again later may help
};

/// An open folder.
class WatchableFolder
{
public:
    virtual ~WatchableFolder() = default;

    [[nodiscard]] virtual FolderInfo info() const = 0;

    /// Begins to watch it. The watch number (0 and up; the one it has when it is watched already),
    /// or the negated errno.
    [[nodiscard]] virtual int watch() = 0;

    /// Calls `each` for every folder in it, symbolic links not among them. 0, or the errno when not
    /// all of it could be read; EACCES when the folder's mode forbids to look at what is in it.
    [[nodiscard]] virtual int
    list(const std::function<void(std::string_view name, const FolderInfo& info)>& each) = 0;
};

/// Result of WatchPort::open().
struct OpenedFolder
{
    LookResult result = LookResult::Failed;
    std::unique_ptr<WatchableFolder> folder; ///< set when there is a folder
    int error = 0;                           ///< errno otherwise
};

/// What the watch tree asks of the kernel.
///
/// No call follows a symbolic link below `root`. `holder` is the inode that the folder above
/// `path` is known to have; it is not looked at for the root.
///
/// Thread: the watcher's own.
class WatchPort
{
public:
    virtual ~WatchPort() = default;

    [[nodiscard]] virtual OpenedFolder
    open(const std::string& root, const RelativePath& path, std::uint64_t holder) = 0;

    /// Fills `info` when there is a folder.
    [[nodiscard]] virtual LookResult look(const std::string& root,
                                          const RelativePath& path,
                                          std::uint64_t holder,
                                          FolderInfo& info) = 0;

    /// True for a regular file with one name: who made it will close it, and that will be told.
    [[nodiscard]] virtual bool willBeClosed(const std::string& root, const RelativePath& path) = 0;

    /// Ends a watch; it need not exist any more.
    virtual void unwatch(int wd) = 0;

    /// How many watches may be taken in all.
    [[nodiscard]] virtual std::uint64_t budget() = 0;
};

} // namespace tidewire
