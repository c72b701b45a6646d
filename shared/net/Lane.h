// Priorities on one connection.

#pragma once

#include <cstdint>

namespace tidewire {

/// Everything queued on Urgent goes out before anything on Bulk; within a lane the order is kept.
enum class Lane : std::uint8_t
{
    Urgent, ///< metadata, small changes, answers
    Bulk,   ///< contents of large files
};

} // namespace tidewire
