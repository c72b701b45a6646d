// Finds the block of the base that has given checksums, wherever it stands.

#pragma once

#include "shared/delta/RollingSum.h"
#include "shared/delta/Signature.h"

#include <optional>

namespace tidewire {

/// A hash table of the whole blocks of a signature, behind a bitmap that answers most of the
/// questions of a rolling search with "no".
///
/// Of equal blocks only the first is in. Blocks whose place is crowded (crafted checksums) are left
/// out: they are then just not found, and no search takes more than kMaxProbes steps.
///
/// Memory: 4 to 8 bytes in the table and 16 to 32 bits in the bitmap for each block.
class BlockTable
{
public:
    /// `base` must outlive this.
    explicit BlockTable(const Signature& base);

    /// How many windows, of `count`, can be passed over: the first begins at `first`, has the
    /// checksum `weak` and is as long as the base's blocks; the last byte that is read is the one
    /// behind the last window but one. `weak` becomes the checksum of the window that was reached;
    /// a block has it, unless `count` was reached, where this was not looked at.
    [[nodiscard]] std::size_t
    skip(const std::uint8_t* first, std::size_t count, std::uint32_t& weak) const;

    /// Whether a block has this weak checksum.
    [[nodiscard]] bool contains(std::uint32_t weak) const
    {
        return mayContain(weak) && isInTable(weak);
    }

    /// The block with this weak checksum and with the strong one that `strong()` returns; it is
    /// only called when the weak one is there.
    template <typename Strong>
    [[nodiscard]] std::optional<std::size_t> find(std::uint32_t weak, Strong&& strong) const
    {
        std::optional<std::uint64_t> wanted;
        std::uint32_t slot = slotOf(weak);
        for (std::uint32_t probes = 0; probes <= kMaxProbes && _slots[slot] != 0; ++probes)
        {
            const std::uint32_t entry = _slots[slot];
            slot = (slot + 1) & _slotMask;
            if (!hasTag(entry, weak) || _base.blocks[indexIn(entry)].weak != weak)
            {
                continue;
            }
            if (!wanted)
            {
                wanted = strong();
            }
            if (_base.blocks[indexIn(entry)].strong == *wanted)
            {
                return indexIn(entry);
            }
        }
        return std::nullopt;
    }

private:
    // A slot holds index + 1 in the lower bits, 0 for none, and some bits of the weak checksum
    // above, which spare most of the looks into the signature.
    static constexpr unsigned kIndexBits = 19;
    static constexpr std::uint32_t kIndexMask = (1U << kIndexBits) - 1;
    static constexpr std::uint32_t kMaxProbes = 64;
    static_assert(2 * kMaxBlocks < kIndexMask, "every block of a grown signature has an index");

    [[nodiscard]] std::uint32_t slotOf(std::uint32_t weak) const
    {
        return (weak * 0x9e3779b1U) >> _slotShift;
    }
    [[nodiscard]] static bool hasTag(std::uint32_t slot, std::uint32_t weak)
    {
        return ((slot ^ weak) & ~kIndexMask) == 0;
    }
    [[nodiscard]] static std::size_t indexIn(std::uint32_t slot) { return (slot & kIndexMask) - 1; }
    // Two bits of one word stand for a checksum: as many false answers as with one bit in a bitmap
    // of four times the size.
    [[nodiscard]] bool mayContain(std::uint32_t weak) const
    {
        const std::uint32_t word = _filter[weak >> _filterShift];
        return ((word >> firstBit(weak)) & (word >> secondBit(weak)) & 1U) != 0;
    }
    [[nodiscard]] unsigned firstBit(std::uint32_t weak) const
    {
        return (weak >> (_filterShift - 5)) & 31U;
    }
    [[nodiscard]] unsigned secondBit(std::uint32_t weak) const
    {
        return (weak >> (_filterShift - 10)) & 31U;
    }
    [[nodiscard]] bool isInTable(std::uint32_t weak) const;
    void insert(std::size_t index);

    const Signature& _base;
    RollingSum _sum;
    std::vector<std::uint32_t> _slots;
    std::uint32_t _slotMask = 0;
    unsigned _slotShift = 0;
    std::vector<std::uint32_t> _filter;
    unsigned _filterShift = 0;
};

} // namespace tidewire
