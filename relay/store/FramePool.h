// The frames of a share: their ids, where each is kept, and which are worth keeping.

#pragma once

#include "relay/store/Segments.h"
#include "shared/db/Statement.h"
#include "shared/delta/Recipe.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace tidewire {

/// A frame that stands in a segment.
struct StagedFrame
{
    FramePlace place;
    RecordHeader header;
};

/// Frames by id, over the segments and the tables `frame`, `segment` and `pool`.
///
/// All changes belong to the open transaction of the database; settle() goes before its commit,
/// keep() or forget() after it.
///
/// Thread:  one at a time.
/// Errors:  StorageError, CorruptError.
class FramePool
{
public:
    FramePool(Database& database, Segments& segments);

    /// The segments that the journal knows, for Segments::open().
    [[nodiscard]] static std::vector<SegmentSize> knownSegments(Database& database);

    /// Takes `count` consecutive ids and returns the first. StorageError (EOVERFLOW) when there are
    /// no more.
    [[nodiscard]] FrameId reserve(std::uint64_t count);

    /// Gives the ids from `first` on back, when they are the latest that were reserved.
    void giveBack(FrameId first, std::uint64_t count);

    /// Writes a frame to a segment; it does not exist for readers before insert().
    [[nodiscard]] StagedFrame stage(SegmentLane lane, FrameId id, const Frame& frame);

    /// Gives a staged frame to readers; its lane is synced with the commit.
    void insert(SegmentLane lane, const StagedFrame& frame);

    /// reserve(), stage() and insert().
    FrameId add(SegmentLane lane, const Frame& frame);

    /// Moves a frame's bytes to a new place; its id stays.
    void relocate(FrameId id, SegmentLane lane);

    [[nodiscard]] std::uint32_t rawLength(FrameId id);
    [[nodiscard]] Frame read(FrameId id);

    /// Largest id in [first, last] that exists; nothing when there is none.
    [[nodiscard]] std::optional<FrameId> lastIn(FrameId first, FrameId last);
    [[nodiscard]] std::optional<RecordHeader> header(FrameId id);

    /// Notes that frames may have lost their last reader.
    void noteGarbage(std::uint64_t events = 1);
    [[nodiscard]] std::uint64_t garbage() const { return _counters.garbage; }
    void clearGarbage(std::uint64_t events);

    /// While it is on, every frame that is inserted is put into temp.mark.
    void setMarking(bool on) { _marking = on; }
    [[nodiscard]] bool isMarking() const { return _marking; }

    /// Puts the frames that a Data operation reads into temp.mark.
    void mark(const Op& data);
    void mark(FrameId id);

    /// Removes a segment with all its frames; its file goes after the commit.
    void dropSegment(std::uint32_t number);

    /// Before the commit: syncs the lanes whose frames were inserted, writes down sizes and
    /// counters.
    void settle(std::int64_t wallSeconds);

    void keep();

    /// Goes back to the last keep(). With `uncertain` the commit itself failed, and the appended
    /// bytes stay in case it reached the disk.
    void forget(bool uncertain);

private:
    struct Counters
    {
        FrameId nextFrame = 1;
        std::uint64_t garbage = 0;
        friend bool operator==(const Counters&, const Counters&) = default;
    };

    [[nodiscard]] std::optional<StagedFrame> find(FrameId id);

    Segments& _segments;
    Counters _counters;
    Counters _kept;
    std::array<bool, kSegmentLanes.size()> _needsSync{};
    std::vector<std::uint32_t> _doomed;
    bool _marking = false;

    Statement _insert;
    Statement _find;
    Statement _move;
    Statement _lastIn;
    Statement _mark;
    Statement _setSegment;
    Statement _setCounters;
    Statement _dropFrames;
    Statement _dropSegment;
};

} // namespace tidewire
