// What waits to be sent on one connection, in two lanes.

#pragma once

#include "shared/base/Bytes.h"
#include "shared/net/Lane.h"

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>

namespace tidewire {

/// Bytes on each lane.
struct LaneBytes
{
    std::uint64_t urgent = 0;
    std::uint64_t bulk = 0;

    std::uint64_t& operator[](Lane lane) { return lane == Lane::Urgent ? urgent : bulk; }
    [[nodiscard]] std::uint64_t operator[](Lane lane) const
    {
        return lane == Lane::Urgent ? urgent : bulk;
    }
    friend bool operator==(const LaneBytes&, const LaneBytes&) = default;
};

/// Encoded messages, which may be shared with other connections.
///
/// Everything on Urgent goes before anything on Bulk, but a message that was begun is finished
/// first: a receiver sees whole messages only. Within a lane the order is kept.
///
/// Thread: one. Memory: what was pushed and not taken; the bound is the caller's, see queued().
class Outbox
{
public:
    /// Ignores an empty message.
    void push(std::shared_ptr<const Bytes> message, Lane lane);

    /// The next bytes to send: the rest of one message; empty when there is nothing. Valid until the
    /// next call of another method.
    [[nodiscard]] ByteView front() const;

    /// Lane of front().
    [[nodiscard]] Lane frontLane() const { return _current; }

    /// front() and the messages that follow it if nothing is pushed, as many as `views` has room for.
    /// Returns how many they are. Valid as front().
    [[nodiscard]] std::size_t front(std::span<ByteView> views) const;

    /// Takes the first `count` bytes of all that is queued out.
    void take(std::size_t count);

    /// Drops the messages on Bulk that have not been begun.
    void dropBulk();

    [[nodiscard]] bool empty() const { return _queued == LaneBytes{}; }
    [[nodiscard]] const LaneBytes& queued() const { return _queued; }

private:
    using Queue = std::deque<std::shared_ptr<const Bytes>>;

    [[nodiscard]] Queue& queue(Lane lane) { return _lanes[static_cast<std::size_t>(lane)]; }
    [[nodiscard]] const Queue& queue(Lane lane) const
    {
        return _lanes[static_cast<std::size_t>(lane)];
    }
    void choose();
    void takeFront(std::size_t count);

    std::array<Queue, 2> _lanes;
    LaneBytes _queued;
    Lane _current = Lane::Urgent;
    std::size_t _done = 0; // bytes of the front of _current that are taken
};

} // namespace tidewire
