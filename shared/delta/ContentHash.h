// The content hash: a two-level BLAKE2b-256 that can be made in parallel and extended cheaply.

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

/// BLAKE2b-256 (RFC 7693, no key) of one leaf.
[[nodiscard]] Hash hashLeaf(ByteView leaf);

/// hashLeaf() of `length` zero bytes; the one of a whole 1 MiB leaf costs nothing.
[[nodiscard]] Hash hashZeroLeaf(std::uint64_t length);

/// The content hash: BLAKE2b-256 over the size (u64 LE) and the leaf hashes in order. An empty
/// content has no leaves.
[[nodiscard]] Hash combineLeaves(std::uint64_t size, std::span<const Hash> leaves);

} // namespace tidewire
