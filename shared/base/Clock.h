// The seam to time.

#pragma once

#include <chrono>
#include <cstdint>

namespace tidewire {

/// Steady time since an arbitrary start; never steps, never decides between versions.
using SteadyTime = std::chrono::nanoseconds;

/// Where all code but the outermost loops gets the time from.
///
/// Thread: all methods may be called from any thread.
class Clock
{
public:
    virtual ~Clock() = default;

    /// Rises only; unaffected by changes of the date.
    [[nodiscard]] virtual SteadyTime steady() const = 0;

    /// Seconds since 1970 in UTC, for names and logs only: boards without a clock chip wake up in
    /// 1970, so nothing may be ordered by it.
    [[nodiscard]] virtual std::int64_t wallSeconds() const = 0;
};

/// The machine's clocks: CLOCK_MONOTONIC and CLOCK_REALTIME.
class SystemClock: public Clock
{
public:
    [[nodiscard]] SteadyTime steady() const override;
    [[nodiscard]] std::int64_t wallSeconds() const override;
};

} // namespace tidewire
