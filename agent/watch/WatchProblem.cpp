// Texts for people: why a folder is not wholly watched, and what helps.

#include "agent/watch/WatchProblem.h"

#include "shared/base/Errors.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <system_error>

namespace tidewire {

namespace {

constexpr std::uint64_t kLeastAdvised = 65536;

// Twice what is needed, because only half of the limit is taken, and twice that again, because
// subtrees are counted and not the folders in them.
std::uint64_t advisedLimit(const WatchShortage& shortage)
{
    const std::uint64_t needed = shortage.used + shortage.polled;
    return std::bit_ceil(std::max(kLeastAdvised, 4 * needed));
}

} // namespace

std::string shortageProblem(const WatchShortage& shortage)
{
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(shortage.cycle).count();
    const std::string effect = std::to_string(shortage.polled) +
                               " subtrees are looked at in turn instead, each every " +
                               std::to_string(seconds) + " s";
    if (shortage.code != ENOSPC && shortage.code != ENOMEM)
    {
        return "some folders cannot be watched (" + std::generic_category().message(shortage.code) +
               "): " + effect;
    }
    return "not enough inotify watches: " + std::to_string(shortage.used) + " in use, at most " +
           std::to_string(shortage.budget) +
           " are taken (half of the user's limit), needed are at least " +
           std::to_string(shortage.used + shortage.polled) + "; " + effect +
           ". To watch all: sysctl fs.inotify.max_user_watches=" +
           std::to_string(advisedLimit(shortage));
}

std::string rootLostProblem(const std::string& root)
{
    return printable(root) + " is not there any more: moved, deleted or unmounted";
}

} // namespace tidewire
