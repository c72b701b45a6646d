// From local changes to proposals, and from the relay's answers to the index.

#pragma once

#include "agent/scan/FolderScanner.h"
#include "agent/sync/DeletionWalk.h"
#include "agent/sync/FileReads.h"
#include "agent/sync/PathTable.h"
#include "agent/sync/ProposalBatcher.h"
#include "agent/sync/ProposalLog.h"
#include "agent/sync/RacyFiles.h"
#include "agent/sync/ShareContext.h"
#include "agent/watch/Watcher.h"
#include "shared/base/Errors.h"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace tidewire {

/// What the uplink asks of the share that it belongs to.
class UplinkHost
{
public:
    virtual ~UplinkHost() = default;

    /// Look at the path again, `delay` from now.
    virtual void lookAgain(const RelativePath& path, HintScope scope, SteadyTime delay) = 0;

    /// Somebody is writing to the file: look when it has been quiet, or for too long.
    virtual void stillWriting(const RelativePath& path) = 0;

    /// The path is no longer in the uplink's hands, and something has been settled.
    virtual void released(const RelativePath& path) = 0;

    /// The entry cannot be read.
    virtual void unreadable(const RelativePath& path, const StorageError& error) = 0;

    /// The relay takes nothing of this agent any more.
    virtual void onlyReceiving() = 0;

    /// The revision of the path that waits to be applied, when there is one.
    [[nodiscard]] virtual std::optional<Revision> awaited(const RelativePath& path) = 0;

    /// The revision that the entry is when an earlier process put it there and ended before it said so (see ApplyLog).
    virtual std::optional<Seq> takeApplied(const RelativePath& path, const Entry& entry) = 0;

    /// The relay would not have the change: `head` is what stands against it.
    virtual void refused(const RelativePath& path, const std::optional<Revision>& head) = 0;

    /// What the relay accepted long ago was changed by others since.
    virtual void superseded(const Revision& head) = 0;

    /// The folder cannot go: others have put something into it.
    virtual void cannotVanish(const RelativePath& path) = 0;

    /// Nor can what is here take the folder's place.
    virtual void cannotReplace(const RelativePath& path) = 0;

    /// A file was taken for grown by samples alone; it is to be verified once it rests.
    virtual void grown(const RelativePath& path) = 0;

    /// False when the share's folder itself is in doubt: nothing may be taken as deleted then.
    [[nodiscard]] virtual bool rootIsSound() = 0;
};

/// Local changes on their way up.
///
/// Memory: kMaxFlights proposals with kMaxFlightBytes of literal, a few batches, FileReads' bounds.
/// Thread: sync.
class Uplink
{
public:
    static constexpr std::size_t kMaxFlights = 2048;
    static constexpr std::size_t kMaxFlightBytes = 4 << 20;

    Uplink(ShareContext& share, PathTable& paths, ProposalLog& log, UplinkHost& host);
    ~Uplink();

    /// False while so much is under way that no more changes should be looked for.
    [[nodiscard]] bool hasRoom() const;

    /// True when nothing is under way.
    [[nodiscard]] bool isIdle() const;

    /// True while a file of this size is being read: it may be a renamed one.
    [[nodiscard]] bool isReading(std::uint64_t size) const;

    /// An entry on the disk that the index does not have so. `forced`: even while somebody writes to it.
    void changed(const RelativePath& path, const FileStat& stat, bool forced);

    /// An entry of the index that is not on the disk (the caller has just looked), with all below it.
    void vanished(const RelativePath& path);

    /// A folder of the index in whose place is something else: what it held goes first.
    void emptied(const RelativePath& path);

    void onResult(ResultMessage& message);
    void onUploadState(const UploadStateMessage& message);

    /// Everything under way is forgotten and will be looked at again.
    void onDisconnected();

    /// True for a file whose last read was so soon after a write that another write may have left the same
    /// mtime; answers so once.
    bool takeRacy(const RelativePath& path) { return _racy.take(path); }

    /// Reads the file again although its identity is that of the index.
    void verify(const RelativePath& path, const FileStat& stat);

    /// A revision of our own name that came down: true when it is a proposal whose answer was lost (see ProposalLog).
    bool takeLost(const Revision& revision);

    /// Moves on what can be moved on.
    void pump();

    void releaseMemory() { _racy.purge(); }

    ProposalBatcher::Sent takeSent();

private:
    struct Flight
    {
        RelativePath path;
        Entry entry;
        LocalIdentity local;
        Seq base = 0;
        std::optional<Signature> signature;
        std::optional<AppendedContent> appended;
        std::optional<RelativePath> like; ///< its signature is that of this path
        std::size_t bytes = 0;            ///< literal that went with it
    };

    bool hold(const RelativePath& path);
    void release(const RelativePath& path);
    void putDown(const RelativePath& path);
    void fileChanged(const RelativePath& path,
                     const std::optional<IndexEntry>& row,
                     const FileStat& stat,
                     bool forced);
    bool knownByInode(const RelativePath& path, const FileStat& stat);
    void propose(Flight flight, Seq source, Delta delta, ByteView literal);
    void proposeLike(Flight flight, const IndexEntry& like);
    void proposeDeletion(const IndexEntry& entry);
    bool wasApplied(const std::optional<IndexEntry>& row, const Flight& flight);
    bool onlyIdentityChanged(const std::optional<IndexEntry>& row,
                             const Entry& entry,
                             const FileStat& stat);

    void onContent(std::unique_ptr<ReadJob> job, ReadPlan plan);
    void onReadFailed(const ReadJob& job);
    void forgetFlight(const RelativePath& path);

    void onVerdict(ProposalResult& result, Flight flight);
    void accepted(const Flight& flight, Seq seq);
    void onRefusal(ProposalResult& result, const Flight& flight);
    void cleared(const RelativePath& path);
    DeletionStep deleteEntry(const IndexEntry& entry);
    [[nodiscard]] Seq seen(const RelativePath& path, Seq base);
    void tryAgainLater(const RelativePath& path, HintScope scope);

    ShareContext& _share;
    PathTable& _paths;
    ProposalLog& _log;
    UplinkHost& _host;
    ProposalBatcher _batcher;
    FileReads _reads;
    DeletionWalk _walk;
    std::unordered_map<std::uint32_t, Flight> _flights;
    std::unordered_set<RelativePath> _held;      // by this object, a subset of _paths
    std::unordered_set<RelativePath> _deletions; // in flight
    std::unordered_set<RelativePath>
        _closing; // were open at the last look, and are looked at again at once
    std::unordered_map<RelativePath, std::uint64_t>
        _unknown; // contents that are being read, with their sizes
    std::map<RelativePath, Flight>
        _lost; // proposals that earlier connections took along, at most 2 * kMaxFlights
    std::size_t _flightBytes = 0;
    std::uint32_t _nextProposal = 1;
    RacyFiles _racy{_share.clock};
};

} // namespace tidewire
