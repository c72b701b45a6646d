// Reads a file extent by extent, feeds hash and signature, and sends what the matcher finds.

#include "shared/delta/ContentScan.h"

#include "shared/delta/BlockMatcher.h"
#include "shared/delta/Extents.h"
#include "shared/delta/OpMerger.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <deque>

namespace tidewire {

namespace {

// What is read at once: small enough to stay in the second-level cache (512 KiB on the boards)
// while it is hashed, summed and searched.
constexpr std::uint64_t kReadBytes = 256U << 10U;

constexpr std::uint64_t kStepBytes = 1 << 20;

bool isUsable(const Signature& base)
{
    return !base.blocks.empty() && std::has_single_bit(base.blockBytes) &&
           base.blockBytes <= kMaxBlockBytes;
}

} // namespace

/// A run is a stretch of the file that is compared as one: data, and those parts of holes that
/// share a block of the base with data. Without these, the blocks at the edges of holes would never
/// match.
class ContentScan::Impl
{
public:
    Impl(File& file, std::uint64_t size, const Signature* base, DeltaSink& sink):
        _file(file),
        _size(size),
        _out(sink),
        _builder(size, base)
    {
        std::uint64_t capacity = kReadBytes + kFrameBytes;
        if (base != nullptr && isUsable(*base))
        {
            _matcher.emplace(*base, size, _builder.blocks(), blockBytesFor(size));
            _blockBytes = base->blockBytes;
            // Twice what is kept: moving it to the front is rare then even when blocks are long.
            capacity += 2 * _blockBytes + 2;
        }
        _capacity = static_cast<std::size_t>(std::min(capacity, size));
        // Not a vector: what is not read into need not become memory.
        _buffer = std::make_unique_for_overwrite<std::uint8_t[]>(_capacity);
    }

    bool step();
    ScannedContent finish();

private:
    struct Gap
    {
        std::uint64_t begin;
        std::uint64_t end;
    };

    bool nextSegment();
    void skipHole(std::uint64_t end);
    void endRun();
    void fill();
    void match(bool isLast);
    void sendLiteral(std::uint64_t end);
    void makeRoom();

    // Constant after construction.
    File& _file;
    std::uint64_t _size;
    std::uint64_t _blockBytes = 1;
    std::size_t _capacity = 0;

    OpMerger _out;
    SignatureBuilder _builder;
    std::optional<BlockMatcher> _matcher;

    std::unique_ptr<std::uint8_t[]> _buffer;
    std::uint64_t _bufferBegin = 0;  ///< offset of the buffer's first byte
    std::uint64_t _literalBegin = 0; ///< what lies before is sent; never before _bufferBegin
    std::uint64_t _known = 0;        ///< what lies before is in the buffer, or done with
    std::uint64_t _segmentEnd = 0;   ///< [_known, _segmentEnd) is to be taken next
    bool _segmentIsGap = false;      ///< a part of a hole: not read
    std::deque<Gap> _gaps;           ///< those not yet sent, ascending
};

bool ContentScan::Impl::step()
{
    for (std::uint64_t taken = 0; taken < kStepBytes;)
    {
        if (_known == _segmentEnd && !nextSegment())
        {
            return false;
        }
        const std::uint64_t before = _known;
        fill();
        match(false);
        taken += _known - before;
    }
    return true;
}

ScannedContent ContentScan::Impl::finish()
{
    ScannedContent result;
    result.signature = _builder.finish(result.hash);
    return result;
}

// Finds what comes at _known: data, a gap, or a hole, which ends the run. False at the end.
bool ContentScan::Impl::nextSegment()
{
    Extent data = nextExtent(_file, _known, _size);
    if (data.begin > _known)
    {
        const bool isInRun = _known > _bufferBegin;
        const std::uint64_t rest = (_blockBytes - _known % _blockBytes) % _blockBytes;
        const std::uint64_t holeBegin =
            isInRun ? _known + std::min(rest, data.begin - _known) : _known;
        const std::uint64_t holeEnd =
            data.begin == _size ? _size
                                : std::max(data.begin - data.begin % _blockBytes, holeBegin);
        if (holeBegin > _known && holeBegin < holeEnd)
        {
            _segmentIsGap = true;
            _segmentEnd = holeBegin;
            return true;
        }
        if (holeBegin < holeEnd)
        {
            skipHole(holeEnd);
        }
        if (data.begin > _known)
        {
            _segmentIsGap = true;
            _segmentEnd = data.begin;
            return true;
        }
    }
    if (_known == _size)
    {
        endRun();
        _out.flush();
        // A file that was cut off meanwhile looks as if it ended with a hole.
        checkNotShorter(_file, _size);
        return false;
    }
    _segmentIsGap = false;
    _segmentEnd = data.end;
    return true;
}

void ContentScan::Impl::skipHole(std::uint64_t end)
{
    endRun();
    _out.zero(end - _known);
    _builder.addZeros(end - _known);
    _known = _bufferBegin = _literalBegin = end;
    if (_matcher)
    {
        _matcher->moveTo(end);
    }
}

void ContentScan::Impl::endRun()
{
    match(true);
    sendLiteral(_known);
    _bufferBegin = _known;
}

void ContentScan::Impl::fill()
{
    makeRoom();
    const std::uint64_t used = _known - _bufferBegin;
    const std::uint64_t count =
        std::min({_segmentEnd - _known, kReadBytes, std::uint64_t{_capacity} - used});
    const MutableByteView target(_buffer.get() + used, static_cast<std::size_t>(count));
    if (_segmentIsGap)
    {
        std::memset(target.data(), 0, target.size());
        _gaps.push_back({_known, _known + count});
        _builder.addZeros(count);
    }
    else
    {
        readFully(_file, _known, target);
        _builder.add(target);
    }
    _known += count;
}

void ContentScan::Impl::match(bool isLast)
{
    if (!_matcher)
    {
        return;
    }
    const ContentWindow window{_buffer.get(), _bufferBegin, _known, isLast};
    while (const std::optional<BlockMatch> found = _matcher->next(window))
    {
        sendLiteral(found->target);
        _out.copy(found->source, found->length);
        _literalBegin = found->target + found->length;
    }
}

void ContentScan::Impl::sendLiteral(std::uint64_t end)
{
    while (!_gaps.empty() && _gaps.front().end <= _literalBegin)
    {
        _gaps.pop_front();
    }
    while (_literalBegin < end)
    {
        std::uint64_t stop = end;
        bool isGap = false;
        if (!_gaps.empty())
        {
            isGap = _gaps.front().begin <= _literalBegin;
            stop = std::min(end, isGap ? _gaps.front().end : _gaps.front().begin);
        }
        if (isGap)
        {
            _out.zero(stop - _literalBegin);
        }
        else
        {
            _out.literal({_buffer.get() + (_literalBegin - _bufferBegin),
                          static_cast<std::size_t>(stop - _literalBegin)});
        }
        _literalBegin = stop;
        while (!_gaps.empty() && _gaps.front().end <= _literalBegin)
        {
            _gaps.pop_front();
        }
    }
}

// Sends long literal in whole frames, so that little has to be kept, and makes room for a read.
void ContentScan::Impl::makeRoom()
{
    const std::uint64_t settled = _matcher ? _matcher->cursor() : _known;
    while (settled - _literalBegin >= kFrameBytes)
    {
        sendLiteral(_literalBegin + kFrameBytes);
    }
    const std::uint64_t sent = _literalBegin - _bufferBegin;
    const std::uint64_t room = _capacity - (_known - _bufferBegin);
    if (sent > 0 && room < std::min(kReadBytes, _segmentEnd - _known))
    {
        std::memmove(
            _buffer.get(), _buffer.get() + sent, static_cast<std::size_t>(_known - _literalBegin));
        _bufferBegin = _literalBegin;
    }
}

ContentScan::ContentScan(File& file, std::uint64_t size, const Signature* base, DeltaSink& sink):
    _impl(std::make_unique<Impl>(file, size, base, sink))
{
}

ContentScan::~ContentScan() = default;

bool ContentScan::step()
{
    return _impl->step();
}

ScannedContent ContentScan::finish()
{
    return _impl->finish();
}

} // namespace tidewire
