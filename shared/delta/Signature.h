// What an agent remembers of the content that it last synchronised, to find what changed.

#pragma once

#include "shared/delta/ContentHash.h"

#include <cstdint>
#include <vector>

namespace tidewire {

/// Most blocks of a signature when it is made; bounds it to 1.5 MiB. An append may double that.
inline constexpr std::uint64_t kMaxBlocks = 1 << 17;

/// Two checksums of one block.
struct BlockSum
{
    std::uint32_t weak = 0;   ///< RollingSum
    std::uint64_t strong = 0; ///< XXH3-64

    friend bool operator==(const BlockSum&, const BlockSum&) = default;
};

/// Block length for a content of `size` bytes: a power of two from 1 KiB that keeps to kMaxBlocks.
[[nodiscard]] std::uint32_t blockBytesFor(std::uint64_t size);

/// Checksums of all blocks and leaves of one content.
///
/// Memory: bounded by kMaxBlocks and kMaxLeaves, about 4 MiB for any size of content.
struct Signature
{
    std::uint64_t size = 0;
    std::uint32_t blockBytes = 1024;
    std::vector<BlockSum> blocks; ///< the last may be of a shorter block
    std::vector<Hash> leaves;

    friend bool operator==(const Signature&, const Signature&) = default;
};

/// Takes a content from front to back and gives its hash and signature.
class SignatureBuilder
{
public:
    /// `size` is that of the whole content that will come.
    explicit SignatureBuilder(std::uint64_t size);

    void add(ByteView bytes);

    /// `length` zero bytes, at the cost of their blocks and leaves only, not of their bytes.
    void addZeros(std::uint64_t length);

    /// Bytes taken so far.
    [[nodiscard]] std::uint64_t position() const;

    /// To be called once, when all bytes have come.
    [[nodiscard]] Signature finish(Hash& hash);

    // private part: yours to design
};

} // namespace tidewire
