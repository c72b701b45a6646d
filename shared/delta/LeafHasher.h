// Takes a content from front to back and gives the hashes of its leaves.

#pragma once

#include "shared/delta/ContentHash.h"

#include <sodium/crypto_generichash.h>

#include <vector>

namespace tidewire {

/// BLAKE2b-256 without a key (RFC 7693), fed in parts.
class Blake2b
{
public:
    Blake2b();

    /// Begins anew.
    void reset();
    void update(ByteView bytes);

    /// The hash of all that has come; nothing may be added to this object afterwards, but a copy
    /// that was taken before can go on.
    [[nodiscard]] Hash finish();

private:
    crypto_generichash_state _state;
};

/// One leaf, fed in parts; those of eight chunks that begin with a chunk are the quickest.
class Leaf
{
public:
    void add(ByteView bytes);

    /// hashLeaf() of what has come; more may be added afterwards.
    [[nodiscard]] Hash hash() const;

    /// Begins anew.
    void reset() { *this = Leaf(); }

private:
    void addChunk(const Hash& hash);

    Hash _first; ///< of the first chunk
    std::uint64_t _chunks = 0;
    Blake2b _overChunks;
    std::size_t _inChunk = 0; ///< bytes of the chunk that is not yet whole
    Blake2b _chunk;
};

/// Cuts what it gets into leaves of a given length and hashes them.
///
/// Memory: the leaf hashes alone.
class LeafHasher
{
public:
    /// `leafBytes` as leafBytes() gives it for the whole content.
    explicit LeafHasher(std::uint64_t leafBytes): _leafBytes(leafBytes) {}

    void add(ByteView bytes);

    /// `length` zero bytes; whole leaves of them cost one hash in all.
    void addZeros(std::uint64_t length);

    /// The leaves as they are if the content ends here; more may be added afterwards.
    [[nodiscard]] std::vector<Hash> leaves() const;

private:
    void addToLeaf(ByteView bytes);

    std::uint64_t _leafBytes;
    std::uint64_t _inLeaf = 0; ///< bytes of the leaf that is not yet whole
    Leaf _current;
    std::vector<Hash> _leaves;
};

} // namespace tidewire
