// The watch tree's access to the kernel: inotify and openat.

#include "agent/watch/InotifyPort.h"

#include "shared/base/Errors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

namespace tidewire {

namespace {

// IN_EXCL_UNLINK: a file that was deleted or replaced while a program has it open would go on
// reporting under a name that is no longer its own.
// IN_DONT_FOLLOW has no place here: the path is /proc's link to a descriptor that was opened with
// O_NOFOLLOW.
constexpr std::uint32_t kEvents = IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB |
                                  IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ONLYDIR | IN_EXCL_UNLINK;

constexpr int kFolderOnly = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// max_user_watches of a kernel that does not tell.
constexpr std::uint64_t kLeastLimit = 8192;

FolderInfo toInfo(const struct stat& status)
{
    return {static_cast<std::uint64_t>(status.st_dev),
            static_cast<std::uint64_t>(status.st_ino),
            static_cast<std::int64_t>(status.st_mtim.tv_sec)};
}

LookResult resultOf(int code)
{
    switch (code)
    {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
        return LookResult::Gone;
    case EACCES:
    case EPERM:
        return LookResult::Denied;
    default:
        return LookResult::Failed;
    }
}

struct OpenResult
{
    LookResult result = LookResult::Folder;
    int error = 0;
    UniqueFd fd;
    struct stat status
    {
    };
};

OpenResult failed(int code)
{
    OpenResult result;
    result.result = resultOf(code);
    result.error = code;
    return result;
}

// Listing a folder must not make the kernel write a new access time to the card.
int openQuietly(int holder, const std::string& name, int flags)
{
    const int fd = ::openat(holder, name.c_str(), flags | O_NOATIME);
    return fd < 0 && errno == EPERM ? ::openat(holder, name.c_str(), flags) : fd;
}

OpenResult openAt(int holder, const std::string& name, int flags)
{
    OpenResult opened;
    const bool isListable = (flags & O_PATH) == 0;
    opened.fd = UniqueFd(isListable ? openQuietly(holder, name, flags)
                                    : ::openat(holder, name.c_str(), flags));
    if (!opened.fd || ::fstat(opened.fd.get(), &opened.status) != 0)
    {
        return failed(errno);
    }
    return opened;
}

// `access` is O_RDONLY, or O_PATH for a look.
OpenResult
openFolder(const std::string& root, const RelativePath& path, std::uint64_t holder, int access)
{
    if (path.isRoot())
    {
        return openAt(AT_FDCWD, root, access | kFolderOnly);
    }
    OpenResult above = openAt(AT_FDCWD, root, O_PATH | kFolderOnly);
    std::string_view rest = path.folder();
    while (above.result == LookResult::Folder && !rest.empty())
    {
        const std::size_t slash = rest.find('/');
        above = openAt(above.fd.get(), std::string(rest.substr(0, slash)), O_PATH | kFolderOnly);
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    }
    const bool isOther = above.result == LookResult::Folder && toInfo(above.status).inode != holder;
    if (isOther || above.result == LookResult::Gone)
    {
        above.result = LookResult::Behind;
    }
    if (above.result != LookResult::Folder)
    {
        return above;
    }
    return openAt(above.fd.get(), std::string(path.name()), access | kFolderOnly);
}

struct CloseDir
{
    void operator()(DIR* stream) const { ::closedir(stream); }
};

class InotifyFolder: public WatchableFolder
{
public:
    InotifyFolder(int inotify, UniqueFd fd, const FolderInfo& info):
        _inotify(inotify),
        _fd(std::move(fd)),
        _info(info)
    {
    }

    [[nodiscard]] FolderInfo info() const override { return _info; }

    [[nodiscard]] int watch() override
    {
        const std::string link = "/proc/self/fd/" + std::to_string(_fd.get());
        const int wd = ::inotify_add_watch(_inotify, link.c_str(), kEvents);
        return wd < 0 ? -errno : wd;
    }

    [[nodiscard]] int
    list(const std::function<void(std::string_view name, const FolderInfo& info)>& each) override
    {
        const std::unique_ptr<DIR, CloseDir> stream(::fdopendir(_fd.get()));
        if (stream == nullptr)
        {
            return errno;
        }
        _fd.release();
        int problem = 0;
        while (true)
        {
            errno = 0;
            // One stream is read by one thread, as POSIX.1-2024 asks; readdir_r is deprecated.
            const dirent* entry = ::readdir(stream.get()); // NOLINT(concurrency-mt-unsafe)
            if (entry == nullptr)
            {
                return errno != 0 ? errno : problem;
            }
            const std::string_view name = &entry->d_name[0];
            const bool mayBeFolder = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
            struct stat status
            {
            };
            if (!mayBeFolder || !isValidName(name))
            {
                continue;
            }
            if (::fstatat(::dirfd(stream.get()), &entry->d_name[0], &status, AT_SYMLINK_NOFOLLOW) !=
                0)
            {
                problem = errno == ENOENT ? problem : errno;
            }
            else if (S_ISDIR(status.st_mode))
            {
                each(name, toInfo(status));
            }
        }
    }

private:
    int _inotify;
    UniqueFd _fd;
    FolderInfo _info;
};

} // namespace

InotifyPort::InotifyPort(std::optional<std::uint64_t> budget): _budget(budget)
{
    _inotify.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!_inotify)
    {
        throwErrno("inotify_init1 (limit: fs.inotify.max_user_instances)", "");
    }
}

ByteView InotifyPort::read(MutableByteView buffer)
{
    while (true)
    {
        const ssize_t count = ::read(_inotify.get(), buffer.data(), buffer.size());
        if (count >= 0)
        {
            return buffer.first(static_cast<std::size_t>(count));
        }
        if (errno == EAGAIN)
        {
            return {};
        }
        if (errno != EINTR)
        {
            throwErrno("read", "inotify");
        }
    }
}

OpenedFolder
InotifyPort::open(const std::string& root, const RelativePath& path, std::uint64_t holder)
{
    OpenResult opened = openFolder(root, path, holder, O_RDONLY);
    OpenedFolder result{opened.result, nullptr, opened.error};
    if (opened.result == LookResult::Folder)
    {
        result.folder = std::make_unique<InotifyFolder>(
            _inotify.get(), std::move(opened.fd), toInfo(opened.status));
    }
    return result;
}

LookResult InotifyPort::look(const std::string& root,
                             const RelativePath& path,
                             std::uint64_t holder,
                             FolderInfo& info)
{
    const OpenResult opened = openFolder(root, path, holder, O_PATH);
    info = toInfo(opened.status);
    return opened.result;
}

bool InotifyPort::willBeClosed(const std::string& root, const RelativePath& path)
{
    // A link on the way may answer for another file; the answer decides about a delay only.
    struct stat status
    {
    };
    return ::lstat((root + "/" + path.text()).c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
           status.st_nlink == 1;
}

void InotifyPort::unwatch(int wd)
{
    // EINVAL: the kernel ended it already, the folder is gone.
    (void)::inotify_rm_watch(_inotify.get(), wd);
}

std::uint64_t InotifyPort::budget()
{
    if (_budget)
    {
        return *_budget;
    }
    const UniqueFd file(::open("/proc/sys/fs/inotify/max_user_watches", O_RDONLY | O_CLOEXEC));
    std::array<char, 32> text{};
    std::uint64_t limit = kLeastLimit;
    const ssize_t count = file ? ::read(file.get(), text.data(), text.size()) : 0;
    if (count > 0)
    {
        std::from_chars(text.data(), text.data() + count, limit);
    }
    return limit / 2;
}

} // namespace tidewire
