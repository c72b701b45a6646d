// The way to one connection, and how much is queued on it.

#pragma once

#include "relay/session/RelayCore.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace tidewire {

/// Urgent bytes of one connection above which its feeds wait, and nothing is read from it.
inline constexpr std::size_t kUrgentBytes = 1 << 20;

/// The same for a feed that sends contents: they are this connection's alone.
inline constexpr std::size_t kBehindBytes = 512 << 10;

/// Urgent bytes of one connection above which a live feed falls behind. What is queued of live changes is shared by all
/// connections.
inline constexpr std::size_t kLiveBytes = 4 << 20;

/// Bulk bytes of one connection above which its fetches wait: enough to keep a fast link busy between two rounds of the loop.
inline constexpr std::size_t kBulkBytes = 256 << 10;

/// Sends to one connection and keeps the books of its lanes.
///
/// Ownership: borrows `outlet`, which must outlive this.
class Line
{
public:
    Line(RelayOutlet& outlet, ConnectionId connection): _outlet(outlet), _connection(connection) {}

    [[nodiscard]] ConnectionId connection() const { return _connection; }

    /// Bytes that were sent and are not in the kernel yet.
    [[nodiscard]] std::size_t queued(Lane lane) const { return _queued[index(lane)]; }

    /// Encodes and sends; gives back the bytes of the body.
    std::size_t send(const Message& message, Lane lane)
    {
        return send(std::make_shared<const Bytes>(encodeMessage(message)), lane);
    }

    std::size_t send(std::shared_ptr<const Bytes> message, Lane lane)
    {
        const std::size_t size = message->size();
        _queued[index(lane)] += size;
        _outlet.send(_connection, std::move(message), lane);
        return size - kMessageHeaderBytes;
    }

    void onSent(Lane lane, std::size_t bytes)
    {
        std::size_t& queued = _queued[index(lane)];
        queued -= std::min(queued, bytes);
    }

    void close() { _outlet.close(_connection); }

private:
    static std::size_t index(Lane lane) { return lane == Lane::Urgent ? 0 : 1; }

    RelayOutlet& _outlet;
    const ConnectionId _connection;
    std::array<std::size_t, 2> _queued{};
};

} // namespace tidewire
