// Waiting for a condition: polling, since the world outside gives no signal.

#include "tests/e2e/support/Eventually.h"

#include <thread>

namespace tidewire::e2e {

std::chrono::milliseconds defaultDeadline()
{
    return std::chrono::seconds(kIsSlow ? 90 : 20);
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds deadline)
{
    using SteadyClock = std::chrono::steady_clock;

    const auto end = SteadyClock::now() + deadline;
    while (!condition())
    {
        if (SteadyClock::now() >= end)
        {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

} // namespace tidewire::e2e
