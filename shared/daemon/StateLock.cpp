// Keeps two processes from sharing one state folder.

#include "shared/daemon/StateLock.h"

#include "shared/base/Errors.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <filesystem>

namespace tidewire {

namespace {

/// Makes `folder` with just that mode, whatever the umask is, and those above it readable for everybody.
/// Not by std::filesystem, which fails at an mtime beyond 2038 on 32-bit boards.
void makeFolder(const std::filesystem::path& folder, mode_t mode)
{
    int result = ::mkdir(folder.c_str(), mode);
    if (result != 0 && errno == ENOENT && folder.has_parent_path())
    {
        makeFolder(folder.parent_path(), S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH);
        result = ::mkdir(folder.c_str(), mode);
    }
    if (result == 0)
    {
        result = ::chmod(folder.c_str(), mode);
    }
    if (result != 0 && errno != EEXIST)
    {
        throwErrno("make folder", folder.string());
    }
}

std::string holder(int fd)
{
    std::array<char, 32> text{};
    const ssize_t count = ::pread(fd, text.data(), text.size() - 1, 0);
    return count > 0 ? "process " + printable({text.data(), static_cast<std::size_t>(count)})
                     : "another process";
}

} // namespace

StateLock::StateLock(const std::string& folder)
{
    makeFolder(folder, S_IRWXU);
    const std::string path = folder + "/.lock";
    _file.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!_file)
    {
        throwErrno("open", path);
    }
    if (::flock(_file.get(), LOCK_EX | LOCK_NB) != 0)
    {
        if (errno != EWOULDBLOCK)
        {
            throwErrno("lock", path);
        }
        throw Error("the state folder " + printable(folder) + " is in use by " +
                    holder(_file.get()));
    }
    // The number only informs: the lock itself is what counts.
    const std::string number = std::to_string(::getpid());
    if (::ftruncate(_file.get(), 0) != 0 ||
        ::pwrite(_file.get(), number.data(), number.size(), 0) < 0)
    {
        throwErrno("write", path);
    }
}

} // namespace tidewire
