#include "shared/base/Clock.h"

#include <chrono>

namespace tidewire {

SteadyTime SystemClock::steady() const
{
    return std::chrono::steady_clock::now().time_since_epoch();
}

std::int64_t SystemClock::wallSeconds() const
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

} // namespace tidewire
