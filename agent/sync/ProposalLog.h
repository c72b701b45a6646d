// Remembers which proposals were sent, so that a revision of our own is known for what it is.

#pragma once

#include "agent/sync/ShareContext.h"

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

namespace tidewire {

/// Of a path and all that a revision says of it.
[[nodiscard]] std::uint64_t fingerprintOf(const RelativePath& path, const Entry& entry);

/// The answer to a proposal may be lost with the connection or the process, and the revision that it became comes down as
/// news later. Taken for a change of somebody else it would make a conflict copy of whatever was done to the path since, or
/// bring back what was deleted since. So the index knows the fingerprint (path and entry) of each proposal before it leaves,
/// one row a message, until all of them are answered; what was never answered is kept for kMaxAge connections.
///
/// Memory: 8 bytes a proposal of the connections before, a row number for each of this one (Uplink::kMaxFlights).
/// Thread: sync.
class ProposalLog: public RelayLink
{
public:
    /// A proposal may still reach the relay after the next connection was made, hardly after the one behind that.
    static constexpr unsigned kMaxAge = 2;

    ProposalLog(Index& index, RelayLink& relay): _index(index), _relay(relay) {}

    /// Takes up what an earlier process left.
    void load(ShareId share);

    /// Passes the message on; proposals are recorded before.
    void send(const Message& message, Lane lane) override;

    void answered(std::uint32_t proposal);
    void onDisconnected();

    /// The relay has told of everything: once more, what was not answered has probably never arrived.
    void onLive();

    /// True when the revision is a proposal of this agent that was never answered.
    [[nodiscard]] bool made(const Revision& revision) const;

private:
    void record(const ProposeMessage& message);
    void reload();

    Index& _index;
    RelayLink& _relay;
    ShareId _share = 0;
    std::unordered_map<std::uint32_t, std::int64_t> _rows; // of proposals that wait for an answer
    std::unordered_map<std::int64_t, std::size_t> _open;   // how many of a row do
    std::unordered_set<std::uint64_t> _former;             // fingerprints of earlier connections
};

} // namespace tidewire
