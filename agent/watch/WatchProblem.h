// Texts for people: why a folder is not wholly watched, and what helps.

#pragma once

#include "shared/base/Clock.h"

#include <cstdint>
#include <string>

namespace tidewire {

/// What is known when some folders are without a watch.
struct WatchShortage
{
    int code = 0;             ///< errno of the refusal
    std::uint64_t used = 0;   ///< watches in use by this process
    std::uint64_t budget = 0; ///< watches that it may take
    std::uint64_t polled = 0; ///< subtrees without
    SteadyTime cycle{0};      ///< each is looked at once in this time
};

/// One sentence or two; for a full limit with the numbers and the sysctl line that lifts it.
[[nodiscard]] std::string shortageProblem(const WatchShortage& shortage);

[[nodiscard]] std::string rootLostProblem(const std::string& root);

} // namespace tidewire
