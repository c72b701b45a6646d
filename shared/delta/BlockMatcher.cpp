// The search for the base's blocks: expected places first, then a rolling checksum.

#include "shared/delta/BlockMatcher.h"

#include "shared/delta/StrongSum.h"

#include <algorithm>

namespace tidewire {

namespace {

// Real content stays far below: of random blocks one in 2^32 has the weak checksum of another.
constexpr std::uint64_t kVainFactor = 64;
constexpr std::uint64_t kVainBytes = 64 << 20;

} // namespace

BlockMatcher::BlockMatcher(const Signature& base,
                           std::uint64_t newSize,
                           const std::vector<BlockSum>& newBlocks,
                           std::uint32_t newBlockBytes):
    _base(base),
    _newBlocks(newBlocks),
    _blockBytes(base.blockBytes),
    _wholeBlocks(std::min<std::uint64_t>(base.size / base.blockBytes, base.blocks.size())),
    _tailBytes(_wholeBlocks < base.blocks.size() ? base.size % base.blockBytes : 0),
    _sameLength(base.blockBytes == newBlockBytes),
    _sum(base.blockBytes),
    _vainLimit(newSize < UINT64_MAX / (2 * kVainFactor) ? newSize * kVainFactor + kVainBytes
                                                        : UINT64_MAX)
{
}

void BlockMatcher::moveTo(std::uint64_t offset)
{
    _cursor = offset;
    _isRolling = false;
}

std::optional<BlockMatch> BlockMatcher::next(const ContentWindow& window)
{
    // One byte more than a block is wanted, so that the checksum can always roll on.
    while (window.end - _cursor > _blockBytes ||
           (window.isLast && window.end - _cursor == _blockBytes))
    {
        std::optional<BlockMatch> match = tryExpected(window);
        if (!match)
        {
            match = roll(window);
        }
        if (match)
        {
            return match;
        }
    }
    return window.isLast ? tryTail(window) : std::nullopt;
}

std::optional<BlockMatch> BlockMatcher::tryExpected(const ContentWindow& window)
{
    if (_cursor == _followerAt && isSame(window, _follower))
    {
        return accept(_follower);
    }
    if (_cursor % _blockBytes == 0 && isSame(window, _cursor / _blockBytes))
    {
        return accept(_cursor / _blockBytes);
    }
    return std::nullopt;
}

std::optional<BlockMatch> BlockMatcher::roll(const ContentWindow& window)
{
    const std::uint64_t last = window.end - _blockBytes;
    const std::uint64_t aligned = (_cursor / _blockBytes + 1) * _blockBytes;
    const std::uint64_t stop = std::min(last, aligned);
    if (_wholeBlocks == 0 || _vainBytes > _vainLimit)
    {
        _isRolling = false;
        _cursor = std::max(stop, _cursor + 1);
        return std::nullopt;
    }
    if (!_table)
    {
        _table = std::make_unique<BlockTable>(_base);
    }
    if (!_isRolling)
    {
        _weak = RollingSum::of({window.at(_cursor), static_cast<std::size_t>(_blockBytes)});
        _isRolling = true;
    }
    _cursor += _table->skip(window.at(_cursor), static_cast<std::size_t>(stop - _cursor), _weak);
    if (_cursor == stop && stop != last)
    {
        return std::nullopt;
    }
    if (_cursor == last && !window.isLast)
    {
        return std::nullopt;
    }
    if (_table->contains(_weak))
    {
        if (std::optional<BlockMatch> match = tryTable(window))
        {
            return match;
        }
    }
    if (_cursor == last)
    {
        moveTo(_cursor + 1);
        return std::nullopt;
    }
    const std::uint8_t* const out = window.at(_cursor);
    _weak = _sum.rotate(_weak, *out, out[_blockBytes]);
    ++_cursor;
    return std::nullopt;
}

std::optional<BlockMatch> BlockMatcher::tryTable(const ContentWindow& window)
{
    bool isConfirming = false;
    const std::optional<std::size_t> found = _table->find(_weak, [&] {
        isConfirming = true;
        return strongAt(window);
    });
    if (!found)
    {
        _vainBytes += isConfirming ? _blockBytes : 0;
        return std::nullopt;
    }
    // Of equal blocks take the one that moved as far as the last match: it is most likely followed
    // by what follows here, and one copy describes them all.
    const std::uint64_t source = _cursor + _shift;
    const std::uint64_t block = source / _blockBytes;
    if (source % _blockBytes == 0 && block < _wholeBlocks &&
        _base.blocks[static_cast<std::size_t>(block)] == _base.blocks[*found])
    {
        return accept(block);
    }
    return accept(*found);
}

std::optional<BlockMatch> BlockMatcher::tryTail(const ContentWindow& window)
{
    if (_cursor == window.end)
    {
        return std::nullopt;
    }
    if (std::optional<BlockMatch> match = tryExpected(window))
    {
        return match;
    }
    const std::uint64_t unmoved = _wholeBlocks * _blockBytes;
    const std::uint64_t atEnd = window.end - std::min(_tailBytes, window.end);
    for (const std::uint64_t place : {unmoved, atEnd})
    {
        if (place >= _cursor && place < window.end)
        {
            moveTo(place);
            if (isSame(window, _wholeBlocks))
            {
                return accept(_wholeBlocks);
            }
        }
    }
    moveTo(window.end);
    return std::nullopt;
}

bool BlockMatcher::isSame(const ContentWindow& window, std::uint64_t block) const
{
    const std::uint64_t length = lengthOf(block);
    if (length == 0 || window.end - _cursor < length)
    {
        return false;
    }
    const BlockSum& sum = _base.blocks[static_cast<std::size_t>(block)];
    if (length < _blockBytes)
    {
        return strongSum({window.at(_cursor), static_cast<std::size_t>(length)}) == sum.strong;
    }
    return (!_isRolling || _weak == sum.weak) && strongAt(window) == sum.strong;
}

std::uint64_t BlockMatcher::strongAt(const ContentWindow& window) const
{
    const std::uint64_t block = _cursor / _blockBytes;
    if (_sameLength && _cursor % _blockBytes == 0 && block < _newBlocks.size())
    {
        return _newBlocks[static_cast<std::size_t>(block)].strong;
    }
    return strongSum({window.at(_cursor), static_cast<std::size_t>(_blockBytes)});
}

std::uint64_t BlockMatcher::lengthOf(std::uint64_t block) const
{
    if (block < _wholeBlocks)
    {
        return _blockBytes;
    }
    return block == _wholeBlocks ? _tailBytes : 0;
}

BlockMatch BlockMatcher::accept(std::uint64_t block)
{
    const BlockMatch match{_cursor, block * _blockBytes, lengthOf(block)};
    _shift = match.source - match.target;
    moveTo(match.target + match.length);
    _follower = block + 1;
    _followerAt = _cursor;
    return match;
}

} // namespace tidewire
