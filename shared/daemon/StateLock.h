// Keeps two processes from sharing one state folder.

#pragma once

#include "shared/base/UniqueFd.h"

#include <string>

namespace tidewire {

/// The folder's lock, held while this lives; the kernel lets it go however the process ends.
///
/// Thread: one.
class StateLock
{
public:
    /// Makes `folder` (an absolute path) when it is missing, mode 0700, and locks `folder/.lock`
    /// (flock(2)). Error that names the process that holds the lock; StorageError for the rest.
    explicit StateLock(const std::string& folder);

private:
    UniqueFd _file;
};

} // namespace tidewire
