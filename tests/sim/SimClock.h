// Time of a simulation: stands still until the world moves it.

#pragma once

#include "shared/base/Clock.h"
#include "shared/fs/FileSystem.h"

#include <algorithm>
#include <memory>

namespace tidewire {

/// Wall clock and steady clock run together.
class SimClock: public Clock
{
public:
    [[nodiscard]] SteadyTime steady() const override { return _now; }
    [[nodiscard]] std::int64_t wallSeconds() const override
    {
        return kStart + std::chrono::duration_cast<std::chrono::seconds>(_now).count();
    }

    void advance(SteadyTime by) { _now += by; }

    /// The time for the next change on a disk: never the same twice.
    [[nodiscard]] FileTime fileTime()
    {
        _lastChange = std::max(_lastChange + SteadyTime(1), _now);
        return {kStart + _lastChange.count() / kNanos,
                static_cast<std::uint32_t>(_lastChange.count() % kNanos)};
    }

private:
    static constexpr std::int64_t kStart = 1'700'000'000;
    static constexpr std::int64_t kNanos = 1'000'000'000;

    SteadyTime _now{0};
    SteadyTime _lastChange{0};
};

} // namespace tidewire
