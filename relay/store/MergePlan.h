// Which pieces of a recipe are worth merging, and how recipes read the merged bytes; pure.

#pragma once

#include "shared/model/Entry.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace tidewire {

/// Most raw bytes that one plan merges.
inline constexpr std::uint64_t kMaxMergeBytes = 2 << 20;

/// Pieces `first` to `first + count - 1` of a recipe, all Data.
struct MergeRun
{
    std::size_t first = 0;
    std::size_t count = 0;
    std::uint64_t length = 0; ///< bytes
};

/// True when the recipe has so many small pieces that planMerge() is worth a look. Cost: O(n).
[[nodiscard]] bool isFragmented(const Recipe& recipe);

/// Runs of adjacent small pieces, front to back, at most kMaxMergeBytes in all; empty when merging
/// gains little.
///
/// Pieces are merged by size class, as in a log-structured merge tree: below 16 KiB, then below 256
/// KiB. So a log that grows by 200 bytes at a time keeps a short recipe and each of its bytes is
/// merged a few times at most. The 32 small pieces with the newest frames stay: agents that are a
/// little behind have them.
[[nodiscard]] std::vector<MergeRun> planMerge(const Recipe& recipe);

/// Where the bytes of old frames stand in new ones.
class FrameRemap
{
public:
    /// The bytes of `piece` stand in the linear space of frames (see Op) from `frame`, `offset` on
    /// too.
    void add(const Op& piece, FrameId frame, std::uint64_t offset);

    /// The recipe with every byte that has a new place read from there.
    [[nodiscard]] Recipe apply(const Recipe& recipe) const;

private:
    struct Target
    {
        std::uint64_t end = 0; // of the old range
        std::uint64_t to = 0;
    };
    std::map<std::uint64_t, Target> _ranges; // by start of the old range, without overlaps
};

} // namespace tidewire
