// The hashes of the chunks that a leaf is made of, several at a time.

#pragma once

#include "shared/delta/ContentHash.h"

#include <span>

namespace tidewire {

/// How many chunks are hashed side by side in the lanes of vector registers.
enum class ChunkLanes : std::uint8_t
{
    One,   ///< libsodium, on any processor
    Four,  ///< AVX2
    Eight, ///< AVX-512
};

/// The best way that this processor has.
[[nodiscard]] ChunkLanes bestChunkLanes();

/// BLAKE2b-256 of each chunk of `bytes`, which are hashes.size() whole ones (kChunkBytes).
///
/// Measured on a server core, s for 1 GiB: One 1.05, Four 0.47, Eight 0.28. Other processors
/// than x86 have One only.
///
/// `lanes` must not be better than bestChunkLanes(); it is for tests.
void hashChunks(ByteView bytes, std::span<Hash> hashes, ChunkLanes lanes = bestChunkLanes());

} // namespace tidewire
