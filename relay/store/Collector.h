// Finds frames that no recipe reads any more and gives their room back.

#pragma once

#include "relay/store/FramePool.h"
#include "relay/store/StoreOptions.h"
#include "relay/store/Uploads.h"

#include <cstdint>
#include <deque>

namespace tidewire {

/// A cycle of mark and sweep in small steps between the batches.
///
/// Mark: the frames of all recipes and open uploads go into temp.mark, in order of seq up to the
/// newest one. What is inserted or accepted meanwhile is marked by FramePool and Arbiter, and
/// Retention rests, so no frame that is read can be missed.
/// Sweep: segments without a marked frame are dropped; then the living of those that are less than
/// half alive are copied and those dropped too. A segment's rows go with the transaction and its
/// file after it, so a crash leaves at most a file that the next start removes.
///
/// Thread:  one at a time.
/// Errors:  StorageError. A segment with a damaged living frame is left alone.
/// Memory:  the ranges of one recipe; the marks are in SQLite's temporary file.
class Collector
{
public:
    Collector(Database& database,
              Segments& segments,
              FramePool& pool,
              Uploads& uploads,
              const StoreOptions& options);

    /// Needs an open transaction. False when there was nothing to do.
    bool step(std::int64_t nowSeconds);

    [[nodiscard]] bool isRunning() const { return _phase != Phase::Idle; }

    /// The transaction of the last step was rolled back: gives the cycle up.
    void abandon();

private:
    enum class Phase : std::uint8_t
    {
        Idle,
        Mark,
        DropDead,
        CopyLiving,
    };

    [[nodiscard]] bool isDue(std::int64_t nowSeconds) const;
    void start(std::int64_t nowSeconds);
    void markSome();
    [[nodiscard]] bool loadRecipe();
    void sweepNext(std::int64_t nowSeconds);
    void endPass();
    void copySome();
    void finish();

    Segments& _segments;
    FramePool& _pool;
    Uploads& _uploads;
    const StoreOptions _options;

    Phase _phase = Phase::Idle;
    std::int64_t _startedAt = 0;
    bool _hasRun = false;
    std::uint64_t _garbageSeen = 0;
    bool _leftSome = false;     // segments that were too recent
    std::deque<Op> _ranges;     // to be marked
    Seq _marked = 0;            // recipes up to here are marked
    std::uint32_t _segment = 0; // the last one that was looked at
    std::uint32_t _copying = 0; // whose living are being copied; 0: none

    Statement _clearMarks;
    Statement _nextRecipe;
    Statement _nextSegment;
    Statement _livingBytes;
    Statement _living;
};

} // namespace tidewire
