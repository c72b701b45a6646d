// What is mounted where, from /proc/self/mountinfo.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidewire {

/// One mount.
struct Mount
{
    std::string id; ///< changes when something is unmounted and mounted again
    std::string path;

    friend bool operator==(const Mount&, const Mount&) = default;
};

/// Reads the format of proc_pid_mountinfo(5); lines that do not have it are left out.
[[nodiscard]] std::vector<Mount> parseMounts(std::string_view mountinfo);

/// The mounts that decide what is seen at and below `folder`: those below it, at it, and above it.
[[nodiscard]] std::vector<Mount> mountsAround(const std::vector<Mount>& mounts,
                                              std::string_view folder);

} // namespace tidewire
