// The FileSystem of the real disk: what looks, opens and syncs.

#include "shared/fs/PosixFileSystem.h"

#include "shared/base/Errors.h"
#include "shared/fs/PosixConvert.h"
#include "shared/fs/PosixFile.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <array>

namespace tidewire {

namespace {

struct CloseFolder
{
    void operator()(DIR* folder) const { ::closedir(folder); }
};

std::string labelOf(const RelativePath& path)
{
    return path.isRoot() ? "." : path.text();
}

/// A link on the way is no folder: what lies behind it is not part of the tree.
bool isAbsence(int error)
{
    return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

FileKind hintOf(unsigned char type)
{
    switch (type)
    {
    case DT_REG:
        return FileKind::File;
    case DT_DIR:
        return FileKind::Directory;
    case DT_LNK:
        return FileKind::Symlink;
    default:
        return FileKind::Other;
    }
}

} // namespace

PosixFileSystem::PosixFileSystem(const std::string& root, KernelCalls calls):
    _calls(calls),
    _opener(root, calls)
{
}

PosixFileSystem::Place PosixFileSystem::placeIn(UniqueFd folder, const RelativePath& path)
{
    std::string name = path.isRoot() ? "." : std::string(path.name());
    return {std::move(folder), std::move(name), labelOf(path)};
}

std::optional<PosixFileSystem::Place> PosixFileSystem::find(std::string_view operation,
                                                            const RelativePath& path) const
{
    OpenResult folder = _opener.folder(std::string(path.folder()), O_PATH);
    if (isAbsence(folder.error))
    {
        return std::nullopt;
    }
    if (folder.error != 0)
    {
        throw StorageError(operation, labelOf(path), folder.error);
    }
    return placeIn(std::move(folder.fd), path);
}

PosixFileSystem::Place PosixFileSystem::locate(std::string_view operation,
                                               const RelativePath& path) const
{
    OpenResult folder = _opener.folder(std::string(path.folder()), O_PATH);
    if (folder.error != 0)
    {
        throw StorageError(operation, labelOf(path), folder.error);
    }
    return placeIn(std::move(folder.fd), path);
}

std::optional<FileStat> PosixFileSystem::statAt(const Place& place)
{
    struct stat status = {};
    if (::fstatat(place.folder.get(),
                  place.name.c_str(),
                  &status,
                  AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0)
    {
        return toFileStat(status);
    }
    if (errno != ENOENT)
    {
        throwErrno("stat", place.path);
    }
    return std::nullopt;
}

std::optional<FileStat> PosixFileSystem::stat(const RelativePath& path)
{
    const std::optional<Place> place = find("stat", path);
    return place ? statAt(*place) : std::nullopt;
}

UniqueFd PosixFileSystem::openFolder(std::string_view operation, const RelativePath& path) const
{
    OpenResult result = _opener.folder(path.text(), O_RDONLY | O_NOATIME);
    if (result.error == EPERM)
    {
        result = _opener.folder(path.text(), O_RDONLY);
    }
    if (result.error != 0)
    {
        throw StorageError(operation, labelOf(path), result.error);
    }
    return std::move(result.fd);
}

void PosixFileSystem::list(const RelativePath& folder,
                           const std::function<bool(std::string_view, FileKind)>& each)
{
    UniqueFd fd = openFolder("list", folder);
    const std::unique_ptr<DIR, CloseFolder> stream(::fdopendir(fd.get()));
    if (!stream)
    {
        throwErrno("list", labelOf(folder));
    }
    fd.release();
    for (;;)
    {
        errno = 0;
        const dirent* item = ::readdir(stream.get());
        if (item == nullptr && errno != 0)
        {
            throwErrno("list", labelOf(folder));
        }
        if (item == nullptr)
        {
            return;
        }
        const std::string_view name(static_cast<const char*>(item->d_name));
        if (name != "." && name != ".." && !each(name, hintOf(item->d_type)))
        {
            return;
        }
    }
}

UniqueFd PosixFileSystem::openFile(const RelativePath& path, int flags) const
{
    const Place place = locate("open", path);
    // Looked at first, for opening a device may already set it in motion; O_NONBLOCK and the second
    // look are for what is swapped in between.
    const std::optional<FileStat> before = statAt(place);
    int error = before ? openErrorOf(before->kind) : ENOENT;
    OpenResult result;
    if (error == 0)
    {
        result = _opener.entry(place.folder.get(), place.name, flags | O_NONBLOCK);
        if (result.error == EPERM && (flags & O_NOATIME) != 0)
        {
            const int without = (flags & ~O_NOATIME) | O_NONBLOCK;
            result = _opener.entry(place.folder.get(), place.name, without);
        }
        error = result.error;
    }
    struct stat status = {};
    if (error == 0 && ::fstat(result.fd.get(), &status) != 0)
    {
        error = errno;
    }
    if (error == 0)
    {
        error = openErrorOf(toFileStat(status).kind);
    }
    if (error != 0)
    {
        throw StorageError("open", place.path, error);
    }
    return std::move(result.fd);
}

std::unique_ptr<File> PosixFileSystem::openRead(const RelativePath& path)
{
    return std::make_unique<PosixFile>(openFile(path, O_RDONLY | O_NOATIME), labelOf(path));
}

std::unique_ptr<File> PosixFileSystem::openWrite(const RelativePath& path)
{
    return std::make_unique<PosixFile>(openFile(path, O_RDWR), labelOf(path));
}

std::unique_ptr<File> PosixFileSystem::createFile(const RelativePath& path, std::uint32_t mode)
{
    const Place place = locate("create", path);
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    // Nobody else may open the file before it has its mode, and no umask may narrow that.
    UniqueFd fd(retryInterrupted(
        [&] { return ::openat(place.folder.get(), place.name.c_str(), flags, mode & 0600U); }));
    if (!fd)
    {
        throwErrno("create", place.path);
    }
    auto file = std::make_unique<PosixFile>(std::move(fd), place.path);
    file->setMode(mode);
    return file;
}

std::string PosixFileSystem::readSymlink(const RelativePath& path)
{
    const Place place = locate("readlink", path);
    std::array<char, kMaxPathBytes + 1> target{};
    const ssize_t length =
        ::readlinkat(place.folder.get(), place.name.c_str(), target.data(), target.size());
    if (length < 0)
    {
        throwErrno("readlink", place.path);
    }
    if (static_cast<std::size_t>(length) == target.size())
    {
        throw StorageError("readlink", place.path, ENAMETOOLONG);
    }
    return {target.data(), static_cast<std::size_t>(length)};
}

void PosixFileSystem::syncDirectory(const RelativePath& folder)
{
    const UniqueFd fd = openFolder("fsync", folder);
    // EINVAL: this filesystem cannot, which is no reason to give up (fsync(2)).
    if (retryInterrupted([&] { return ::fsync(fd.get()); }) != 0 && errno != EINVAL)
    {
        throwErrno("fsync", labelOf(folder));
    }
}

void PosixFileSystem::syncAll()
{
    const UniqueFd fd = openFolder("syncfs", RelativePath());
    if (::syncfs(fd.get()) != 0)
    {
        throwErrno("syncfs", ".");
    }
}

std::uint64_t PosixFileSystem::freeBytes()
{
    struct statvfs status = {};
    if (retryInterrupted([&] { return ::fstatvfs(_opener.root(), &status); }) != 0)
    {
        throwErrno("statfs", ".");
    }
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

} // namespace tidewire
