// Algebra on lists of operations: no content is read here.

#pragma once

#include "shared/base/ByteReader.h"
#include "shared/base/ByteWriter.h"
#include "shared/model/Entry.h"

#include <optional>

namespace tidewire {

/// Largest frame number that operations may name: byte addresses stay below 2^63.
inline constexpr FrameId kMaxFrameId = (std::uint64_t{1} << 46U) - 1;

/// Appends `op` and merges it with the last one where they are adjacent; an op of length 0 is left
/// out. Data is brought to the form offset < kFrameBytes first (a Data operation addresses the
/// bytes from frame * kFrameBytes + offset of one linear space; see Op).
void appendOp(Delta& delta, Op op);

/// Sum of the lengths, or nothing when it exceeds kMaxContentBytes.
[[nodiscard]] std::optional<std::uint64_t> totalLength(const Delta& delta);

/// The operations that yield bytes [offset, offset + length) of what `ops` yields. The range must
/// lie within.
[[nodiscard]] Delta slice(const Delta& ops, std::uint64_t offset, std::uint64_t length);

/// Replaces every Copy of `delta` by the part of `source` that it reads. Nothing when a Copy
/// reaches beyond it or the result has more than kMaxPieces pieces.
///
/// Cost: O(n log m + result).
[[nodiscard]] std::optional<Recipe> resolve(const Delta& delta, const Recipe& source);

/// Operations that make what `target` yields, copying from what `base` yields whatever both have in
/// common (same bytes of the same frames).
///
/// Of several places in the base the one that continues the last copy is taken, else the unmoved
/// one. When that would take more than kMaxPieces operations the result is `target` itself.
/// resolve() of the result gives `target` back.
/// Cost: O((n + m) log n) time, O(n) memory.
[[nodiscard]] Delta difference(const Recipe& base, const Recipe& target);

/// Compact form of `ops`, which must keep to the limits that decodeOps() checks.
///
///     ops      = varint count, count * op
///     op       = head, length rest?, place?
///     head     = u8: bits 0..1 kind (0 Copy, 1 Data, 2 Zero), bit 2 "not at the expected place",
///                bits 3..6 the low bits of the length, bit 7 "a length rest follows"
///     rest     = varint, not 0: length / 16
///     place    = only if bit 2 is set; never for Zero
///                Copy: zigzag offset - expected offset
///                Data: zigzag frame - expected frame, varint offset in the frame (below 131072)
///
/// The expected place of a Copy is where the last Copy ended, plus the lengths of all operations
/// since: an edit that keeps the length costs no place. That of Data is where the last Data ended
/// (frame + 1, 0 at the end of a frame). Both begin with 0. Differences are modulo 2^64. Operations
/// that continue each other are written as one.
///
/// Example: Copy 0+1000, Data frame 7 5+20, Copy 1020+3 is
/// 03 | c0 3e | a5 01 0e 05 | 18.
void encodeOps(ByteWriter& writer, const Delta& ops);

/// Fails the reader for more than kMaxPieces operations, lengths of 0, sums over kMaxContentBytes,
/// frames over kMaxFrameId and anything else that encodeOps() does not write. Operations that
/// continue each other come merged.
[[nodiscard]] Delta decodeOps(ByteReader& reader);

} // namespace tidewire
