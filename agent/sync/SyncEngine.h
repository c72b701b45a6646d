// All of the agent's decisions, as one passive object over its shares.

#pragma once

#include "agent/state/Index.h"
#include "agent/sync/Fetcher.h"
#include "agent/sync/ShareSync.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// How the engine reaches the connection.
class EngineOutlet
{
public:
    virtual ~EngineOutlet() = default;

    virtual void send(std::shared_ptr<const Bytes> message, Lane lane) = 0;

    /// Ends the connection; another one follows. onDisconnected() is called for it as for any end.
    virtual void disconnect(const std::string& reason) = 0;
};

/// The agent's logic. It owns no thread, socket, watcher or clock: the outer loop hands in what happened, has jobs run,
/// and calls run() until it returns false and again at nextDue(). What messages and jobs write to the index is committed
/// by the next run(), and what they say to the relay leaves after that commit: it must never know of something that this
/// agent could forget.
///
/// Thread: one (the sync thread); jobs are run elsewhere.
class SyncEngine: public RelayLink
{
public:
    /// Between two tries to start a share whose folder was in doubt.
    static constexpr SteadyTime kStartRetry = std::chrono::seconds(10);

    SyncEngine(
        std::string agent, Index& index, const Clock& clock, JobRunner& jobs, EngineOutlet& outlet);
    ~SyncEngine() override;

    /// Tells that other rules hold in a share, or that all of it was looked at.
    struct ShareEvents
    {
        std::function<void(const IgnoreRules& rules)> onRules;
        std::function<void(SteadyTime duration)> onScanned;
    };

    /// Adds a share over its folder. `id` is the WatchId that its hints carry. Returns false when the folder is in doubt
    /// (see ShareSync::start()).
    bool addShare(WatchId id,
                  ShareOptions options,
                  std::shared_ptr<FileSystem> files,
                  ShareEvents events);

    /// Removes a share: its folder is gone, or another configuration is in force. It lives on until its jobs have come
    /// back; until then the id must not be used again.
    void removeShare(WatchId id);

    /// True when a removed share of that id still waits for jobs.
    [[nodiscard]] bool isLeaving(WatchId id);

    [[nodiscard]] ShareSync* share(WatchId id);

    void onConnected();

    /// RelayLink: for the shares.
    void send(const Message& message, Lane lane) override;

    /// `wireBytes` is the size of the message with its header. ProtocolError when the relay breaks the protocol: the outer loop disconnects.
    void onMessage(Message&& message, std::size_t wireBytes);

    /// Hands a job that is done over to whoever ordered it.
    void onJob(JobPtr job);
    void onDisconnected();
    void onHint(const Hint& hint);

    /// Does what can be done now. True when there is more to do at once.
    bool run();
    [[nodiscard]] std::optional<SteadyTime> nextDue() const;
    [[nodiscard]] bool isSettled() const;

    /// True while no more revisions should be handed in: a job is under way that makes room.
    [[nodiscard]] bool isFull() const;

    /// Lets go of what is only there to be quick: nothing is going on. Small leftovers of a burst pin whole pages of the heap.
    void releaseMemory();

    /// Before the end.
    void stop();

private:
    void beginTurn();
    void takeTurn(const std::function<void()>& work);
    void endTurn();
    void fail(const std::string& problem);
    void onWelcome(const WelcomeMessage& message);
    ShareSync& byNumber(ShareNumber number);
    void dispatch(Message& message, std::uint32_t bodyBytes);

    const std::string _agent;
    Index& _index;
    const Clock& _clock;
    JobRunner& _jobs;
    EngineOutlet& _outlet;
    ConnectionState _connection;
    struct Entry
    {
        std::shared_ptr<FileSystem> files;
        std::unique_ptr<ShareSync> share;
    };
    std::map<WatchId, Entry> _shares;
    std::map<WatchId, Entry> _leaving;
    std::vector<ShareSync*> _numbered; // in the order of the HELLO
    struct Outgoing
    {
        std::shared_ptr<const Bytes> message;
        Lane lane = Lane::Urgent;
    };
    std::vector<Outgoing> _outgoing; // of this turn
    bool _connected = false;
    bool _dropping = false; // the connection is to end, and has not heard of it yet
    bool _welcomed = false;
};

} // namespace tidewire
