// What can be set for the store of a share.

#pragma once

#include <cstdint>

namespace tidewire {

/// Times are in seconds.
struct StoreOptions
{
    std::int64_t history = 30 * 86400;    ///< how long a replaced revision is kept; 0: not at all
    std::int64_t tombstones = 90 * 86400; ///< how long a deletion is remembered, at least `history`
    std::int64_t uploads = 7 * 86400;     ///< after which an unused upload is given up
    std::int64_t collectEvery = 6 * 3600; ///< least time between two searches for unread frames

    /// Segments written to more recently are left alone: sessions may still name their frames.
    std::int64_t settle = 3600;

    std::uint64_t segmentBytes = 64
                                 << 20; ///< a segment that has reached this is written no further
    std::uint32_t cacheKiB = 1024;      ///< pages of the journal in memory
};

} // namespace tidewire
