// Hints for the changes on a simulated disk, as inotify would give them.

#pragma once

#include "agent/watch/Watcher.h"
#include "tests/sim/SimRandom.h"

#include <cstddef>
#include <deque>
#include <optional>

namespace tidewire {

/// Keeps the hints until the world hands them over.
class SimWatcher
{
public:
    explicit SimWatcher(SimRandom& random): _random(random) {}

    /// Now and then the queue overflows: what is in it becomes one hint for everything.
    void setLossy(bool lossy) { _isLossy = lossy; }

    /// Nobody is watching: what happens is not seen.
    void setOn(bool on)
    {
        _isOn = on;
        _hints.clear();
    }

    void add(const RelativePath& path, HintScope scope, HintTiming timing)
    {
        const Hint hint{0, path, scope, timing};
        if (!_isOn || path.isPrivate() || (!_hints.empty() && _hints.back() == hint))
        {
            return;
        }
        _hints.push_back(hint);
        if (_isLossy && _random.oneIn(32))
        {
            _hints.assign(1, Hint{0, {}, HintScope::Subtree, HintTiming::Settled});
        }
    }

    [[nodiscard]] bool hasHints() const { return !_hints.empty(); }

    Hint take()
    {
        Hint first = _hints.front();
        _hints.pop_front();
        return first;
    }

private:
    SimRandom& _random;
    std::deque<Hint> _hints;
    bool _isLossy = false;
    bool _isOn = false;
};

} // namespace tidewire
