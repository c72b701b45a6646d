// The FileSystem of the real disk: what changes names, modes and times.

#include "shared/base/Errors.h"
#include "shared/fs/PosixConvert.h"
#include "shared/fs/PosixFileSystem.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

namespace tidewire {

void PosixFileSystem::createSymlink(const RelativePath& path, std::string_view target)
{
    const Place place = locate("symlink", path);
    if (target.find('\0') != std::string_view::npos)
    {
        throw StorageError("symlink", place.path, EINVAL);
    }
    const std::string text(target);
    if (::symlinkat(text.c_str(), place.folder.get(), place.name.c_str()) != 0)
    {
        throwErrno("symlink", place.path);
    }
}

void PosixFileSystem::createDirectory(const RelativePath& path, std::uint32_t mode)
{
    const Place place = locate("mkdir", path);
    if (::mkdirat(place.folder.get(), place.name.c_str(), mode & 0700U) != 0)
    {
        throwErrno("mkdir", place.path);
    }
    changeMode(place, mode);
}

void PosixFileSystem::removeDirectory(const RelativePath& path)
{
    const Place place = locate("rmdir", path);
    if (::unlinkat(place.folder.get(), place.name.c_str(), AT_REMOVEDIR) != 0)
    {
        throwErrno("rmdir", place.path);
    }
}

void PosixFileSystem::removeFile(const RelativePath& path)
{
    const Place place = locate("unlink", path);
    if (::unlinkat(place.folder.get(), place.name.c_str(), 0) != 0)
    {
        throwErrno("unlink", place.path);
    }
}

RenameOutcome PosixFileSystem::renameNoReplace(const RelativePath& from, const RelativePath& to)
{
    const std::optional<Place> source = find("rename", from);
    if (!source)
    {
        return RenameOutcome::SourceMissing;
    }
    const Place target = locate("rename", to);
    int error = ENOSYS;
    if (_calls == KernelCalls::Newest)
    {
        const int result = ::renameat2(source->folder.get(),
                                       source->name.c_str(),
                                       target.folder.get(),
                                       target.name.c_str(),
                                       RENAME_NOREPLACE);
        error = result == 0 ? 0 : errno;
    }
    // EINVAL is the answer of a filesystem without the flag, and of any that is asked to move a
    // folder into itself; the plain rename tells them apart.
    if (error == ENOSYS || error == EINVAL)
    {
        return renameByLink(*source, target);
    }
    if (error == EEXIST)
    {
        return RenameOutcome::TargetExists;
    }
    if (error == ENOENT && !statAt(*source))
    {
        return RenameOutcome::SourceMissing;
    }
    if (error != 0)
    {
        throw StorageError("rename", source->path, error);
    }
    return RenameOutcome::Done;
}

RenameOutcome PosixFileSystem::renameByLink(const Place& from, const Place& to)
{
    const std::optional<FileStat> source = statAt(from);
    if (!source)
    {
        return RenameOutcome::SourceMissing;
    }
    int result = 0;
    if (source->kind == FileKind::Directory)
    {
        // Should a folder appear after this look, rename(2) replaces it only while it is empty.
        if (statAt(to))
        {
            return RenameOutcome::TargetExists;
        }
        result = ::renameat(from.folder.get(), from.name.c_str(), to.folder.get(), to.name.c_str());
    }
    else
    {
        result =
            ::linkat(from.folder.get(), from.name.c_str(), to.folder.get(), to.name.c_str(), 0);
        if (result != 0 && errno == EEXIST)
        {
            return RenameOutcome::TargetExists;
        }
        if (result == 0)
        {
            result = ::unlinkat(from.folder.get(), from.name.c_str(), 0);
            // Somebody removed the old name meanwhile: that is what was to be done.
            result = result != 0 && errno == ENOENT ? 0 : result;
        }
    }
    if (result != 0)
    {
        throwErrno("rename", from.path);
    }
    return RenameOutcome::Done;
}

RenameOutcome PosixFileSystem::exchange(const RelativePath& a, const RelativePath& b)
{
    const std::optional<Place> first = find("exchange", a);
    const std::optional<Place> second = find("exchange", b);
    if (!first || !second)
    {
        return RenameOutcome::SourceMissing;
    }
    if (::renameat2(first->folder.get(),
                    first->name.c_str(),
                    second->folder.get(),
                    second->name.c_str(),
                    RENAME_EXCHANGE) == 0)
    {
        return RenameOutcome::Done;
    }
    if (errno == ENOENT)
    {
        return RenameOutcome::SourceMissing;
    }
    throwErrno("exchange", first->path);
}

void PosixFileSystem::changeMode(const Place& place, std::uint32_t mode) const
{
    const OpenResult entry = _opener.entry(place.folder.get(), place.name, O_PATH);
    struct stat status = {};
    int error = entry.error;
    if (error == 0 && ::fstat(entry.fd.get(), &status) != 0)
    {
        error = errno;
    }
    const FileKind kind = toFileStat(status).kind;
    if (error == 0 && kind != FileKind::Directory)
    {
        error = openErrorOf(kind);
    }
    if (error != 0)
    {
        throw StorageError("chmod", place.path, error);
    }
    // fchmod(2) refuses O_PATH descriptors, and other ones need rights that the owner may lack.
    const std::string magic = "/proc/self/fd/" + std::to_string(entry.fd.get());
    if (_calls == KernelCalls::Newest &&
        (::chmod(magic.c_str(), mode & 07777U) == 0 || isWithoutModes(errno)))
    {
        return;
    }
    if (_calls == KernelCalls::Newest && errno != ENOENT)
    {
        throwErrno("chmod", place.path);
    }
    const OpenResult readable =
        _opener.entry(place.folder.get(), place.name, O_RDONLY | O_NONBLOCK);
    if (readable.error != 0)
    {
        throw StorageError("chmod", place.path, readable.error);
    }
    if (::fchmod(readable.fd.get(), mode & 07777U) != 0 && !isWithoutModes(errno))
    {
        throwErrno("chmod", place.path);
    }
}

void PosixFileSystem::setMode(const RelativePath& path, std::uint32_t mode)
{
    changeMode(locate("chmod", path), mode);
}

void PosixFileSystem::setMtime(const RelativePath& path, FileTime mtime)
{
    const Place place = locate("utimens", path);
    const TimePair pair = toTimePair(mtime, place.path);
    // utimensat(2) would go through to what is mounted on the entry.
    const OpenResult entry = _opener.entry(place.folder.get(), place.name, O_PATH);
    if (entry.error != 0)
    {
        throw StorageError("utimens", place.path, entry.error);
    }
    if (::utimensat(place.folder.get(), place.name.c_str(), pair.times, AT_SYMLINK_NOFOLLOW) != 0)
    {
        throwErrno("utimens", place.path);
    }
}

} // namespace tidewire
