// A folder tree as it looks from outside, to be compared with another.

#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace tidewire::e2e {

/// What a snapshot looks at.
enum class SnapshotDepth : std::uint8_t
{
    Metadata, ///< everything but what stands in the files
    Content,
};

/// One path of a snapshot.
struct SnapshotEntry
{
    char kind = '?';               ///< 'f', 'd', 'l'; '?' for everything else
    unsigned mode = 0;             ///< bits below 0777; 0 for links
    std::int64_t mtimeSeconds = 0; ///< files and links
    std::int64_t mtimeNanoseconds = 0;
    std::uint64_t size = 0; ///< files
    std::string content;    ///< files: hash as text, or empty; links: the target

    friend bool operator==(const SnapshotEntry&, const SnapshotEntry&) = default;
};

/// All entries below a folder but ".tidewire" in its root, by path.
///
/// Links are not followed, special files are left out, holes are not read: two files with the same
/// bytes are equal, whatever their holes are. Entries that vanish while the walk goes on are left out.
class TreeSnapshot
{
public:
    static TreeSnapshot take(const std::string& root, SnapshotDepth depth = SnapshotDepth::Content);

    [[nodiscard]] const std::map<std::string, SnapshotEntry>& entries() const { return _entries; }

    /// Empty when both are equal; else at most ten lines that a person can read.
    [[nodiscard]] std::string differenceTo(const TreeSnapshot& other) const;

private:
    void walk(const std::string& folder, const std::string& prefix, SnapshotDepth depth);

    std::map<std::string, SnapshotEntry> _entries;
};

/// Compares the metadata first and the contents only when that is equal. Empty when all is equal.
[[nodiscard]] std::string treeDifference(const std::string& left, const std::string& right);

} // namespace tidewire::e2e
