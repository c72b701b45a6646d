// The relay's logic: all sessions and feeds over the stores, as one passive object.

#pragma once

#include "relay/store/StoreProvider.h"
#include "shared/base/Clock.h"
#include "shared/net/Lane.h"
#include "shared/wire/Messages.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// Number of a connection; never used again while the process lives.
using ConnectionId = std::uint64_t;

/// How the core reaches the connections.
class RelayOutlet
{
public:
    virtual ~RelayOutlet() = default;

    /// Queues one encoded message. The buffer may be shared by many connections. RelayCore::onSent() follows when the
    /// bytes have been handed to the kernel.
    virtual void send(ConnectionId connection, std::shared_ptr<const Bytes> message, Lane lane) = 0;

    /// Closes after what is queued on Urgent has been sent (bounded in time by the outer loop). onDisconnect() does not follow.
    virtual void close(ConnectionId connection) = 0;
};

/// What an agent may do with a share. The default policy lets everybody into everything (`security = none`).
struct ShareRight
{
    bool read = true;
    bool write = true;
};

class AccessPolicy
{
public:
    virtual ~AccessPolicy() = default;
    [[nodiscard]] virtual ShareRight right(const std::string& agent,
                                           const std::string& share) const = 0;
};

/// A connection, to be shown to people.
struct SessionStatus
{
    struct Share
    {
        std::string name;
        Seq cursor = 0; ///< as the agent reported it
        bool live = false;
    };
    ConnectionId connection = 0;
    std::string agent;
    std::string peer;
    std::vector<Share> shares;
};

/// All protocol logic of the relay. It owns no thread, socket or clock: the outer loop tells it what happened and calls flush().
///
/// The outer loop takes all events that are there, hands them in, and then calls flush() once: all proposals
/// that have come meanwhile make one group commit. Nothing of a batch is answered or forwarded before its commit has returned.
///
/// Memory: per connection the frame windows' ids, a fetch queue of at most kMaxQueuedFetches, and what is on its lanes: Urgent and Bulk
/// are filled only while less than a bound is queued (see Line.h); beyond it a live feed falls back to catching up from its cursor.
///
/// Thread: one.
class RelayCore
{
public:
    RelayCore(StoreProvider& stores,
              const AccessPolicy& policy,
              const Clock& clock,
              RelayOutlet& outlet);
    ~RelayCore();

    RelayCore(const RelayCore&) = delete;
    RelayCore& operator=(const RelayCore&) = delete;

    /// `peer` names the connection in the log, e.g. its address. `provenAgent` is the name that belongs to the peer's key: HELLO
    /// must give the same one; empty when nothing was proven (`security = none`).
    void onConnect(ConnectionId connection,
                   const std::string& peer,
                   const std::string& provenAgent = {});
    void onMessage(ConnectionId connection, Message&& message);
    /// The peer's bytes broke the protocol before they were a message.
    void onViolation(ConnectionId connection, const std::string& reason);
    void onDisconnect(ConnectionId connection);
    void onSent(ConnectionId connection, Lane lane, std::size_t bytes);

    /// Ends the connections of agents of these names, also those that have not said HELLO yet: what they may do has changed.
    void endAgents(const std::vector<std::string>& names);

    /// Commits the batch, answers, feeds everyone who has room, serves fetches. True when there is more to do at once (call again after
    /// new events were handed in).
    bool flush();

    /// One bounded step of upkeep of the stores; call it when idle. False when there was nothing to do.
    bool maintain();

    /// All connections that have said HELLO.
    [[nodiscard]] std::vector<SessionStatus> status() const;

private:
    class Impl;
    std::unique_ptr<Impl> _impl;
};

} // namespace tidewire
