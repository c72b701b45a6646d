// Merges the many small pieces that appends and edits leave in the recipes of heads.

#pragma once

#include "relay/store/FramePool.h"
#include "relay/store/MergePlan.h"

#include <cstdint>

namespace tidewire {

/// Works off the table `fragmented`: copies runs of small pieces (see MergePlan.h) into new frames,
/// and lets the head and the latest earlier revisions of its path read them there, so that the
/// difference between any two of these stays as small as it was. No content changes.
///
/// Thread:  one at a time.
/// Errors:  StorageError; a damaged frame ends the work on that head.
/// Memory:  kMaxMergeBytes, and a few recipes.
class Compactor
{
public:
    Compactor(Database& database, FramePool& pool);

    /// Needs an open transaction. False when there was nothing to do.
    bool step();

private:
    /// False when there is nothing left to gain.
    [[nodiscard]] bool compact(Seq seq);
    [[nodiscard]] Recipe merge(const Recipe& recipe,
                               const std::vector<MergeRun>& runs,
                               const std::vector<Bytes>& contents,
                               FrameRemap& remap);
    [[nodiscard]] FrameId addFrames(ByteView content);
    [[nodiscard]] Bytes readRun(const Recipe& recipe, const MergeRun& run);
    void appendPiece(const Op& piece, Bytes& bytes);
    void store(Seq seq, const Recipe& recipe);
    void rewriteEarlier(Seq seq, std::int64_t entryId, const FrameRemap& remap);

    FramePool& _pool;

    Statement _next;
    Statement _revision;
    Statement _done;
    Statement _setRecipe;
    Statement _earlier;
};

} // namespace tidewire
