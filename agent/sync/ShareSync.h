// One share of the agent: puts scan, uplink and downlink together.

#pragma once

#include "agent/sync/BatchReport.h"
#include "agent/sync/CountingRunner.h"
#include "agent/sync/Downlink.h"
#include "agent/sync/DurableMark.h"
#include "agent/sync/LocalChanges.h"
#include "agent/sync/PathTable.h"
#include "agent/sync/PrivateFolder.h"
#include "agent/sync/ProposalLog.h"
#include "agent/sync/ShareContext.h"
#include "agent/sync/Uplink.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// What a share asks of the engine around it.
struct ShareHooks
{
    /// The connection must be made anew: what HELLO said of the share is no longer true.
    std::function<void(const std::string& reason)> reconnect;

    /// Other rules are in force.
    std::function<void(const IgnoreRules& rules)> onRules;

    /// A look at the whole share took so long.
    std::function<void(SteadyTime duration)> onScanned;
};

/// A share that runs, or has stopped with a reason.
///
/// Memory: LocalChanges, Uplink and Downlink have their bounds.
/// Thread: sync.
class ShareSync: private UplinkHost, private DownlinkHost
{
public:
    ShareSync(ShareOptions options,
              FileSystem& files,
              Index& index,
              const Clock& clock,
              JobRunner& jobs,
              RelayLink& relay,
              ConnectionState& connection,
              ShareHooks hooks);
    ~ShareSync() override;

    /// Checks the folder's marker and makes it on the very first start; sweeps temporaries. False,
    /// with problem() set, when the folder is in doubt: nothing in it is touched then.
    bool start();

    [[nodiscard]] bool isRunning() const { return _running; }
    [[nodiscard]] const std::string& problem() const { return _problem; }
    [[nodiscard]] const std::string& name() const { return _share.options.name; }
    /// True while jobs of the share are with the workers: it must live until they are back.
    [[nodiscard]] bool hasJobs() const { return _jobs.count() > 0; }

    [[nodiscard]] const IgnoreRules& rules() const { return _share.rules; }

    // --- the connection ---
    [[nodiscard]] HelloMessage::Share hello() const;
    void onWelcome(const WelcomeMessage::Share& welcome, ShareNumber number);
    void onRevisions(RevisionsMessage& message);
    void onResult(ResultMessage& message);
    void onUploadState(const UploadStateMessage& message);
    bool onContent(ContentMessage& message, std::uint32_t bodyBytes);
    void onDisconnected();

    // --- the disk ---
    void onHint(const Hint& hint);

    /// The folder is no longer what it was (moved, deleted, unmounted).
    void onRootLost();

    /// Nothing can be relied on any more: the share stops, and has to be opened anew.
    void fail(const std::string& problem);

    /// Files are looked at by turns: an mtime that is too young to be trusted gets a second look.
    void setPolled(bool polled) { _changes.setPolled(polled); }

    // --- the engine's turns ---

    /// Does what can be done now, in bounded portions. True when there is more to do at once.
    bool run();

    /// The index has committed what the turn changed.
    void onCommitted()
    {
        if (_running)
        {
            _downlink.onCommitted();
        }
    }
    [[nodiscard]] std::optional<SteadyTime> nextDue() const;

    /// True when nothing is under way or due: disk and relay agree as far as this agent knows.
    [[nodiscard]] bool isSettled() const;

    /// See SyncEngine::isFull().
    [[nodiscard]] bool isFull() const { return _running && _downlink.isFull(); }

    /// See SyncEngine::releaseMemory().
    void releaseMemory() { _uplink.releaseMemory(); }

    /// Before the end: what must not be left for the next start.
    void stop();

private:
    // UplinkHost, DownlinkHost
    void lookAgain(const RelativePath& path, HintScope scope, SteadyTime delay) override;
    void stillWriting(const RelativePath& path) override;
    void released(const RelativePath& path) override;
    std::optional<Revision> awaited(const RelativePath& path) override;
    std::optional<Seq> takeApplied(const RelativePath& path, const Entry& entry) override;
    void refused(const RelativePath& path, const std::optional<Revision>& head) override;
    void superseded(const Revision& head) override;
    void cannotVanish(const RelativePath& path) override;
    void cannotReplace(const RelativePath& path) override;
    void unreadable(const RelativePath& path, const StorageError& error) override;
    void onlyReceiving() override;
    bool rootIsSound() override;
    void grown(const RelativePath& path) override;
    void onLive() override;
    bool takeOwn(const Revision& revision) override;

    [[nodiscard]] bool markerFits(const std::optional<Marker>& marker);
    [[nodiscard]] bool takeFolder();
    [[nodiscard]] bool wasEmptied();
    void folderStays(const IndexEntry& folder);
    void halt(const std::string& problem);
    void loadRules();
    void report();

    CountingRunner _jobs;
    ProposalLog _log;
    ShareContext _share;
    PathTable _paths;
    Uplink _uplink;
    Downlink _downlink;
    PrivateFolder _private;
    std::unique_ptr<File> _lock; // of the private folder, for as long as jobs may change the folder
    const ShareHooks _hooks;
    bool _running = false;
    std::string _problem;
    std::map<RelativePath, unsigned>
        _stubborn; // folders that the relay would not let go, how often on this connection
    BatchReport _report;
    DurableMark _durable{_share};
    LocalChanges _changes;
};

} // namespace tidewire
