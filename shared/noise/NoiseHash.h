// BLAKE2b-512 as the Noise framework uses it: HASH, HMAC-HASH and HKDF.

#pragma once

#include "shared/noise/Secret.h"

#include <array>
#include <utility>

namespace tidewire {

inline constexpr std::size_t kNoiseHashBytes = 64;

using NoiseHash = std::array<std::uint8_t, kNoiseHashBytes>;
using ChainingKey = Secret<kNoiseHashBytes>;

/// BLAKE2b-512 over one text behind the other.
[[nodiscard]] NoiseHash noiseHash(ByteView first, ByteView second);

/// HKDF() with two outputs (Noise revision 34, section 4.3), built on HMAC (RFC 2104) with blocks of
/// 128 bytes.
[[nodiscard]] std::pair<ChainingKey, ChainingKey> noiseHkdf(const ChainingKey& key, ByteView input);

} // namespace tidewire
