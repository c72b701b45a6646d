// Opens entries below a root such that no symbolic link and no mount can lead outside.

#include "shared/fs/BeneathOpen.h"

#include "shared/base/Errors.h"
#include "shared/fs/PosixConvert.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>

namespace tidewire {

namespace {

OpenResult resultOf(int fd)
{
    return fd >= 0 ? OpenResult{UniqueFd(fd), 0} : OpenResult{UniqueFd(), errno};
}

OpenResult openAt(int folder, const char* name, int flags)
{
    return resultOf(
        retryInterrupted([&] { return ::openat(folder, name, flags | O_CLOEXEC | O_NOCTTY); }));
}

OpenResult openAt2(int folder, const char* path, int flags)
{
    open_how how{};
    flags |= O_CLOEXEC;
    if ((flags & O_PATH) == 0)
    {
        // Unlike open(2), openat2(2) takes 64-bit offsets on 32-bit machines only when told so.
        flags |= O_NOCTTY | O_LARGEFILE;
    }
    how.flags = static_cast<unsigned int>(flags);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
    return resultOf(static_cast<int>(
        retryInterrupted([&] { return ::syscall(SYS_openat2, folder, path, &how, sizeof how); })));
}

UniqueFd openRoot(const std::string& root)
{
    OpenResult result = openAt(AT_FDCWD, root.c_str(), O_PATH | O_DIRECTORY);
    if (result.error != 0)
    {
        throw StorageError("open", root, result.error);
    }
    return std::move(result.fd);
}

} // namespace

BeneathOpen::BeneathOpen(const std::string& root, KernelCalls calls): _root(openRoot(root))
{
    struct stat status = {};
    if (::fstat(_root.get(), &status) != 0)
    {
        throwErrno("stat", root);
    }
    _device = status.st_dev;
    if (calls == KernelCalls::Newest)
    {
        const OpenResult probe = openAt2(_root.get(), ".", O_PATH | O_DIRECTORY);
        _usesOpenat2 = probe.error != ENOSYS && probe.error != EPERM;
    }
}

OpenResult BeneathOpen::folder(const std::string& path, int flags) const
{
    flags |= O_DIRECTORY;
    if (_usesOpenat2)
    {
        return openAt2(_root.get(), path.empty() ? "." : path.c_str(), flags);
    }
    OpenResult found = walk(path);
    if (found.error != 0 || (flags & O_PATH) != 0)
    {
        return found;
    }
    return openAt(found.fd.get(), ".", flags);
}

OpenResult BeneathOpen::entry(int folder, const std::string& name, int flags) const
{
    flags |= O_NOFOLLOW;
    if (_usesOpenat2)
    {
        return openAt2(folder, name.c_str(), flags);
    }
    OpenResult result = openAt(folder, name.c_str(), flags);
    struct stat status = {};
    if (result.error == 0 && ::fstat(result.fd.get(), &status) != 0)
    {
        return {UniqueFd(), errno};
    }
    if (result.error == 0 && status.st_dev != _device)
    {
        return {UniqueFd(), EXDEV};
    }
    return result;
}

OpenResult BeneathOpen::walk(const std::string& path) const
{
    OpenResult current = openAt(_root.get(), ".", O_PATH | O_DIRECTORY);
    std::size_t start = 0;
    while (current.error == 0 && start < path.size())
    {
        const std::size_t slash = std::min(path.find('/', start), path.size());
        current = step(current.fd.get(), path.substr(start, slash - start));
        start = slash + 1;
    }
    return current;
}

OpenResult BeneathOpen::step(int folder, const std::string& name) const
{
    // Without O_DIRECTORY, for that would say ENOTDIR of a link, too.
    OpenResult result = entry(folder, name, O_PATH);
    struct stat status = {};
    if (result.error == 0 && ::fstat(result.fd.get(), &status) != 0)
    {
        return {UniqueFd(), errno};
    }
    if (result.error == 0 && !S_ISDIR(status.st_mode))
    {
        return {UniqueFd(), S_ISLNK(status.st_mode) ? ELOOP : ENOTDIR};
    }
    return result;
}

} // namespace tidewire
