// Packs literal bytes into frames and back.

#pragma once

#include "shared/model/Entry.h"

namespace tidewire {

/// Compresses 1..kFrameBytes bytes with zlib, or stores them raw when that is no smaller or when
/// the bytes look incompressible (byte entropy of a sample), in which case zlib is not even tried.
///
/// Memory: 264 KiB at most while it runs.
[[nodiscard]] Frame packFrame(ByteView raw);

/// The raw bytes. CorruptError when checksum, encoding, zlib stream or length are wrong; never
/// gives more than rawLength bytes, and takes no memory for a rawLength above kFrameBytes.
[[nodiscard]] Bytes unpackFrame(const Frame& frame);

/// Whether `stored` has the checksum.
[[nodiscard]] bool hasGoodChecksum(const Frame& frame);

} // namespace tidewire
