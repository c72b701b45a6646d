// Which paths are not synchronised: gitignore's patterns.

#pragma once

#include "shared/delta/ContentHash.h"
#include "shared/fs/RelativePath.h"

#include <string>
#include <string_view>
#include <vector>

namespace tidewire {

/// Name of the file in the root of a share whose lines are patterns; it is synchronised like any file.
inline constexpr std::string_view kIgnoreFile = ".tidewireignore";

/// Largest ignore file that is read, in bytes, and most patterns taken from one.
inline constexpr std::size_t kMaxIgnoreFileBytes = 1 << 20;
inline constexpr std::size_t kMaxIgnorePatterns = 10000;

/// Patterns with the semantics of gitignore(5): the last one that matches decides; "!" takes back; a trailing "/" matches folders alone; a "/" at
/// the start or inside anchors at the root; "*", "?", "[...]" (with POSIX classes) do not match "/"; "**" does; backslash quotes; trailing blanks
/// are dropped unless quoted; below an ignored folder everything is ignored and cannot be taken back.
///
/// Matching takes time in proportion to pattern and path, for any pattern (no exponential backtracking), and allocates nothing per call.
/// Thread: constant after the adds; then any.
class IgnoreRules
{
public:
    /// One pattern, as from the INI file.
    void addPattern(std::string_view line);

    /// All lines of a file: "#" begins a comment, empty lines separate; CR before LF is taken as part of the line as git does.
    void addFile(std::string_view content);

    /// Whether the path, or a folder above it, is ignored. kPrivateFolder always is.
    [[nodiscard]] bool isIgnored(const RelativePath& path, bool isDirectory) const;

    /// Like isIgnored(), when it is known that the folder above is not: what a scan asks on its way down.
    [[nodiscard]] bool isEntryIgnored(const RelativePath& path, bool isDirectory) const;

    /// Tells one set of rules from another.
    [[nodiscard]] Hash fingerprint() const;

    // private part: yours to design
};

} // namespace tidewire
