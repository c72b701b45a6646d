// The segment files of a share: appends frames, reads them back, and forgets an unfinished batch.

#pragma once

#include "relay/store/SegmentFormat.h"
#include "shared/fs/FileSystem.h"

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire {

/// Frames of different fate go to different files. Persisted: never renumber.
enum class SegmentLane : std::uint8_t
{
    Small = 0,  ///< of small changes: synced with every commit that has any
    Bulk = 1,   ///< of uploads: synced now and then, so that commits do not wait for bulk data
    Upkeep = 2, ///< copied or merged by the store itself
};

inline constexpr std::array kSegmentLanes{
    SegmentLane::Small, SegmentLane::Bulk, SegmentLane::Upkeep};

/// Where the record of a frame stands.
struct FramePlace
{
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;
};

/// A segment and how many of its bytes are durable.
struct SegmentSize
{
    std::uint32_t number = 0;
    SegmentLane lane = SegmentLane::Small;
    std::uint64_t size = 0;
};

/// Append-only files `<folder>/NNNNNN.seg`; the format is in SegmentFormat.h.
///
/// Appended bytes belong to the batch until keep(); rollback() cuts them off again. What is kept is
/// durable only when its lane was synced.
///
/// Thread:  one at a time.
/// Errors:  StorageError, and as stated. After one in append() or sync(): rollback().
/// Memory:  one record, and at most 8 open files besides those that are written.
class Segments
{
public:
    /// `folder` exists. A lane goes on in a new file when the one in use has reached `rotateBytes`.
    Segments(FileSystem& fileSystem,
             RelativePath folder,
             const std::array<std::uint8_t, 16>& incarnation,
             std::uint64_t rotateBytes);

    /// Makes the folder agree with what the journal knows: cuts the tails behind the durable bytes
    /// and removes files that the journal does not know, both left by a batch that did not end. A
    /// file that is missing or too short is left to the readers, one of another incarnation alone.
    void open(const std::vector<SegmentSize>& known);

    [[nodiscard]] FramePlace append(SegmentLane lane, FrameId id, const Frame& frame);

    /// Reads the record at `place` and checks it against `expected` (the encoding is not compared).
    /// CorruptError when it is damaged or missing.
    [[nodiscard]] Frame read(const FramePlace& place, const RecordHeader& expected);

    /// Makes the lane durable. Gives the segments whose size the journal does not know yet.
    [[nodiscard]] std::vector<SegmentSize> sync(SegmentLane lane);

    /// The batch is durable as far as its lanes were synced, and will not be taken back.
    void keep();

    /// Cuts off what was appended since keep(). Never throws: what cannot be cut is not written to
    /// again and falls to the next open().
    void rollback() noexcept;

    /// Leaves what was appended since keep() on the disk and writes it no further: for a batch of
    /// which nobody knows whether it was committed. The next open() settles it.
    void detach() noexcept;

    /// True when bytes that were kept but not synced may be lost because a sync failed; asks once.
    [[nodiscard]] bool takeLost(SegmentLane lane);

    /// True when `number` has kept bytes that the journal does not know.
    [[nodiscard]] bool hasUnknown(std::uint32_t number) const;

    /// Ends the use of a segment for appending.
    void seal(std::uint32_t number);

    /// Removes the file of a segment that the journal no longer knows; a failure leaves it to the
    /// next open().
    void remove(std::uint32_t number) noexcept;

    [[nodiscard]] static std::string fileName(std::uint32_t number);

private:
    struct Writer
    {
        std::uint32_t number = 0; // 0: none
        std::uint64_t end = 0;
        std::shared_ptr<File> file;
        std::uint64_t writtenBack = 0; // writing to the medium was begun up to there
    };
    struct LaneState
    {
        Writer now;
        Writer kept;                                    // where rollback() goes back to
        std::vector<std::uint32_t> created;             // since keep()
        std::map<std::uint32_t, std::uint64_t> unknown; // sizes that the journal has to learn
        bool dirty = false;
        bool synced = false; // in this batch, after the last append
        bool failed = false;
        bool lost = false;
    };

    [[nodiscard]] LaneState& state(SegmentLane lane);
    [[nodiscard]] RelativePath path(std::uint32_t number) const;
    [[nodiscard]] bool isLeftOver(std::uint32_t number);
    void settleFile(const SegmentSize& known);
    void startFile(LaneState& lane);
    static void syncFile(LaneState& lane);
    [[nodiscard]] std::shared_ptr<File> reader(std::uint32_t number);
    [[nodiscard]] bool rollbackLane(LaneState& lane) noexcept;

    FileSystem& _fileSystem;
    const RelativePath _folder;
    const std::array<std::uint8_t, 16> _incarnation;
    const std::uint64_t _rotateBytes;
    std::array<LaneState, kSegmentLanes.size()> _lanes;
    std::uint32_t _nextNumber = 1;
    bool _folderDirty = false;
    Bytes _record;
    std::list<std::pair<std::uint32_t, std::shared_ptr<File>>> _readers; // latest first
};

} // namespace tidewire
