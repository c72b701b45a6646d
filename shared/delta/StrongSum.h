// XXH3-64, the strong checksum of a block and of a stored frame.

#pragma once

#include "shared/base/Bytes.h"

// Inlined: blocks of a KiB are short enough for the call and the choice by length to count.
#ifndef XXH_INLINE_ALL
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

namespace tidewire {

/// XXH3-64 with seed 0. Not a cryptographic hash: whoever makes both contents can make two blocks
/// equal, so what was built from matched blocks is proved by its content hash.
[[nodiscard]] inline std::uint64_t strongSum(ByteView bytes)
{
    return XXH3_64bits(bytes.data(), bytes.size());
}

} // namespace tidewire
