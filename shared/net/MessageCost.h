// What a decoded message takes in memory.

#pragma once

#include "shared/wire/Messages.h"

#include <cstddef>

namespace tidewire {

/// Bytes of memory that `message` holds, about; for the bounds of queues between threads.
///
/// The size on the wire will not do: a body is compressed, and an enemy can make 4 MiB of records
/// out of 4 KiB.
[[nodiscard]] std::size_t memoryCost(const Message& message);

} // namespace tidewire
