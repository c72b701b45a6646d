// Files with a private key, and who may read them.

#include "shared/noise/KeyFile.h"

#include "shared/base/Errors.h"
#include "shared/base/UniqueFd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tidewire {

namespace {

/// A key, and some room for blanks.
constexpr std::size_t kMostBytes = 128;

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

[[noreturn]] void refuse(const std::string& path, const std::string& what)
{
    throw Error("the key file " + printable(path) + " " + what);
}

UniqueFd openKeyFile(const std::string& path)
{
    // Without O_NONBLOCK a pipe in its place would hold the start up.
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file)
    {
        const int code = errno;
        const std::string text = "cannot be opened: " + std::generic_category().message(code);
        refuse(path,
               code == ENOENT
                   ? text + "; make one: (umask 077; tidewire genkey > " + printable(path) + ")"
                   : text);
    }
    return file;
}

void requirePrivate(const UniqueFd& file, const std::string& path)
{
    struct stat status = {};
    if (::fstat(file.get(), &status) != 0)
    {
        throwErrno("look at", path);
    }
    if (!S_ISREG(status.st_mode))
    {
        refuse(path, "is not a regular file");
    }
    if (status.st_uid != ::geteuid() && status.st_uid != 0)
    {
        refuse(path,
               "belongs to user " + std::to_string(status.st_uid) + "; give it to user " +
                   std::to_string(::geteuid()) + ": chown " + std::to_string(::geteuid()) + " " +
                   printable(path));
    }
    if ((status.st_mode & kOthers) != 0)
    {
        refuse(path, "is open to others; close it: chmod 600 " + printable(path));
    }
}

} // namespace

KeyPair readKeyFile(const std::string& path)
{
    const UniqueFd file = openKeyFile(path);
    requirePrivate(file, path);
    Secret<kMostBytes> text;
    std::size_t size = 0;
    for (ssize_t count = 1; count > 0 && size < kMostBytes;)
    {
        const MutableByteView room = text.bytes().subspan(size);
        count = ::read(file.get(), room.data(), room.size());
        if (count < 0)
        {
            throwErrno("read", path);
        }
        size += static_cast<std::size_t>(count);
    }
    const auto key = parsePrivateKey(withoutBlanks(asText(text.bytes().first(size))));
    if (!key)
    {
        refuse(path, "holds no key; make one with: tidewire genkey");
    }
    return keyPairOf(*key);
}

} // namespace tidewire
