// The seam to change notifications.

#pragma once

#include "shared/base/Clock.h"
#include "shared/fs/RelativePath.h"

#include <cstdint>
#include <functional>
#include <string>

namespace tidewire {

/// Number of a watched folder; chosen by the caller.
using WatchId = std::uint32_t;

/// How far a hint reaches.
enum class HintScope : std::uint8_t
{
    Entry,   ///< this path alone (its content, metadata, existence)
    Subtree, ///< this path and everything below it
};

/// What is known of the writer of the path.
enum class HintTiming : std::uint8_t
{
    Settled, ///< closed, moved, made or removed: look at once
    Writing, ///< modified by somebody who may go on: look when it has been quiet
};

/// "Something may have changed there." Never more than that: the scan is the truth.
struct Hint
{
    WatchId watch = 0;
    RelativePath path;
    HintScope scope = HintScope::Entry;
    HintTiming timing = HintTiming::Settled;

    friend bool operator==(const Hint&, const Hint&) = default;
};

/// How well a watcher sees one folder; part of the status.
struct WatchCoverage
{
    std::uint64_t watched = 0; ///< folders that report by themselves
    std::uint64_t polled = 0;  ///< folders that are looked at in turn
    bool rootLost = false;     ///< the root was moved, deleted or unmounted
    std::string problem; ///< for people: why not everything is watched, and what to do; or empty
};

/// Where hints go; called on the watcher's own thread; must not block for long and never throws.
using HintSink = std::function<void(const Hint&)>;

/// Names that are not to be watched: true for a folder whose whole subtree is ignored. Called on
/// the watcher's own thread.
using IgnorePredicate = std::function<bool(const RelativePath& folder)>;

/// Notices changes below folders.
///
/// A watcher promises that every change which happens after add() has returned is hinted at: by a
/// hint for the path, for a folder above it with scope Subtree, or by a coverage that says which part is
/// polled (then within the poll interval). It may hint at what did not change. It never follows
/// symbolic links, leaves kPrivateFolder alone and does not leave the filesystem of the root.
///
/// Thread:  add(), remove(), coverage() may be called from any thread.
/// Errors:  StorageError from add() when the root cannot be opened.
class Watcher
{
public:
    virtual ~Watcher() = default;

    /// Begins to watch `root` (an absolute path) as `id`. Returns when the watch on the root and on
    /// all folders that were below it is in place, or the rest is polled.
    virtual void add(WatchId id, const std::string& root, IgnorePredicate ignored) = 0;

    /// Ends it; no hint for `id` is given after the return.
    virtual void remove(WatchId id) = 0;

    /// The ignore rules of `id` changed: folders that are no longer ignored get watched, others let go.
    virtual void setIgnored(WatchId id, IgnorePredicate ignored) = 0;

    [[nodiscard]] virtual WatchCoverage coverage(WatchId id) const = 0;

    /// A scan of the whole of `id` took this long: who polls keeps scanning a small part of the
    /// time.
    virtual void noteScan(WatchId id, SteadyTime duration)
    {
        (void)id;
        (void)duration;
    }
};

} // namespace tidewire
