// The content hash: a tree of BLAKE2b-256 that can be made in parallel and extended cheaply.

#pragma once

#include "shared/base/Bytes.h"
#include "shared/model/Entry.h"

#include <cstdint>
#include <span>

namespace tidewire {

/// Smallest leaf, in bytes.
inline constexpr std::uint64_t kMinLeafBytes = 1 << 20;

/// Most leaves of a content; bounds what a signature takes in memory (2 MiB of leaf hashes).
inline constexpr std::uint64_t kMaxLeaves = 65536;

/// Bytes in a leaf of a content of `size` bytes: 1 MiB, doubled until kMaxLeaves are enough (1 MiB
/// up to 64 GiB).
[[nodiscard]] std::uint64_t leafBytes(std::uint64_t size);

/// Bytes in a chunk of a leaf. Eight of them, which a processor may hash side by side, fit into the
/// second-level cache of the boards.
inline constexpr std::size_t kChunkBytes = 32 << 10;

/// The hash of one leaf: BLAKE2b-256 (RFC 7693, no key) over the BLAKE2b-256 of its chunks of
/// kChunkBytes, the last of which may be shorter; for a leaf of at most one chunk that chunk's. The
/// size, which is hashed with the leaves, tells which of the two it is.
[[nodiscard]] Hash hashLeaf(ByteView leaf);

/// hashLeaf() of `length` zero bytes; the one of a whole 1 MiB leaf costs nothing.
[[nodiscard]] Hash hashZeroLeaf(std::uint64_t length);

/// The content hash: BLAKE2b-256 over the size (u64 LE) and the leaf hashes in order. An empty
/// content has no leaves.
[[nodiscard]] Hash combineLeaves(std::uint64_t size, std::span<const Hash> leaves);

} // namespace tidewire
