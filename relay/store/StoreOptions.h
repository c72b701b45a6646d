// What can be set for the store of a share.

#pragma once

#include <cstdint>

namespace tidewire {

inline constexpr std::int64_t kHourSeconds = 3600;
inline constexpr std::int64_t kDaySeconds = 24 * kHourSeconds;

/// Times are in seconds.
struct StoreOptions
{
    std::int64_t history =
        30 * kDaySeconds; ///< how long a replaced revision is kept; 0: not at all
    std::int64_t tombstones =
        90 * kDaySeconds; ///< how long a deletion is remembered, at least `history`
    std::int64_t uploads = 7 * kDaySeconds; ///< after which an unused upload is given up
    std::int64_t collectEvery =
        6 * kHourSeconds; ///< least time between two searches for unread frames

    /// Segments written to more recently are left alone: sessions may still name their frames.
    std::int64_t settle = kHourSeconds;

    /// A segment that has reached this is written no further.
    std::uint64_t segmentBytes = 64 << 20;

    std::uint32_t cacheKiB = 1024; ///< pages of the journal in memory
};

} // namespace tidewire
