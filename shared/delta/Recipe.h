// Algebra on lists of operations: no content is read here.

#pragma once

#include "shared/base/ByteReader.h"
#include "shared/base/ByteWriter.h"
#include "shared/model/Entry.h"

#include <optional>

namespace tidewire {

/// Appends `op` and merges it with the last one where they are adjacent. Data is brought to the form offset < kFrameBytes first
/// (a Data operation addresses the bytes from frame * kFrameBytes + offset of one linear space; see Op).
void appendOp(Delta& delta, Op op);

/// Sum of the lengths, or nothing when it exceeds kMaxContentBytes.
[[nodiscard]] std::optional<std::uint64_t> totalLength(const Delta& delta);

/// The operations that yield bytes [offset, offset + length) of what `ops` yields. The range must lie within.
[[nodiscard]] Delta slice(const Delta& ops, std::uint64_t offset, std::uint64_t length);

/// Replaces every Copy of `delta` by the part of `source` that it reads. Nothing when a Copy reaches beyond it or the result has more
/// than kMaxPieces pieces.
[[nodiscard]] std::optional<Recipe> resolve(const Delta& delta, const Recipe& source);

/// Operations that make what `target` yields, copying from what `base` yields whatever both have in common (same bytes of the same frames).
/// Cost: O((n + m) log n) time, O(n) memory.
[[nodiscard]] Delta difference(const Recipe& base, const Recipe& target);

/// Compact form; adjacent frames take few bytes. See docs/protocol.md.
void encodeOps(ByteWriter& writer, const Delta& ops);

/// Fails the reader for more than kMaxPieces operations, lengths of 0, and sums over kMaxContentBytes.
[[nodiscard]] Delta decodeOps(ByteReader& reader);

} // namespace tidewire
