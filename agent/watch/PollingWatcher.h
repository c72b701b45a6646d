// Watches folders by having them scanned again and again.

#pragma once

#include "agent/watch/WatchPort.h"
#include "agent/watch/Watcher.h"
#include "shared/base/Clock.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace tidewire {

/// Times of a PollingWatcher.
struct PollingOptions
{
    SteadyTime shortest = std::chrono::seconds(5);
    SteadyTime longest = std::chrono::minutes(10);
};

/// Time from scan to scan when one takes `duration`: ten times that, within the bounds.
[[nodiscard]] SteadyTime pollInterval(SteadyTime duration, const PollingOptions& options);

/// Hints at the whole of each folder from time to time; the scan that follows does the comparing.
///
/// The time between two hints is ten times what the last scan took, so scanning takes a tenth of
/// the time at most, and lies within the bounds of PollingOptions. Nothing is looked at but the
/// root: where that is gone or another folder, there is one last hint and coverage() says so.
///
/// A folder may be on a server that does not answer: then the thread waits for it, and so do the
/// other polled folders; add(), remove() and coverage() do not.
///
/// Thread:    any; the sink is called on the watcher's own. remove() waits while the sink is being
///            called for its folder: do not call it from the sink, nor hold what the sink waits for.
/// Errors:    StorageError from add().
class PollingWatcher: public Watcher
{
public:
    PollingWatcher(HintSink sink, const Clock& clock, const PollingOptions& options);
    ~PollingWatcher() override;

    PollingWatcher(const PollingWatcher&) = delete;
    PollingWatcher& operator=(const PollingWatcher&) = delete;

    /// Takes the place of PollingOptions::shortest for `id`, from its next add() on; longer than
    /// PollingOptions::longest it takes the place of that, too.
    void setShortest(WatchId id, SteadyTime shortest);

    void add(WatchId id, const std::string& root, IgnorePredicate ignored) override;
    void remove(WatchId id) override;
    void setIgnored(WatchId id, IgnorePredicate ignored) override;
    [[nodiscard]] WatchCoverage coverage(WatchId id) const override;
    void noteScan(WatchId id, SteadyTime duration) override;

private:
    struct Folder
    {
        std::string path;
        FolderInfo info;
        std::uint64_t number = 0; ///< tells it from one that had the id before
        PollingOptions options;
        SteadyTime interval{0};
        SteadyTime due{0};
        bool isLost = false;
    };
    using FolderMap = std::map<WatchId, Folder>;

    void run();
    void look(std::unique_lock<std::mutex>& lock, WatchId id);
    [[nodiscard]] FolderMap::iterator nextDue();

    // Constant after construction.
    const HintSink _sink;
    const Clock& _clock;
    const PollingOptions _options;

    // Guarded by _mutex.
    mutable std::mutex _mutex;
    std::condition_variable _changed;
    FolderMap _folders;
    std::map<WatchId, SteadyTime> _shortest;
    std::uint64_t _lastNumber = 0;
    std::uint64_t _hinting = 0; ///< number of the folder that the sink is called for
    bool _stopping = false;

    std::thread _thread;
};

} // namespace tidewire
