// From the relay's revisions to the disk.

#pragma once

#include "agent/sync/ApplyJob.h"
#include "agent/sync/ApplyLog.h"
#include "agent/sync/DisplacedFiles.h"
#include "agent/sync/Downloads.h"
#include "agent/sync/Fetcher.h"
#include "agent/sync/PathTable.h"
#include "agent/sync/Reconciler.h"
#include "agent/sync/RevisionQueue.h"
#include "agent/sync/ShareContext.h"
#include "agent/watch/Watcher.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace tidewire {

/// What the downlink asks of the share that it belongs to.
class DownlinkHost
{
public:
    virtual ~DownlinkHost() = default;

    /// Look at the path, `delay` from now.
    virtual void lookAgain(const RelativePath& path, HintScope scope, SteadyTime delay) = 0;

    /// All that the relay had is taken in.
    virtual void onLive() = 0;

    /// A revision that this agent made: true when its answer was lost, and it has been taken for that answer.
    virtual bool takeOwn(const Revision& revision) = 0;
};

/// Revisions on their way down: decides for each what to do, gets the content, has it applied, and records it in the index.
///
/// Memory: RevisionQueue's bound, the fetcher's bounds, one batch of tasks, those of Downloads.
/// Thread: sync.
class Downlink
{
public:
    static constexpr std::size_t kMaxTasks = 512;
    static constexpr std::size_t kMaxTaskBytes = 2 << 20;
    static constexpr unsigned kMaxWrongContents = 3;

    Downlink(ShareContext& share,
             PathTable& paths,
             ConnectionState& connection,
             DownlinkHost& host);
    ~Downlink();

    /// The share's record is known.
    void start() { _applyLog.load(_share.record.id); }

    /// After WELCOME.
    void onWelcome();

    /// The relay tells of all heads anew: what was received before means nothing.
    void forgetReceived();

    /// The share's cursor was set back.
    void forgetCursor() { _queue.restart(); }
    void onRevisions(RevisionsMessage& message);
    bool onContent(ContentMessage& message, std::uint32_t bodyBytes);
    void onDisconnected();

    /// A revision that came with an answer.
    void onNews(const Revision& revision);

    /// Local work on the path has ended, or its state changed: decide again.
    void reconsider(const RelativePath& path);

    /// What may be done with local changes, or the rules, have changed: everything that waits is decided on again.
    void reconsiderAll();

    /// The relay refused our change because of `head`.
    void onJudged(const RelativePath& path, const Revision& head);

    /// The revision that waits for the path.
    [[nodiscard]] std::optional<Revision> awaited(const RelativePath& path) const;

    /// See ApplyLog::take().
    std::optional<Seq> takeApplied(const RelativePath& path, const Entry& entry)
    {
        return _applyLog.take(path, entry);
    }

    /// True when the relay refused our side of the path: it is settled here, and not to be proposed again.
    [[nodiscard]] bool isJudged(const RelativePath& path) const;

    /// True when some revision for a path below waits.
    [[nodiscard]] bool awaitsBelow(const RelativePath& folder) const;

    /// Moves on what can be moved on; true when there is more to do at once.
    bool pump();

    /// The index has committed the turn: what had to be in it first may go on.
    void onCommitted();
    [[nodiscard]] std::optional<SteadyTime> nextDue() const;
    [[nodiscard]] bool isIdle() const { return _queue.isEmpty(); }

    /// True while further revisions would lose their contents, or have to wait in the index, and work is under way that makes
    /// room without the relay's help.
    [[nodiscard]] bool isFull() const;

    /// Files that were open for writing when they were replaced are looked at once more; `last`: for the last time.
    void checkDisplaced(bool last) { _displaced.check(last); }

    /// Revisions applied since the last call.
    std::size_t takeApplied() { return std::exchange(_applied, 0); }

private:
    using Item = RevisionQueue::Item;

    void accept(RevisionsMessage::Item& item);
    Item* knownFor(const Revision& newer);
    [[nodiscard]] bool isBegun(const Revision& revision, const Item* item);
    void adopt(std::optional<IndexEntry> row, const Revision& older);
    void tryDecide(Item& item);
    void decide(Item& item);
    void makeReady(Item& item,
                   const std::optional<FileStat>& stat,
                   const std::optional<IndexEntry>& row);
    bool findContent(Item& item, ApplyTask& task, const std::optional<IndexEntry>& row);
    bool useTwin(Item& item, ApplyTask& task);
    bool useInline(Item& item, ApplyTask& task, const std::optional<IndexEntry>& row);
    void fetch(Item& item, const std::optional<IndexEntry>& row);
    void startDownload(Item& item,
                       const RelativePath& base,
                       const LocalIdentity& identity,
                       ContentChunk first,
                       std::uint64_t resumeAt);
    void onDownload(DownloadJob& job, bool wanted);
    void onDownloadFailed(Item& item, const DownloadJob& job);
    void startDelayed();
    void startApply();
    bool addToBatch(Item& item, std::vector<ApplyTask>& batch, std::vector<RelativePath>& held);
    void onApplied(ApplyJob& job, const std::vector<RelativePath>& paths);
    void onOutcome(ApplyTask& task, const RelativePath& path);
    void onTaskDone(Item& item, ApplyTask& task);
    void onTaskFailed(Item& item, ApplyTask& task);
    void onNotEmpty(Item& item);
    void retryLater(Item& item, const std::string& problem);
    void giveUp(Item& item, const std::string& problem);
    void finish(const RelativePath& path);
    void removePartial(const Revision& revision);
    void finishComparison(Seq head);
    [[nodiscard]] LocalView localView(const Item& item,
                                      const std::optional<FileStat>& stat,
                                      const std::optional<IndexEntry>& row) const;
    [[nodiscard]] std::optional<IndexEntry> unchangedEntry(std::optional<IndexEntry> row) const;

    ShareContext& _share;
    PathTable& _paths;
    DownlinkHost& _host;
    ConnectionState& _connection;
    Fetcher _fetcher;
    RevisionQueue _queue;
    std::map<RelativePath, ApplyTask> _tasks; // of items in state Ready
    Downloads _downloads;
    DisplacedFiles _displaced;
    ApplyLog _applyLog;
    std::unique_ptr<ApplyJob> _nextBatch; // until the index has committed what it is about
    bool _applying = false;
    std::size_t _applied = 0;
};

} // namespace tidewire
