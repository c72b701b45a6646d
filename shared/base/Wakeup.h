// Ends another thread's wait for descriptors.

#pragma once

#include "shared/base/UniqueFd.h"

namespace tidewire {

/// An eventfd(2): readable from wake() until clear().
///
/// Thread: wake() from any thread; clear() from the one that waits.
/// Errors: StorageError when the process has no descriptor left.
class Wakeup
{
public:
    Wakeup();

    [[nodiscard]] int fd() const { return _fd.get(); }
    void wake() const;
    void clear() const;

private:
    UniqueFd _fd;
};

} // namespace tidewire
