// Finds what changed on the disk of one share, from hints and from scans, and hands it to the uplink.

#pragma once

#include "agent/scan/FolderScanner.h"
#include "agent/sync/DirtySet.h"
#include "agent/sync/Downlink.h"
#include "agent/sync/PathTable.h"
#include "agent/sync/ShareContext.h"
#include "agent/sync/Uplink.h"
#include "agent/watch/Watcher.h"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tidewire {

/// A hint only says where to look; what counts is what the disk and the index say then. Deletions are believed last, and
/// after a moment: by then a file that only moved has been found at its new place.
///
/// Memory: DirtySet's bound; kMaxVanished deletions that are not believed yet, beyond which folders are scanned once more when
/// those are settled; a scan holds the names of one folder, the folders on the way down to it that are still to be visited, and
/// what was found in one folder.
/// Thread: sync.
class LocalChanges: private ScanSink
{
public:
    static constexpr SteadyTime kRescan = std::chrono::hours(1);
    static constexpr std::size_t kMaxVanished = 4096;

    struct Callbacks
    {
        /// The share has not been stopped.
        std::function<bool()> isRunning;
        /// False when the folder itself is in doubt: nothing may be taken as deleted then.
        std::function<bool()> rootIsSound;
        /// The file with the ignore rules may have changed.
        std::function<void()> loadRules;
        /// A look at the whole share took so long.
        std::function<void(SteadyTime duration)> onScanned;
    };

    LocalChanges(ShareContext& share,
                 PathTable& paths,
                 Uplink& uplink,
                 Downlink& downlink,
                 Callbacks callbacks);

    /// Everything is to be looked at, now and every hour.
    void start();

    void mark(const RelativePath& path, HintScope scope, HintTiming timing);
    void markAll();
    void lookAgain(const RelativePath& path, HintScope scope, SteadyTime delay);

    /// The entry cannot be read.
    void unreadable(const RelativePath& path, const StorageError& error);

    /// A file was taken for grown by samples alone; it is verified once it rests.
    void grown(const RelativePath& path);

    /// Files are looked at by turns: an mtime that is too young to be trusted gets a second look.
    void setPolled(bool polled) { _polled = polled; }

    /// What was found and not proposed has to be found again.
    void onDisconnected();

    /// Looks at a bounded number of paths; true when there are more.
    bool run();
    [[nodiscard]] std::optional<SteadyTime> nextDue() const;
    [[nodiscard]] bool isIdle() const;

private:
    // ScanSink
    void onFinding(const Finding& finding) override;
    void onSkipped(const Skipped& skipped) override;
    void onFolder(const RelativePath& folder) override;

    [[nodiscard]] bool mayLook() const { return _share.mayPropose() && _callbacks.isRunning(); }
    bool lookAtNext(SteadyTime now);
    void examine(const DirtyPath& dirty);
    void examinePresent(const DirtyPath& dirty, const FileStat& stat);
    [[nodiscard]] bool isFilledFolder(const std::optional<IndexEntry>& row);
    void lookAtLinks(const RelativePath& path, const FileStat& stat);
    void scanNext();
    void scanOnceMore();
    void noteVanished(const RelativePath& path);
    void confirmVanished();
    [[nodiscard]] bool isToldFirst(const std::string& path);
    [[nodiscard]] bool isBeingReadElsewhere(const RelativePath& path);
    void verifyGrown();

    ShareContext& _share;
    PathTable& _paths;
    Uplink& _uplink;
    Downlink& _downlink;
    const Callbacks _callbacks;
    DirtySet _dirty;
    std::vector<RelativePath> _folders; // to be scanned, a stack
    std::deque<Finding> _found;
    std::map<RelativePath, SteadyTime> _vanished; // and when it is believed
    std::set<RelativePath> _crowded;              // folders of which more vanished than fitted in
    std::map<RelativePath, SteadyTime> _toVerify; // grown files whose old part was only sampled
    std::set<std::string> _skipped;               // that were told of
    std::optional<SteadyTime> _scanStart;
    bool _scanAgain = false; // the root was marked while it was being scanned
    SteadyTime _nextRescan{};
    bool _polled = false;
};

} // namespace tidewire
