// Decides which handshake the relay does next, and how much of its time they may take.

#pragma once

#include "relay/session/RelayCore.h"
#include "shared/base/Clock.h"

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace tidewire {

/// The handshakes that wait for the processor. Anybody may ask for one, and each costs some curve
/// multiplications: so they get at most half of the time of the thread that does them, after a burst,
/// and networks from which handshakes have failed lately come after all others.
///
/// Thread: one.
/// Memory: what the owner adds, and kMostSuspects networks.
class HandshakeQueue
{
public:
    /// What may be done at once after a rest: a few hundred handshakes on a PC, a few on a small board.
    static constexpr SteadyTime kBurst = std::chrono::milliseconds(50);

    /// A failure counts for so long.
    static constexpr SteadyTime kSuspicion = std::chrono::minutes(1);

    /// When so many networks have failed, all are forgotten: that many are no address's fault.
    static constexpr std::size_t kMostSuspects = 1000;

    /// `network` tells from where it comes, see Listener::accept().
    void add(ConnectionId connection, const std::string& network);

    /// The connection is gone; it need not wait here.
    void remove(ConnectionId connection);

    /// Takes out whose turn it is; nothing when nobody waits or the time is used up.
    [[nodiscard]] std::optional<ConnectionId> next(SteadyTime now);

    /// A handshake took so long.
    void spent(SteadyTime time) { _credit -= time; }

    /// A handshake from there has failed.
    void failed(const std::string& network, SteadyTime now);

    /// When next() will give something: `now` or before when it would at once, max when nobody waits.
    [[nodiscard]] SteadyTime nextAt(SteadyTime now) const;

private:
    struct Waiting
    {
        ConnectionId connection = 0;
        std::string network;
    };

    void refill(SteadyTime now);
    [[nodiscard]] bool isSuspect(const std::string& network, SteadyTime now) const;

    std::deque<Waiting> _waiting;                // in the order of arrival
    std::map<std::string, SteadyTime> _suspects; // until when
    SteadyTime _credit = kBurst;
    std::optional<SteadyTime> _refilled;
};

} // namespace tidewire
