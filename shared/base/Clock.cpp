#include "shared/base/Clock.h"

#include <ctime>

namespace tidewire {

namespace {

// Not by std::chrono: on 32-bit boards the clocks of the C++ library end in 2038.
timespec now(clockid_t clock)
{
    // Fails only for a clock that does not exist.
    timespec time = {};
    static_cast<void>(::clock_gettime(clock, &time));
    return time;
}

} // namespace

SteadyTime SystemClock::steady() const
{
    const timespec time = now(CLOCK_MONOTONIC);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::int64_t SystemClock::wallSeconds() const
{
    return now(CLOCK_REALTIME).tv_sec;
}

} // namespace tidewire
