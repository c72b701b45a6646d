// Compresses message bodies, and takes them apart again without trusting what they announce.

#pragma once

#include "shared/base/Bytes.h"

#include <optional>

namespace tidewire {

/// Shortest body that is worth compressing.
inline constexpr std::size_t kMinCompressedBody = 512;

/// The raw length as a varint and one zlib stream (RFC 1950); nothing when that is no smaller than `body`.
[[nodiscard]] std::optional<Bytes> compressBody(ByteView body);

/// The raw body. Throws ProtocolError when it is announced or turns out to be longer than `limit`, when the length is not
/// the announced one, and for a damaged stream. Takes memory for what comes out, not for what is announced.
[[nodiscard]] Bytes decompressBody(ByteView body, std::size_t limit);

} // namespace tidewire
