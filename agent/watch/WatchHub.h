// Chooses the watcher for each folder.

#pragma once

#include "agent/watch/FilesystemKind.h"
#include "agent/watch/InotifyWatcher.h"
#include "agent/watch/PollingWatcher.h"
#include "agent/watch/Watcher.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tidewire {

/// What a WatchHub is made of.
struct WatchHubOptions
{
    InotifyOptions inotify;
    PollingOptions polling;

    /// The filesystem of a folder.
    std::function<std::uint32_t(const std::string& path)> magicOf = filesystemMagic;

    /// Makes the native watcher; StorageError when it cannot be had. Empty: an InotifyWatcher.
    std::function<std::unique_ptr<Watcher>(HintSink sink)> makeNative;
};

/// Gives each folder to inotify or to the poller.
///
/// Each of the two is made when the first folder needs it. Where inotify was wanted and cannot be
/// had, the folder is polled, and coverage() says why.
///
/// Thread:    any, as Watcher; calls for one id one after the other.
/// Ownership: borrows the clock.
class WatchHub: public Watcher
{
public:
    WatchHub(HintSink sink, const Clock& clock, WatchHubOptions options);

    /// How `id` is watched from its next add() on; Auto otherwise.
    void setMode(WatchId id, WatchMode mode);

    /// The shortest time between two looks at `id` from its next add() on, should it be polled;
    /// WatchHubOptions::polling.shortest otherwise.
    void setPoll(WatchId id, SteadyTime interval);

    void add(WatchId id, const std::string& root, IgnorePredicate ignored) override;
    void remove(WatchId id) override;
    void setIgnored(WatchId id, IgnorePredicate ignored) override;
    [[nodiscard]] WatchCoverage coverage(WatchId id) const override;
    void noteScan(WatchId id, SteadyTime duration) override;

private:
    struct Choice
    {
        Watcher* watcher = nullptr;
        std::string reason; ///< why it is polled although that was not asked for
    };

    [[nodiscard]] std::unique_ptr<Watcher> makeNative() const;
    [[nodiscard]] Choice choose(WatchId id, const std::string& root);
    [[nodiscard]] Watcher* watcherOf(WatchId id) const;

    // Constant after construction.
    const HintSink _sink;
    const Clock& _clock;
    const WatchHubOptions _options;

    // Guarded by _mutex. The watchers are made once and stay.
    mutable std::mutex _mutex;
    std::unique_ptr<Watcher> _native;
    std::unique_ptr<PollingWatcher> _poller;
    std::map<WatchId, WatchMode> _modes;
    std::map<WatchId, SteadyTime> _polls;
    std::map<WatchId, Choice> _choices;
};

} // namespace tidewire
