// One connection as the event loop sees it.

#pragma once

#include "relay/Listener.h"
#include "relay/RelayEvent.h"
#include "shared/base/Clock.h"
#include "shared/net/MessageLink.h"
#include "shared/noise/Keys.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tidewire {

/// Where a connection is in its life.
enum class ConnectionPhase : std::uint8_t
{
    Greeting, ///< until its HELLO is there: nobody knows who it is, the limits are tight
    Greeted,  ///< the core has the HELLO; nothing is read until it has answered with WELCOME
    Open,
    Broken,  ///< its bytes broke the protocol; the core was told and says ERROR
    Closing, ///< the core is done with it: the rest goes out, then it ends
};

/// Plain data; the rules are in EventLoop.
struct Connection
{
    Connection(ConnectionId number, MessageLink&& itsLink, PeerAddress address, SteadyTime now):
        id(number),
        link(std::move(itsLink)),
        peer(std::move(address.text)),
        network(std::move(address.network)),
        since(now),
        moved(now)
    {
    }

    const ConnectionId id;
    MessageLink link;
    const std::string peer;       ///< address, for the log
    const std::string network;    ///< see PeerAddress
    std::optional<PublicKey> key; ///< that the peer has proven
    std::string agent;            ///< whose key that is; empty when none was proven
    ConnectionPhase phase = ConnectionPhase::Greeting;
    SteadyTime since;           ///< when the phase began
    SteadyTime moved;           ///< when a byte last came, or went while input is paused
    bool shutDown = false;      ///< Closing: everything was sent, the peer's end is awaited
    bool touched = false;       ///< something was queued that onWritable() has not seen yet
    std::uint32_t interest = 0; ///< what epoll waits for

    /// A message that the core's queue had no room for; nothing is read until it has gone.
    std::optional<RelayEvent> stalled;
    std::size_t stalledCost = 0;
};

} // namespace tidewire
