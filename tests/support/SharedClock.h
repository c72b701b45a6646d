// Time that a test moves by hand while other threads read it.

#pragma once

#include "shared/base/Clock.h"

#include <mutex>

namespace tidewire {

class SharedClock: public Clock
{
public:
    [[nodiscard]] SteadyTime steady() const override
    {
        const std::scoped_lock lock(_mutex);
        return _steady;
    }

    [[nodiscard]] std::int64_t wallSeconds() const override { return 1700000000; }

    void advance(SteadyTime by)
    {
        const std::scoped_lock lock(_mutex);
        _steady += by;
    }

private:
    // Not atomic: 64 bits at once are beyond the smallest boards.
    mutable std::mutex _mutex;
    SteadyTime _steady{0};
};

} // namespace tidewire
