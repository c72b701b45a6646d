// Packs literal bytes into frames and back.

#pragma once

#include "shared/model/Entry.h"

namespace tidewire {

/// How much work compression may be.
enum class PackEffort : std::uint8_t
{
    Usual,
    Quick, ///< half the work, a fifth more bytes: for when much waits to be packed
};

/// Compresses 1..kFrameBytes bytes with zlib, or stores them raw when that is no smaller or when
/// the bytes look incompressible (byte entropy of a sample), in which case zlib is not even tried.
/// Incompressible stretches of 2 KiB and more among others pass through the stream unchanged.
///
/// Memory: 264 KiB at most while it runs.
[[nodiscard]] Frame packFrame(ByteView raw, PackEffort effort = PackEffort::Usual);

/// Whether bytes look incompressible, by a sample: packFrame() would pass them through.
[[nodiscard]] bool looksRandom(ByteView bytes);

/// The raw bytes. CorruptError when checksum, encoding, zlib stream or length are wrong; never
/// gives more than rawLength bytes, and takes no memory for a rawLength above kFrameBytes.
[[nodiscard]] Bytes unpackFrame(const Frame& frame);

/// As unpackFrame(), but gives those of a raw frame where they are; others are put into `buffer`.
[[nodiscard]] ByteView unpackFrame(const Frame& frame, Bytes& buffer);

/// Whether `stored` has the checksum.
[[nodiscard]] bool hasGoodChecksum(const Frame& frame);

} // namespace tidewire
