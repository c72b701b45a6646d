// Which paths are not synchronised: gitignore's patterns.

#pragma once

#include "agent/scan/GlobPattern.h"
#include "shared/delta/ContentHash.h"
#include "shared/fs/RelativePath.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire {

/// Name of the file in the root of a share whose lines are patterns; it is synchronised like any
/// file.
inline constexpr std::string_view kIgnoreFile = ".tidewireignore";

/// Largest ignore file that is read, in bytes, and most patterns taken from one.
inline constexpr std::size_t kMaxIgnoreFileBytes = 1 << 20;
inline constexpr std::size_t kMaxIgnorePatterns = 10000;

/// Patterns with the semantics of gitignore(5): the last one that matches decides; "!" takes back;
/// a trailing "/" matches folders alone; a "/" at the start or inside anchors at the root; "*",
/// "?", "[...]" (with POSIX classes) do not match "/"; "**" does; backslash quotes; trailing blanks
/// are dropped unless quoted; below an ignored folder everything is ignored and cannot be taken
/// back.
///
/// Where the manual is silent it does what git does (tested against it): a CR before LF and a UTF-8
/// byte order mark at the start are dropped; "**" right behind plain text at the start of an
/// anchored pattern ("a/b**/c") matches "/" as well.
///
/// Matching takes time in proportion to pattern and path, for any pattern (no exponential
/// backtracking), and allocates nothing per call.
/// Thread: constant after the adds; then any. Memory: at most some 40 bytes per byte of pattern.
class IgnoreRules
{
public:
    /// One pattern, as from the INI file. A "#" at its start is part of it.
    void addPattern(std::string_view line);

    /// All lines of a file: "#" begins a comment, empty lines separate. What is beyond
    /// kMaxIgnoreFileBytes or kMaxIgnorePatterns is left out, in whole lines.
    void addFile(std::string_view content);

    /// Whether the path, or a folder above it, is ignored. kPrivateFolder always is.
    [[nodiscard]] bool isIgnored(const RelativePath& path, bool isDirectory) const;

    /// Like isIgnored(), when it is known that the folder above is not: what a scan asks on its way
    /// down.
    [[nodiscard]] bool isEntryIgnored(const RelativePath& path, bool isDirectory) const;

    /// Tells one set of rules from another; zeros when there are none.
    [[nodiscard]] Hash fingerprint() const { return _fingerprint; }

private:
    struct Pattern
    {
        bool negated = false;            ///< begins with "!"
        bool folderOnly = false;         ///< ends with "/"
        bool nameOnly = false;           ///< has no other "/": matches the last name of any path
        bool isSuffix = false;           ///< "*" and then `plain`, which has no wildcards
        std::string plain;               ///< what comes before the first wildcard
        std::optional<GlobPattern> glob; ///< the rest; none: the text must end there

        [[nodiscard]] bool matches(std::string_view text) const;
    };

    [[nodiscard]] bool decide(std::string_view path, bool isDirectory) const;

    std::vector<Pattern> _patterns;
    Hash _fingerprint;
};

} // namespace tidewire
