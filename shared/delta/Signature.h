// What an agent remembers of the content that it last synchronised, to find what changed.

#pragma once

#include "shared/delta/ContentHash.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace tidewire {

/// Most blocks of a signature when it is made; bounds it to 1.5 MiB. An append may double that.
inline constexpr std::uint64_t kMaxBlocks = 1 << 17;

/// Longest block; bounds what comparing takes in memory. kMaxBlocks of them are 2 TiB: of longer
/// contents only the first 2 TiB have block checksums, and what lies behind is never matched.
inline constexpr std::uint32_t kMaxBlockBytes = 1 << 24;

/// Two checksums of one block.
struct BlockSum
{
    std::uint32_t weak = 0;   ///< RollingSum
    std::uint64_t strong = 0; ///< XXH3-64

    friend bool operator==(const BlockSum&, const BlockSum&) = default;
};

/// Block length for a content of `size` bytes: a power of two from 1 KiB to kMaxBlockBytes, the
/// smallest one that keeps to kMaxBlocks.
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
///
/// Thread: one at a time.
class SignatureBuilder
{
public:
    /// `size` is that of the whole content that will come. `old` may be null and must outlive this:
    /// blocks that are the same as there, at the same place, cost less.
    explicit SignatureBuilder(std::uint64_t size, const Signature* old = nullptr);
    SignatureBuilder(SignatureBuilder&&) noexcept;
    SignatureBuilder& operator=(SignatureBuilder&&) noexcept;
    ~SignatureBuilder();

    void add(ByteView bytes);

    /// `length` zero bytes, at the cost of their blocks and leaves only, not of their bytes.
    void addZeros(std::uint64_t length);

    /// Bytes taken so far.
    [[nodiscard]] std::uint64_t position() const;

    /// Checksums of the blocks that are whole by now.
    [[nodiscard]] const std::vector<BlockSum>& blocks() const;

    /// To be called once, when all bytes have come.
    [[nodiscard]] Signature finish(Hash& hash);

private:
    class Impl;
    std::unique_ptr<Impl> _impl;
};

} // namespace tidewire
