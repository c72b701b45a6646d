// Turns inotify events into hints and keeps the watch tree right; the passive heart of the watcher.

#pragma once

#include "agent/watch/FolderWalker.h"
#include "agent/watch/InotifyEvents.h"
#include "agent/watch/MountTable.h"
#include "agent/watch/MoveTable.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// Times of a WatchTracker.
struct TrackerOptions
{
    /// How long the first half of a rename waits for the second.
    SteadyTime moveExpiry = std::chrono::milliseconds(100);

    /// Shortest time between two rescans because of lost events: a rescan makes work that can
    /// make the queue overflow again.
    SteadyTime rescanPause = std::chrono::seconds(5);

    WalkLimits walk;
};

/// Follows a set of folders by the events that it is fed.
///
/// An event is a reason to look, never a fact: by the time it is read, what it tells of may have
/// been undone or repeated. So for folders the disk is looked at before the tree is changed, and the last event
/// of a series finds the last state.
///
/// Use: onEvents() and onMounts() with what was read, onDrained() when nothing more is there, then
/// step() and takeHints(); again at once or at deadline().
///
/// Thread:    the watcher's own.
/// Ownership: borrows port and clock.
/// Errors:    StorageError from addRoot() alone.
/// Cost:      about 200 bytes for a watched folder; a rename of a folder takes constant time
///            unless ignored folders are known.
class WatchTracker
{
public:
    WatchTracker(WatchPort& port, const Clock& clock, const TrackerOptions& options);

    /// Begins to follow `path` (absolute, without links). The walk is done by step().
    void addRoot(WatchId id, const std::string& path, IgnorePredicate ignored);
    void removeRoot(WatchId id);
    void setIgnored(WatchId id, IgnorePredicate ignored);

    /// What one read of the inotify descriptor gave.
    void onEvents(ByteView raw);

    /// The descriptor had nothing more to read.
    void onDrained() { _walker.onDrained(); }

    /// Content of /proc/self/mountinfo, at the start and whenever it changed.
    void onMounts(std::string_view mountinfo);

    /// Some work, if there is any: a bounded number of folders is walked.
    void step();

    [[nodiscard]] std::vector<Hint> takeHints() { return _hints.take(); }

    /// When step() is to be called next without an event; a time in the past for "at once".
    [[nodiscard]] std::optional<SteadyTime> deadline() const;

    /// False while there are folders of `id` that have not been walked since add, setIgnored or a loss of events.
    [[nodiscard]] bool isComplete(WatchId id) const;

    [[nodiscard]] WatchCoverage coverage(WatchId id) const;

private:
    void onEvent(const InotifyEvent& event);
    void onSelf(WatchNode& node, const InotifyEvent& event);
    void onNamed(WatchNode& node, const InotifyEvent& event);
    void onFolder(WatchNode& node, const RelativePath& path, const InotifyEvent& event);
    void onFile(WatchNode& node, const RelativePath& path, const InotifyEvent& event);
    void onFolderArrived(WatchNode& node, const RelativePath& path, const InotifyEvent& event);
    void onPermissions(const WatchNode& known, WatchNode* folder, const RelativePath& path);
    [[nodiscard]] std::unique_ptr<WatchNode> arrivals(const WatchRoot& root, std::uint32_t cookie);
    [[nodiscard]] bool
    adopt(WatchNode& parent, const RelativePath& path, std::unique_ptr<WatchNode> node);
    enum class Place : std::uint8_t
    {
        Same,  ///< the folder is at the path
        Other, ///< another folder is
        None,
    };
    [[nodiscard]] Place placeOf(const WatchNode& node, const RelativePath& path, WatchNode& parent);
    [[nodiscard]] std::unique_ptr<WatchNode> takeIfGone(WatchNode& parent,
                                                        const RelativePath& path);
    void depart(const WatchNode& parent,
                const RelativePath& path,
                HintScope scope,
                std::uint32_t cookie,
                std::unique_ptr<WatchNode> node);
    void giveUp(std::vector<Departure> departures);
    void hint(const WatchNode& node, const RelativePath& path, HintScope scope, HintTiming timing);
    void rescanSoon();
    void rescanIfDue();
    void rebuild(WatchRoot& root);

    WatchPort& _port;
    const Clock& _clock;
    const TrackerOptions _options;
    HintBatch _hints;
    std::map<WatchId, std::unique_ptr<WatchRoot>> _roots;
    FolderWalker _walker;
    MoveTable _moves;
    std::vector<Mount> _mounts;
    std::optional<SteadyTime> _rescanDue;
    std::optional<SteadyTime> _lastRescan;
};

} // namespace tidewire
