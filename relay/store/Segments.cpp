#include "relay/store/Segments.h"

#include "shared/base/Errors.h"
#include "shared/wire/FrameCodec.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <set>
#include <string_view>

namespace tidewire {

namespace {

constexpr std::uint32_t kFileMode = 0600;
constexpr std::size_t kMaxReaders = 8;

/// What is written out at once of bulk data: the sync finds little left, and a call for each frame
/// would cost more than it brings.
constexpr std::uint64_t kWritebackBytes = 2 << 20;

/// A frame of this size costs less in two calls than its copy behind the header does.
constexpr std::size_t kLongFrame = 32 << 10;

constexpr std::string_view kSuffix = ".seg";
constexpr std::size_t kDigits = 6;

/// The number in the name of a segment file; 0 for any other name.
std::uint32_t numberOf(std::string_view name)
{
    if (!name.ends_with(kSuffix))
    {
        return 0;
    }
    name.remove_suffix(kSuffix.size());
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const bool whole = error == std::errc() && end == name.data() + name.size();
    return whole ? number : 0;
}

CorruptError damaged(const FramePlace& place, const char* what)
{
    return CorruptError("segment " + Segments::fileName(place.segment) + " at " +
                        std::to_string(place.offset) + ": " + what);
}

} // namespace

Segments::Segments(FileSystem& fileSystem,
                   RelativePath folder,
                   const std::array<std::uint8_t, 16>& incarnation,
                   std::uint64_t rotateBytes):
    _fileSystem(fileSystem),
    _folder(std::move(folder)),
    _incarnation(incarnation),
    _rotateBytes(rotateBytes)
{
}

std::string Segments::fileName(std::uint32_t number)
{
    std::string digits = std::to_string(number);
    if (digits.size() < kDigits)
    {
        digits.insert(0, kDigits - digits.size(), '0');
    }
    return digits.append(kSuffix);
}

Segments::LaneState& Segments::state(SegmentLane lane)
{
    return _lanes.at(static_cast<std::size_t>(lane));
}

RelativePath Segments::path(std::uint32_t number) const
{
    // The folder is short and the name is made of digits.
    return *RelativePath::join(_folder, fileName(number));
}

void Segments::open(const std::vector<SegmentSize>& known)
{
    std::set<std::uint32_t> strangers;
    _fileSystem.list(_folder, [&](std::string_view name, FileKind) {
        if (const std::uint32_t number = numberOf(name); number != 0)
        {
            strangers.insert(number);
        }
        return true;
    });
    for (const SegmentSize& segment : known)
    {
        strangers.erase(segment.number);
        _nextNumber = std::max(_nextNumber, segment.number + 1);
        settleFile(segment);
    }
    for (const std::uint32_t number : strangers)
    {
        _nextNumber = std::max(_nextNumber, number + 1);
        if (isLeftOver(number))
        {
            _fileSystem.removeFile(path(number));
        }
    }
    keep();
}

/// True for what a batch of this store left. The file of another incarnation may be all that is left of a store whose journal
/// was lost: nothing is deleted on doubt.
bool Segments::isLeftOver(std::uint32_t number)
{
    Bytes header(kSegmentHeaderBytes);
    const std::size_t count = _fileSystem.openRead(path(number))->read(0, header);
    return count < header.size() || header == encodeSegmentHeader(_incarnation, number) ||
           std::ranges::all_of(header, [](std::uint8_t byte) { return byte == 0; });
}

void Segments::settleFile(const SegmentSize& known)
{
    LaneState& lane = state(known.lane);
    lane.now = Writer();
    const std::optional<FileStat> stat = _fileSystem.stat(path(known.number));
    if (!stat || stat->size < known.size)
    {
        return;
    }
    const bool canGrow = known.size < _rotateBytes;
    if (stat->size == known.size && !canGrow)
    {
        return;
    }
    std::shared_ptr<File> file = _fileSystem.openWrite(path(known.number));
    if (stat->size > known.size)
    {
        file->truncate(known.size);
    }
    if (canGrow)
    {
        // A later segment of the lane takes its place.
        lane.now = Writer{known.number, known.size, std::move(file), known.size};
    }
}

FramePlace Segments::append(SegmentLane lane, FrameId id, const Frame& frame)
{
    LaneState& laneState = state(lane);
    if (laneState.now.number == 0 || laneState.now.end >= _rotateBytes)
    {
        startFile(laneState);
    }
    Writer& writer = laneState.now;
    const FramePlace place{writer.number, writer.end};
    laneState.dirty = true;
    laneState.synced = false;
    if (frame.stored.size() < kLongFrame)
    {
        encodeRecord(id, frame, _record);
        writer.file->write(writer.end, _record);
    }
    else
    {
        encodeRecordHeader(id, frame, _record);
        writer.file->write(writer.end, _record);
        writer.file->write(writer.end + kRecordHeaderBytes, frame.stored);
    }
    writer.end += kRecordHeaderBytes + frame.stored.size();
    if (lane == SegmentLane::Bulk && writer.end - writer.writtenBack >= kWritebackBytes)
    {
        writer.file->startWriteback(writer.writtenBack, writer.end - writer.writtenBack);
        writer.writtenBack = writer.end;
    }
    laneState.unknown[writer.number] = writer.end;
    return place;
}

void Segments::startFile(LaneState& lane)
{
    if (lane.dirty)
    {
        syncFile(lane);
    }
    const std::uint32_t number = _nextNumber++;
    const Bytes header = encodeSegmentHeader(_incarnation, number);
    if (_fileSystem.stat(path(number)))
    {
        _fileSystem.removeFile(path(number));
    }
    lane.created.push_back(number);
    std::shared_ptr<File> file = _fileSystem.createFile(path(number), kFileMode);
    _folderDirty = true;
    file->write(0, header);
    lane.now = Writer{number, header.size(), std::move(file), 0};
}

void Segments::syncFile(LaneState& lane)
{
    lane.failed = true;
    lane.now.file->sync();
    lane.failed = false;
    lane.dirty = false;
}

std::vector<SegmentSize> Segments::sync(SegmentLane lane)
{
    LaneState& laneState = state(lane);
    if (laneState.dirty)
    {
        syncFile(laneState);
    }
    if (_folderDirty)
    {
        laneState.failed = true;
        _fileSystem.syncDirectory(_folder);
        laneState.failed = false;
        _folderDirty = false;
    }
    laneState.synced = true;
    std::vector<SegmentSize> sizes;
    for (const auto& [number, size] : laneState.unknown)
    {
        sizes.push_back(SegmentSize{number, lane, size});
    }
    return sizes;
}

void Segments::keep()
{
    for (LaneState& lane : _lanes)
    {
        if (lane.synced)
        {
            lane.unknown.clear();
            lane.synced = false;
        }
        lane.kept = lane.now;
        lane.created.clear();
    }
}

void Segments::rollback() noexcept
{
    for (LaneState& lane : _lanes)
    {
        const bool usable = rollbackLane(lane) && !lane.failed;
        lane.now = usable ? lane.kept : Writer();
        lane.kept = lane.now;
        lane.created.clear();
        lane.synced = false;
        lane.failed = false;
        lane.dirty = lane.dirty && lane.now.number != 0;
        if (!usable)
        {
            // Linux drops dirty pages after a failed sync: a later sync would succeed without
            // them. So nothing that was appended since the last good one can be trusted.
            lane.unknown.clear();
            lane.dirty = false;
            lane.lost = true;
        }
    }
}

void Segments::detach() noexcept
{
    for (LaneState& lane : _lanes)
    {
        lane = LaneState();
        lane.lost = true;
    }
}

bool Segments::rollbackLane(LaneState& lane) noexcept
{
    try
    {
        const bool rotated = lane.now.number != lane.kept.number;
        const bool grown = rotated || lane.now.end != lane.kept.end || lane.dirty;
        for (const std::uint32_t number : lane.created)
        {
            lane.unknown.erase(number);
            remove(number);
        }
        if (const auto known = lane.unknown.find(lane.kept.number); known != lane.unknown.end())
        {
            known->second = lane.kept.end;
        }
        if (lane.kept.number != 0 && grown)
        {
            lane.kept.file->truncate(lane.kept.end);
        }
        return true;
    }
    catch (const Error&)
    {
        return false;
    }
}

bool Segments::takeLost(SegmentLane lane)
{
    return std::exchange(state(lane).lost, false);
}

bool Segments::hasUnknown(std::uint32_t number) const
{
    return std::ranges::any_of(
        _lanes, [&](const LaneState& lane) { return lane.unknown.contains(number); });
}

void Segments::seal(std::uint32_t number)
{
    for (LaneState& lane : _lanes)
    {
        if (lane.now.number == number)
        {
            lane.now = Writer();
            lane.dirty = false;
        }
    }
}

void Segments::remove(std::uint32_t number) noexcept
{
    std::erase_if(_readers, [&](const auto& reader) { return reader.first == number; });
    try
    {
        _fileSystem.removeFile(path(number));
    }
    catch (const Error&) // NOLINT(bugprone-empty-catch): see the header
    {
    }
}

std::shared_ptr<File> Segments::reader(std::uint32_t number)
{
    const auto found =
        std::ranges::find_if(_readers, [&](const auto& reader) { return reader.first == number; });
    if (found != _readers.end())
    {
        _readers.splice(_readers.begin(), _readers, found);
        return _readers.front().second;
    }
    std::shared_ptr<File> file = _fileSystem.openRead(path(number));
    if (_readers.size() == kMaxReaders)
    {
        _readers.pop_back();
    }
    _readers.emplace_front(number, file);
    return file;
}

Frame Segments::read(const FramePlace& place, const RecordHeader& expected)
{
    Bytes start(kRecordHeaderBytes);
    Bytes stored(expected.storedLength);
    try
    {
        const std::shared_ptr<File> file = reader(place.segment);
        if (file->read(place.offset, start) != start.size() ||
            file->read(place.offset + start.size(), stored) != stored.size())
        {
            throw damaged(place, "the file ends within the frame");
        }
    }
    catch (const StorageError& error)
    {
        if (error.code() == ENOENT || error.code() == EIO)
        {
            throw damaged(place, error.what());
        }
        throw;
    }
    const std::optional<RecordHeader> header = decodeRecordHeader(start);
    if (!header || header->id != expected.id || header->checksum != expected.checksum ||
        header->storedLength != expected.storedLength || header->rawLength != expected.rawLength)
    {
        throw damaged(place, "no header of this frame");
    }
    Frame frame{header->encoding, header->rawLength, header->checksum, std::move(stored)};
    if (!hasGoodChecksum(frame))
    {
        throw damaged(place, "the checksum is wrong");
    }
    return frame;
}

} // namespace tidewire
