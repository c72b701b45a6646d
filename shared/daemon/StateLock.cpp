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

void makeFolder(const std::string& folder)
{
    const std::string parent = std::filesystem::path(folder).parent_path().string();
    std::error_code error;
    std::filesystem::create_directories(parent, error);
    if (error)
    {
        throw StorageError("make folder", parent, error.value());
    }
    if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    {
        throwErrno("make folder", folder);
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
    makeFolder(folder);
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
