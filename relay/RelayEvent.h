// What the network thread tells the core thread.

#pragma once

#include "relay/session/RelayCore.h"
#include "shared/base/BoundedQueue.h"
#include "shared/net/Outbox.h"
#include "shared/wire/Messages.h"

#include <cstddef>
#include <functional>
#include <string>
#include <variant>

namespace tidewire {

struct PeerConnected
{
    ConnectionId connection = 0;
    std::string peer;
    std::string agent; ///< whose key it has proven; empty when none was proven
};

struct PeerMessage
{
    ConnectionId connection = 0;
    Message message;
};

struct PeerViolation
{
    ConnectionId connection = 0;
    std::string reason;
};

struct PeerDisconnected
{
    ConnectionId connection = 0;
};

struct PeerSent
{
    ConnectionId connection = 0;
    LaneBytes bytes;
};

/// Something that is to be done on the core thread, between two batches.
struct CoreTask
{
    std::function<void()> run;
};

using RelayEvent =
    std::variant<PeerConnected, PeerMessage, PeerViolation, PeerDisconnected, PeerSent, CoreTask>;

using RelayEventQueue = BoundedQueue<RelayEvent>;

/// Bound of the queue in bytes of memory (memoryCost()): two of the largest messages.
inline constexpr std::size_t kEventQueueBytes = std::size_t{8} << 20U;

} // namespace tidewire
