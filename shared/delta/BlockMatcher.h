// Finds in a stretch of new content what the base has too.

#pragma once

#include "shared/delta/BlockTable.h"

#include <memory>
#include <optional>

namespace tidewire {

/// Part of a buffer that holds new content, seen in offsets of that content.
struct ContentWindow
{
    const std::uint8_t* bytes = nullptr; ///< of offset `begin`
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool isLast = false; ///< nothing comes behind `end` that could be part of a block

    [[nodiscard]] const std::uint8_t* at(std::uint64_t offset) const
    {
        return bytes + (offset - begin);
    }
};

/// Bytes [target, target + length) of the new content are [source, source + length) of the base.
struct BlockMatch
{
    std::uint64_t target = 0;
    std::uint64_t source = 0;
    std::uint64_t length = 0;
};

/// Walks the new content with a cursor and stops at every block of the base.
///
/// At each place the block behind the last match is tried first, then the unmoved one, then the
/// table, which is made when it is first needed. The base's short last block is tried in the first
/// two ways, and at the end of a window that is the last one.
///
/// Work: bounded for any content, crafted checksums included: when confirming candidates in vain
/// has cost kVainFactor times the content, only expected blocks are looked at.
class BlockMatcher
{
public:
    /// `base`, and `newBlocks` (the checksums of the new content's blocks so far, which may grow
    /// meanwhile), must outlive this. `newBlockBytes` is the length of those.
    BlockMatcher(const Signature& base,
                 std::uint64_t newSize,
                 const std::vector<BlockSum>& newBlocks,
                 std::uint32_t newBlockBytes);

    /// Goes on at `offset`: what lies between has been dealt with.
    void moveTo(std::uint64_t offset);

    /// Everything before it is matched, or known to match nothing.
    [[nodiscard]] std::uint64_t cursor() const { return _cursor; }

    /// The next match, with the cursor behind it. Nothing when the window has no more: the cursor
    /// is at its end if the window was the last one, else at most a block before it; the bytes from
    /// the cursor on have to be in the next window.
    [[nodiscard]] std::optional<BlockMatch> next(const ContentWindow& window);

private:
    [[nodiscard]] std::optional<BlockMatch> tryExpected(const ContentWindow& window);
    [[nodiscard]] std::optional<BlockMatch> tryTable(const ContentWindow& window);
    [[nodiscard]] std::optional<BlockMatch> tryTail(const ContentWindow& window);
    [[nodiscard]] std::optional<BlockMatch> roll(const ContentWindow& window);
    [[nodiscard]] bool isSame(const ContentWindow& window, std::uint64_t block) const;
    [[nodiscard]] std::uint64_t strongAt(const ContentWindow& window) const;
    [[nodiscard]] std::uint64_t lengthOf(std::uint64_t block) const;
    BlockMatch accept(std::uint64_t block);

    // Constant after construction.
    const Signature& _base;
    const std::vector<BlockSum>& _newBlocks;
    std::uint64_t _blockBytes;
    std::uint64_t _wholeBlocks; ///< of the base
    std::uint64_t _tailBytes;   ///< length of the base's short last block, or 0
    bool _sameLength;           ///< new blocks are as long as the base's
    RollingSum _sum;
    std::uint64_t _vainLimit;

    std::unique_ptr<BlockTable> _table;
    std::uint64_t _vainBytes = 0;
    std::uint64_t _cursor = 0;
    bool _isRolling = false; ///< `_weak` is of the block that begins at the cursor
    std::uint32_t _weak = 0;
    std::uint64_t _follower = 0;   ///< block behind the last match
    std::uint64_t _followerAt = 0; ///< where it would stand
    std::uint64_t _shift = 0;      ///< source - target of the last match, modulo 2^64
};

} // namespace tidewire
