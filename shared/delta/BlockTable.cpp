// Builds the table of the base's blocks and rolls along a file until it may have one of them.

#include "shared/delta/BlockTable.h"

#include <algorithm>
#include <bit>

namespace tidewire {

BlockTable::BlockTable(const Signature& base): _base(base), _sum(base.blockBytes)
{
    const auto whole = static_cast<std::size_t>(
        std::min<std::uint64_t>({base.size / base.blockBytes, base.blocks.size(), 2 * kMaxBlocks}));
    const unsigned bits =
        static_cast<unsigned>(std::bit_width(std::max<std::size_t>(whole, 8) - 1));
    _slots.resize(std::size_t{2} << bits);
    _slotMask = static_cast<std::uint32_t>(_slots.size() - 1);
    _slotShift = 32 - (bits + 1);
    _filter.resize((std::size_t{16} << bits) / 32);
    _filterShift = 32 - (bits + 4 - 5);
    for (std::size_t index = 0; index < whole; ++index)
    {
        insert(index);
    }
}

void BlockTable::insert(std::size_t index)
{
    const BlockSum& sum = _base.blocks[index];
    std::uint32_t slot = slotOf(sum.weak);
    for (std::uint32_t probes = 0; _slots[slot] != 0; ++probes)
    {
        if (probes == kMaxProbes || _base.blocks[indexIn(_slots[slot])] == sum)
        {
            return;
        }
        slot = (slot + 1) & _slotMask;
    }
    _slots[slot] = (sum.weak & ~kIndexMask) | static_cast<std::uint32_t>(index + 1);
    _filter[sum.weak >> _filterShift] |= (1U << firstBit(sum.weak)) | (1U << secondBit(sum.weak));
}

bool BlockTable::isInTable(std::uint32_t weak) const
{
    std::uint32_t slot = slotOf(weak);
    for (std::uint32_t probes = 0; probes <= kMaxProbes && _slots[slot] != 0; ++probes)
    {
        if (hasTag(_slots[slot], weak) && _base.blocks[indexIn(_slots[slot])].weak == weak)
        {
            return true;
        }
        slot = (slot + 1) & _slotMask;
    }
    return false;
}

std::size_t
BlockTable::skip(const std::uint8_t* first, std::size_t count, std::uint32_t& weak) const
{
    const std::uint8_t* const entering = first + _base.blockBytes;
    std::uint32_t sum = weak;
    std::size_t i = 0;
    for (; i + 2 <= count; i += 2)
    {
        const std::uint32_t next = _sum.rotate(sum, first[i], entering[i]);
        if (contains(sum))
        {
            weak = sum;
            return i;
        }
        if (contains(next))
        {
            weak = next;
            return i + 1;
        }
        sum = _sum.rotateTwice(sum, first + i, entering + i);
    }
    if (i < count && !contains(sum))
    {
        sum = _sum.rotate(sum, first[i], entering[i]);
        ++i;
    }
    weak = sum;
    return i;
}

} // namespace tidewire
