// One log line for a burst of changes.

#pragma once

#include "shared/base/Clock.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace tidewire {

/// Adds up what was done until it has been quiet for kQuiet, at the longest for kLongest.
class BatchReport
{
public:
    static constexpr SteadyTime kQuiet = std::chrono::seconds(1);
    static constexpr SteadyTime kLongest = std::chrono::minutes(1);

    void add(std::size_t sent, std::uint64_t sentBytes, std::size_t applied, SteadyTime now);

    /// The line, when it is due; begins anew then.
    std::optional<std::string> take(SteadyTime now);

    [[nodiscard]] std::optional<SteadyTime> nextDue() const;

private:
    std::size_t _sent = 0;
    std::uint64_t _sentBytes = 0;
    std::size_t _applied = 0;
    SteadyTime _first{};
    SteadyTime _last{};
};

} // namespace tidewire
