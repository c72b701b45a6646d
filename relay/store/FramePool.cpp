#include "relay/store/FramePool.h"

#include "shared/base/Errors.h"

#include <algorithm>
#include <cerrno>

namespace tidewire {

FramePool::FramePool(Database& database, Segments& segments):
    _segments(segments),
    _insert(database, "INSERT INTO frame VALUES(?, ?, ?, ?, ?, ?)"),
    _find(database, "SELECT segment, offset, stored, raw, checksum FROM frame WHERE id = ?"),
    _move(database, "UPDATE frame SET segment = ?, offset = ? WHERE id = ?"),
    _lastIn(database, "SELECT max(id) FROM frame WHERE id BETWEEN ? AND ?"),
    _mark(database, "INSERT OR IGNORE INTO temp.mark VALUES(?)"),
    _setSegment(database, "INSERT OR REPLACE INTO segment VALUES(?, ?, ?, ?)"),
    _setCounters(database, "UPDATE pool SET nextFrame = ?, garbage = ?"),
    _dropFrames(database, "DELETE FROM frame WHERE segment = ?"),
    _dropSegment(database, "DELETE FROM segment WHERE number = ?")
{
    Statement counters(database, "SELECT nextFrame, garbage FROM pool");
    Query query(counters);
    if (!query.next() || query.u64(0) == 0 || query.u64(0) > kMaxFrameId + 1)
    {
        query.corrupt("the frame counter is missing or wrong");
    }
    _counters = Counters{query.u64(0), query.u64(1)};
    _kept = _counters;
}

std::vector<SegmentSize> FramePool::knownSegments(Database& database)
{
    std::vector<SegmentSize> known;
    Statement select(database, "SELECT number, lane, size FROM segment ORDER BY number");
    Query query(select);
    while (query.next())
    {
        const std::uint32_t lane = query.u32(1);
        if (lane >= kSegmentLanes.size() || query.i64(2) < 0)
        {
            query.corrupt("no such segment");
        }
        known.push_back(SegmentSize{query.u32(0), kSegmentLanes.at(lane), query.u64(2)});
    }
    return known;
}

FrameId FramePool::reserve(std::uint64_t count)
{
    if (count > kMaxFrameId + 1 - _counters.nextFrame)
    {
        throw StorageError("reserve frames", "journal", EOVERFLOW);
    }
    const FrameId first = _counters.nextFrame;
    _counters.nextFrame += count;
    return first;
}

void FramePool::giveBack(FrameId first, std::uint64_t count)
{
    if (first + count == _counters.nextFrame)
    {
        _counters.nextFrame = first;
    }
}

StagedFrame FramePool::stage(SegmentLane lane, FrameId id, const Frame& frame)
{
    const RecordHeader header{id,
                              frame.encoding,
                              static_cast<std::uint32_t>(frame.stored.size()),
                              frame.rawLength,
                              frame.checksum};
    return StagedFrame{_segments.append(lane, id, frame), header};
}

void FramePool::insert(SegmentLane lane, const StagedFrame& frame)
{
    Query(_insert,
          frame.header.id,
          frame.place.segment,
          frame.place.offset,
          frame.header.storedLength,
          frame.header.rawLength,
          frame.header.checksum)
        .run();
    _needsSync.at(static_cast<std::size_t>(lane)) = true;
    if (_marking)
    {
        mark(frame.header.id);
    }
}

FrameId FramePool::add(SegmentLane lane, const Frame& frame)
{
    const FrameId id = reserve(1);
    insert(lane, stage(lane, id, frame));
    return id;
}

void FramePool::relocate(FrameId id, SegmentLane lane)
{
    const FramePlace place = _segments.append(lane, id, read(id));
    Query(_move, place.segment, place.offset, id).run();
    _needsSync.at(static_cast<std::size_t>(lane)) = true;
}

std::optional<StagedFrame> FramePool::find(FrameId id)
{
    Query query(_find, id);
    if (!query.next())
    {
        return std::nullopt;
    }
    StagedFrame found{
        FramePlace{query.u32(0), query.u64(1)},
        RecordHeader{id, FrameEncoding::Raw, query.u32(2), query.u32(3), query.u64(4)}};
    const RecordHeader& header = found.header;
    if (header.rawLength == 0 || header.rawLength > kFrameBytes || header.storedLength == 0 ||
        header.storedLength > header.rawLength)
    {
        query.corrupt("a frame has a wrong length");
    }
    return found;
}

std::uint32_t FramePool::rawLength(FrameId id)
{
    const std::optional<StagedFrame> found = find(id);
    return found ? found->header.rawLength : 0;
}

std::optional<RecordHeader> FramePool::header(FrameId id)
{
    const std::optional<StagedFrame> found = find(id);
    return found ? std::optional(found->header) : std::nullopt;
}

Frame FramePool::read(FrameId id)
{
    const std::optional<StagedFrame> found = find(id);
    if (!found)
    {
        throw CorruptError("frame " + std::to_string(id) + " is in no segment");
    }
    try
    {
        return _segments.read(found->place, found->header);
    }
    catch (const CorruptError& error)
    {
        throw CorruptError("frame " + std::to_string(id) + ", " + error.what());
    }
}

std::optional<FrameId> FramePool::lastIn(FrameId first, FrameId last)
{
    Query query(_lastIn, first, last);
    if (!query.next() || query.isNull(0))
    {
        return std::nullopt;
    }
    return query.u64(0);
}

void FramePool::noteGarbage(std::uint64_t events)
{
    _counters.garbage += events;
}

void FramePool::clearGarbage(std::uint64_t events)
{
    _counters.garbage -= std::min(events, _counters.garbage);
}

void FramePool::mark(FrameId id)
{
    Query(_mark, id).run();
}

void FramePool::mark(const Op& data)
{
    const FrameId last = data.frame + (data.offset + data.length - 1) / kFrameBytes;
    for (FrameId id = data.frame + data.offset / kFrameBytes; id <= last; ++id)
    {
        mark(id);
    }
}

void FramePool::dropSegment(std::uint32_t number)
{
    Query(_dropFrames, number).run();
    Query(_dropSegment, number).run();
    _segments.seal(number);
    _doomed.push_back(number);
}

void FramePool::settle(std::int64_t wallSeconds)
{
    for (const SegmentLane lane : kSegmentLanes)
    {
        if (!_needsSync.at(static_cast<std::size_t>(lane)))
        {
            continue;
        }
        for (const SegmentSize& segment : _segments.sync(lane))
        {
            Query(_setSegment,
                  segment.number,
                  static_cast<std::uint32_t>(segment.lane),
                  segment.size,
                  wallSeconds)
                .run();
        }
    }
    if (_counters != _kept)
    {
        Query(_setCounters, _counters.nextFrame, _counters.garbage).run();
    }
}

void FramePool::keep()
{
    _kept = _counters;
    _needsSync = {};
    for (const std::uint32_t number : _doomed)
    {
        _segments.remove(number);
    }
    _doomed.clear();
    _segments.keep();
}

void FramePool::forget(bool uncertain)
{
    _counters = _kept;
    _needsSync = {};
    _doomed.clear();
    if (uncertain)
    {
        _segments.detach();
    }
    else
    {
        _segments.rollback();
    }
}

} // namespace tidewire
