// The paths that must be looked at, and when: hints coalesced and settled.

#pragma once

#include "agent/watch/Watcher.h"
#include "shared/base/Clock.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

namespace tidewire {

/// A path whose time has come.
struct DirtyPath
{
    RelativePath path;
    HintScope scope = HintScope::Entry;
    bool forced =
        false; ///< was being written, and is quiet or held for kMaxHold: look all the same
};

/// A set, not a list of events: a path is in it once, however often it is hinted at.
///
/// Memory: kMaxDirtyPaths; beyond that everything collapses into one look at the whole share.
class DirtySet
{
public:
    static constexpr std::size_t kMaxDirtyPaths = 8192;
    static constexpr SteadyTime kQuiet = std::chrono::seconds(1);    ///< after the last write
    static constexpr SteadyTime kMaxHold = std::chrono::seconds(10); ///< after the first write

    /// A settled hint is due at once, even when the path was being written before.
    void mark(const RelativePath& path, HintScope scope, HintTiming timing, SteadyTime now);

    /// Due `delay` from now, unless it is due earlier: for another try.
    void markLater(const RelativePath& path, HintScope scope, SteadyTime now, SteadyTime delay);

    /// The path that has been due for longest; nothing when none is due yet.
    std::optional<DirtyPath> take(SteadyTime now);

    /// When the next path is due.
    [[nodiscard]] std::optional<SteadyTime> nextDue() const;

    [[nodiscard]] bool empty() const { return _paths.empty(); }
    [[nodiscard]] std::size_t size() const { return _paths.size(); }

private:
    struct State
    {
        HintScope scope = HintScope::Entry;
        SteadyTime due{};
        SteadyTime firstWrite{};
        bool writing = false;
    };

    void schedule(const RelativePath& path, HintScope scope, const State& wanted);
    void collapse(SteadyTime now);

    std::map<RelativePath, State> _paths;
    std::set<std::pair<SteadyTime, RelativePath>> _byDue;
};

} // namespace tidewire
