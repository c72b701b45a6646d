// Cuts a stream into blocks and sums them up.

#include "shared/delta/BlockSummer.h"

#include "shared/delta/RollingSum.h"
#include "shared/delta/Zeros.h"

#include <algorithm>

namespace tidewire {

namespace {

void updateWithZeros(XXH3_state_t& state, std::uint64_t length)
{
    forZeros(length,
             [&](ByteView zeros) { XXH3_64bits_update(&state, zeros.data(), zeros.size()); });
}

} // namespace

BlockSummer::BlockSummer(std::uint32_t blockBytes, std::uint64_t maxBlocks, const Signature* old):
    _blockBytes(blockBytes),
    _maxBlocks(maxBlocks),
    _old(old != nullptr && old->blockBytes == blockBytes ? old : nullptr)
{
    XXH3_64bits_reset(&_strong);
}

void BlockSummer::add(ByteView bytes)
{
    while (!bytes.empty() && !isFull())
    {
        const std::size_t count = std::min<std::size_t>(bytes.size(), _blockBytes - _inBlock);
        if (count == _blockBytes)
        {
            addWhole(bytes.first(count));
        }
        else
        {
            addPart(bytes.first(count));
        }
        bytes = bytes.subspan(count);
    }
}

void BlockSummer::addZeros(std::uint64_t length)
{
    if (_inBlock > 0)
    {
        const std::uint64_t count = std::min<std::uint64_t>(length, _blockBytes - _inBlock);
        addZeroPart(count);
        length -= count;
    }
    if (length >= _blockBytes)
    {
        const std::uint64_t room = _maxBlocks - std::min<std::uint64_t>(_blocks.size(), _maxBlocks);
        const std::uint64_t whole = std::min(length / _blockBytes, room);
        _blocks.insert(_blocks.end(), static_cast<std::size_t>(whole), zeroBlock());
        length %= _blockBytes;
    }
    addZeroPart(length);
}

void BlockSummer::finish()
{
    if (_inBlock > 0 && !isFull())
    {
        _blocks.push_back({_weak, XXH3_64bits_digest(&_strong)});
        _inBlock = 0;
    }
}

const BlockSum& BlockSummer::zeroBlock()
{
    if (!_hasZeroBlock)
    {
        XXH3_state_t state;
        XXH3_64bits_reset(&state);
        updateWithZeros(state, _blockBytes);
        _zeroBlock = {0, XXH3_64bits_digest(&state)};
        _hasZeroBlock = true;
    }
    return _zeroBlock;
}

void BlockSummer::addWhole(ByteView block)
{
    const std::uint64_t strong = strongSum(block);
    const std::size_t index = _blocks.size();
    if (_old != nullptr && index < _old->blocks.size() && _old->blocks[index].strong == strong)
    {
        _blocks.push_back(_old->blocks[index]);
        return;
    }
    _blocks.push_back({RollingSum::of(block), strong});
}

void BlockSummer::addPart(ByteView bytes)
{
    _weak = RollingSum::of(bytes, _weak);
    XXH3_64bits_update(&_strong, bytes.data(), bytes.size());
    _inBlock += static_cast<std::uint32_t>(bytes.size());
    closeWhenWhole();
}

void BlockSummer::addZeroPart(std::uint64_t length)
{
    if (length == 0 || isFull())
    {
        return;
    }
    _weak = RollingSum::ofZeros(length, _weak);
    updateWithZeros(_strong, length);
    _inBlock += static_cast<std::uint32_t>(length);
    closeWhenWhole();
}

void BlockSummer::closeWhenWhole()
{
    if (_inBlock == _blockBytes)
    {
        _blocks.push_back({_weak, XXH3_64bits_digest(&_strong)});
        XXH3_64bits_reset(&_strong);
        _weak = 0;
        _inBlock = 0;
    }
}

} // namespace tidewire
