// Ends another thread's wait for descriptors.

#include "shared/base/Wakeup.h"

#include "shared/base/Errors.h"

#include <sys/eventfd.h>

#include <cstdint>

namespace tidewire {

Wakeup::Wakeup(): _fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
{
    if (!_fd)
    {
        throwErrno("make", "eventfd");
    }
}

void Wakeup::wake() const
{
    // Fails only when the counter is full: it is readable then, which is all that is wanted.
    const std::uint64_t one = 1;
    static_cast<void>(!::write(_fd.get(), &one, sizeof one));
}

void Wakeup::clear() const
{
    std::uint64_t count = 0;
    static_cast<void>(!::read(_fd.get(), &count, sizeof count));
}

} // namespace tidewire
