// Keeps a log readable when the same thing goes wrong again and again.

#pragma once

#include "shared/base/Clock.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tidewire {

/// Lets one event pass in each interval and counts the others.
///
/// Thread: one.
class RateLimit
{
public:
    explicit RateLimit(SteadyTime interval): _interval(interval) {}

    /// The number of events that were held back since the last one that passed; nothing when this
    /// one is to be held back.
    [[nodiscard]] std::optional<std::uint64_t> pass(SteadyTime now)
    {
        if (_last && now - *_last < _interval)
        {
            ++_held;
            return std::nullopt;
        }
        const std::uint64_t held = _held;
        _held = 0;
        _last = now;
        return held;
    }

    /// Forgets: the next event passes.
    void reset()
    {
        _last.reset();
        _held = 0;
    }

private:
    const SteadyTime _interval;
    std::optional<SteadyTime> _last;
    std::uint64_t _held = 0;
};

/// Lets a text pass when it differs from the one before; the same text once an interval, with the
/// number of times that it came.
///
/// Thread: one.
class RepeatFilter
{
public:
    explicit RepeatFilter(SteadyTime interval): _limit(interval) {}

    /// The line to log; nothing when it is to be held back.
    [[nodiscard]] std::optional<std::string> pass(const std::string& text, SteadyTime now)
    {
        if (text != _text)
        {
            _text = text;
            _limit.reset();
        }
        const auto held = _limit.pass(now);
        if (!held)
        {
            return std::nullopt;
        }
        return *held == 0 ? text : text + " (and " + std::to_string(*held) + " times before)";
    }

    /// Forgets: the next text passes.
    void reset() { _text.clear(); }

private:
    RateLimit _limit;
    std::string _text;
};

} // namespace tidewire
