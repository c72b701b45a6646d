// Takes a content from front to back and gives the checksums of its blocks.

#pragma once

#include "shared/delta/Signature.h"
#include "shared/delta/StrongSum.h"

namespace tidewire {

/// Cuts what it gets into blocks and sums them up.
///
/// Memory: the checksums, at most `maxBlocks`; what comes behind that many blocks is left out.
class BlockSummer
{
public:
    /// Where a block has the strong checksum of the same block of `old` (may be null; must outlive
    /// this), the weak one is taken over from there too instead of being computed.
    BlockSummer(std::uint32_t blockBytes, std::uint64_t maxBlocks, const Signature* old);

    void add(ByteView bytes);

    /// `length` zero bytes at the cost of their blocks.
    void addZeros(std::uint64_t length);

    /// Ends the last, shorter block.
    void finish();

    /// The blocks that are whole by now, and after finish() the last one.
    [[nodiscard]] std::vector<BlockSum>& blocks() { return _blocks; }

private:
    [[nodiscard]] bool isFull() const { return _blocks.size() >= _maxBlocks; }
    [[nodiscard]] const BlockSum& zeroBlock();
    void addWhole(ByteView block);
    void addPart(ByteView bytes);
    void addZeroPart(std::uint64_t length);
    void closeWhenWhole();

    std::uint32_t _blockBytes;
    std::uint64_t _maxBlocks;
    const Signature* _old;
    std::vector<BlockSum> _blocks;

    std::uint32_t _inBlock = 0; ///< bytes of the block that is not yet whole
    std::uint32_t _weak = 0;
    XXH3_state_t _strong;

    bool _hasZeroBlock = false;
    BlockSum _zeroBlock;
};

} // namespace tidewire
