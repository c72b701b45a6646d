// Watches folders with inotify(7).

#pragma once

#include "agent/watch/InotifyPort.h"
#include "agent/watch/WatchTracker.h"
#include "agent/watch/Watcher.h"
#include "shared/base/Clock.h"
#include "shared/base/Errors.h"
#include "shared/base/UniqueFd.h"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tidewire {

/// What an InotifyWatcher may take and how it behaves.
struct InotifyOptions
{
    TrackerOptions tracker;

    /// Most watches; without a value half of what the user may have.
    std::optional<std::uint64_t> budget;
};

/// One inotify instance and one thread for all folders.
///
/// The thread waits for events, for a change of the mounts, and for its callers; it wakes up by
/// itself only while half of a rename, a lost event or a polled folder is pending. Whatever the
/// kernel loses or refuses ends in hints at larger subtrees, in polling, and in coverage();
/// docs/watching.md has the cases.
///
/// add(), remove() and setIgnored() wait for the thread: do not call them from the sink, nor
/// hold what the sink waits for.
///
/// Thread:    any; the sink is called on the watcher's own.
/// Ownership: borrows the clock.
/// Errors:    StorageError from the constructor when the user has no inotify instance left, and
///            from add().
/// Cost:      about 200 bytes and, in the kernel, a watch (1 KiB) for each folder; 64 KiB.
class InotifyWatcher: public Watcher
{
public:
    InotifyWatcher(HintSink sink, const Clock& clock, const InotifyOptions& options);
    ~InotifyWatcher() override;

    InotifyWatcher(const InotifyWatcher&) = delete;
    InotifyWatcher& operator=(const InotifyWatcher&) = delete;

    void add(WatchId id, const std::string& root, IgnorePredicate ignored) override;
    void remove(WatchId id) override;
    void setIgnored(WatchId id, IgnorePredicate ignored) override;
    [[nodiscard]] WatchCoverage coverage(WatchId id) const override;

private:
    /// What a caller waits for; lies on its stack until isDone.
    struct Request
    {
        WatchId id = 0;
        std::function<void(WatchTracker&)> action;
        std::optional<StorageError> error; ///< guarded by _mutex, as is isDone
        bool isDone = false;
    };

    void ask(WatchId id, std::function<void(WatchTracker&)> action);
    void run();
    void waitForWork(bool& events, bool& mounts);
    void readEvents();
    void readMounts();
    void serveRequests();
    void publishCoverage();
    void answerRequests();
    void answer(Request& request, std::optional<StorageError> error);
    void sendHints();
    void wake() const;

    // Constant after construction.
    const HintSink _sink;
    const Clock& _clock;
    UniqueFd _wake;   // eventfd
    UniqueFd _mounts; // /proc/self/mountinfo; none where it cannot be read

    // Owned by the watcher's thread.
    InotifyPort _port;
    WatchTracker _tracker;
    Bytes _buffer;
    std::vector<Request*> _served; // wait until their share is complete

    // Guarded by _mutex.
    mutable std::mutex _mutex;
    std::condition_variable _answered;
    std::vector<Request*> _requests;
    std::map<WatchId, WatchCoverage> _coverage;
    bool _stopping = false;

    std::thread _thread;
};

} // namespace tidewire
