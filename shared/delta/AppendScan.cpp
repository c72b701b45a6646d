// The fast path for contents that only grow.

#include "shared/delta/BlockSummer.h"
#include "shared/delta/ContentScan.h"
#include "shared/delta/Extents.h"
#include "shared/delta/LeafHasher.h"

#include <algorithm>

namespace tidewire {

namespace {

class AppendScan
{
public:
    AppendScan(File& file, std::uint64_t size, const AppendBase& base, DeltaSink& sink):
        _file(file),
        _size(size),
        _base(base),
        _sink(sink),
        _leafBytes(leafBytes(size)),
        _firstByte(base.size == 0 ? 0 : (base.size - 1) / _leafBytes * _leafBytes),
        _leaves(_leafBytes),
        _blocks(base.blockBytes, 2 * kMaxBlocks, nullptr)
    {
    }

    std::optional<AppendedContent> run();

private:
    [[nodiscard]] bool isPossible() const;
    [[nodiscard]] bool samplesAgree();
    [[nodiscard]] bool lastLeafAgrees();
    void take(std::uint64_t begin, std::uint64_t end, DeltaSink* sink);
    void addBlocks(std::uint64_t begin, ByteView bytes);
    [[nodiscard]] std::uint64_t firstBlock() const { return _base.size / _base.blockBytes; }

    // Constant after construction.
    File& _file;
    std::uint64_t _size;
    const AppendBase& _base;
    DeltaSink& _sink;
    std::uint64_t _leafBytes;
    std::uint64_t _firstByte; ///< start of the last leaf of the old content

    LeafHasher _leaves;  ///< from _firstByte on
    BlockSummer _blocks; ///< from firstBlock() on
    Bytes _buffer;
};

std::optional<AppendedContent> AppendScan::run()
{
    if (!isPossible() || !samplesAgree() || !lastLeafAgrees())
    {
        return std::nullopt;
    }
    if (_base.size > 0)
    {
        _sink.copy(0, _base.size);
    }
    take(_base.size, _size, &_sink);
    checkNotShorter(_file, _size);
    _blocks.finish();

    AppendedContent result;
    result.firstBlock = firstBlock();
    result.blocks = std::move(_blocks.blocks());
    const auto kept = static_cast<std::ptrdiff_t>(_firstByte / _leafBytes);
    result.leaves.assign(_base.leaves.begin(), _base.leaves.begin() + kept);
    const std::vector<Hash> added = _leaves.leaves();
    result.leaves.insert(result.leaves.end(), added.begin(), added.end());
    result.hash = combineLeaves(_size, result.leaves);
    return result;
}

bool AppendScan::isPossible() const
{
    const std::uint64_t block = _base.blockBytes;
    return _size >= _base.size && leafBytes(_base.size) == _leafBytes && block > 0 &&
           block <= kMaxBlockBytes && _leafBytes % block == 0 &&
           (_size + block - 1) / block <= 2 * kMaxBlocks && _size <= kMaxBlocks * kMaxBlockBytes &&
           _base.leaves.size() == (_base.size + _leafBytes - 1) / _leafBytes;
}

bool AppendScan::samplesAgree()
{
    for (const AppendBase::Sample& sample : _base.samples)
    {
        if (sample.block > firstBlock())
        {
            return false;
        }
        const std::uint64_t begin = sample.block * _base.blockBytes;
        _buffer.resize(static_cast<std::size_t>(
            std::min<std::uint64_t>(_base.blockBytes, _base.size - begin)));
        readFully(_file, begin, _buffer);
        if (strongSum(_buffer) != sample.sum.strong)
        {
            return false;
        }
    }
    return true;
}

bool AppendScan::lastLeafAgrees()
{
    take(_firstByte, _base.size, nullptr);
    return _base.leaves.empty() || _leaves.leaves().back() == _base.leaves.back();
}

void AppendScan::take(std::uint64_t begin, std::uint64_t end, DeltaSink* sink)
{
    while (begin < end)
    {
        const Extent data = nextExtent(_file, begin, end);
        if (data.begin > begin)
        {
            const std::uint64_t zeros = data.begin - begin;
            _leaves.addZeros(zeros);
            const std::uint64_t first = firstBlock() * _base.blockBytes;
            _blocks.addZeros(data.begin - std::clamp(first, begin, data.begin));
            if (sink != nullptr)
            {
                sink->zero(zeros);
            }
        }
        begin = data.begin;
        while (begin < data.end)
        {
            _buffer.resize(
                static_cast<std::size_t>(std::min<std::uint64_t>(kFrameBytes, data.end - begin)));
            readFully(_file, begin, _buffer);
            _leaves.add(_buffer);
            addBlocks(begin, _buffer);
            if (sink != nullptr)
            {
                sink->literal(_buffer);
            }
            begin += _buffer.size();
        }
    }
}

void AppendScan::addBlocks(std::uint64_t begin, ByteView bytes)
{
    const std::uint64_t first = firstBlock() * _base.blockBytes;
    const std::uint64_t before = first > begin ? first - begin : 0;
    if (before < bytes.size())
    {
        _blocks.add(bytes.subspan(static_cast<std::size_t>(before)));
    }
}

} // namespace

std::vector<std::uint64_t>
sampleBlocks(std::uint64_t size, std::uint32_t blockBytes, std::size_t count)
{
    const std::uint64_t whole =
        std::min<std::uint64_t>(blockBytes == 0 ? 0 : size / blockBytes, 2 * kMaxBlocks);
    const std::uint64_t wanted = std::min<std::uint64_t>(count, whole);
    std::vector<std::uint64_t> result;
    for (std::uint64_t i = 0; i < wanted; ++i)
    {
        result.push_back(wanted == 1 ? whole - 1 : i * (whole - 1) / (wanted - 1));
    }
    return result;
}

std::optional<AppendedContent>
scanAppend(File& file, std::uint64_t size, const AppendBase& base, DeltaSink& sink)
{
    return AppendScan(file, size, base, sink).run();
}

} // namespace tidewire
