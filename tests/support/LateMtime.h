// An mtime that a 32-bit time_t cannot hold.

#pragma once

#include "shared/base/Errors.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>

namespace tidewire {

/// Sets the mtime of `path` to the year 2106. Throws when the filesystem cannot hold it.
inline void setLateMtime(const std::string& path)
{
    const timespec times[2] = {{0, UTIME_OMIT}, {4'294'967'296, 0}};
    if (::utimensat(AT_FDCWD, path.c_str(), times, 0) != 0)
    {
        throwErrno("utimens", path);
    }
}

} // namespace tidewire
