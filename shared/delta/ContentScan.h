// Reads a file once and yields its hash, its new signature and its delta against an old signature.

#pragma once

#include "shared/delta/Signature.h"
#include "shared/fs/FileSystem.h"

#include <memory>
#include <optional>

namespace tidewire {

/// Receives a delta from front to back. Adjacent calls of a kind need not be merged by the
/// receiver: Copy and Zero come merged; literal comes in pieces of at most kFrameBytes.
class DeltaSink
{
public:
    virtual ~DeltaSink() = default;
    virtual void copy(std::uint64_t offset, std::uint64_t length) = 0;
    virtual void literal(ByteView bytes) = 0; ///< valid during the call only
    virtual void zero(std::uint64_t length) = 0;
};

/// What a read gave.
struct ScannedContent
{
    Hash hash;
    Signature signature;
};

/// One pass over a file in steps of bounded work, so that others get their turn between them.
///
/// Holes of the file (SEEK_HOLE) are not read and become zero(). Data is matched against `base`
/// with a rolling checksum (Tridgell, "Efficient Algorithms for Sorting and Synchronization", 1999,
/// chapter 3), and each candidate is confirmed by XXH3-64; unmoved blocks are tried first. The
/// result is proved by the content hash at the receiver, not here.
///
/// Memory: the base's block table (2 MiB, and 512 KiB of bitmap, at 2 * kMaxBlocks; only from the
/// first changed block on) and a buffer of 384 KiB and two blocks (of 1 KiB up to 128 MiB, then
/// growing with the content to 16 MiB at the most); for a short file no more than its size.
/// Errors: StorageError; a file that is shorter than `size` when read gives an Error "changed while
/// it was read".
/// Thread: one at a time.
class ContentScan
{
public:
    /// Reads the first `size` bytes of `file`. `base` may be null; both, and `sink`, must outlive
    /// this.
    ContentScan(File& file, std::uint64_t size, const Signature* base, DeltaSink& sink);
    ~ContentScan();

    /// Reads and yields about 1 MiB (a whole hole counts as nothing). Returns false once the end
    /// was reached.
    bool step();

    /// To be called once, after step() has returned false.
    [[nodiscard]] ScannedContent finish();

private:
    class Impl;
    std::unique_ptr<Impl> _impl;
};

/// What an append needs to know of the old content; a small part of its signature.
struct AppendBase
{
    std::uint64_t size = 0;
    std::uint32_t blockBytes = 1024;
    std::vector<Hash> leaves;
    struct Sample
    {
        std::uint64_t block = 0;
        BlockSum sum;
    };
    std::vector<Sample> samples; ///< blocks all over the old content
};

/// The blocks to sample for an append to a content of `size` bytes: at most `count`, spread evenly,
/// always the first and the last whole block. Deterministic, ascending, without repetition.
[[nodiscard]] std::vector<std::uint64_t>
sampleBlocks(std::uint64_t size, std::uint32_t blockBytes, std::size_t count);

/// What an append yields. `blocks` replace those of the old signature from block `firstBlock` on.
struct AppendedContent
{
    Hash hash;
    std::vector<Hash> leaves;
    std::uint64_t firstBlock = 0;
    std::vector<BlockSum> blocks;
};

/// The fast path for logs: proves by samples, and by the hash of the last leaf of the old content,
/// that [0, base.size) is most likely unchanged; then reads only from the start of that leaf.
/// Yields copy(0, base.size) and the new bytes as literal (holes as zero).
///
/// Returns nothing, and yields nothing, when a sample or that leaf differs, when the leaf length
/// changes with the size, or when the blocks would outgrow 2 * kMaxBlocks: do a ContentScan then.
/// The new part is read in one go: call it only when it is small (the caller's choice; tens of MiB
/// at the most).
///
/// Errors: as ContentScan.
[[nodiscard]] std::optional<AppendedContent>
scanAppend(File& file, std::uint64_t size, const AppendBase& base, DeltaSink& sink);

} // namespace tidewire
