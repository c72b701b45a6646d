// Hints on their way out.

#pragma once

#include "agent/watch/Watcher.h"

#include <utility>
#include <vector>

namespace tidewire {

/// Collects hints until the watch tree is right again; repetitions in a row are dropped.
class HintBatch
{
public:
    void add(WatchId watch, const RelativePath& path, HintScope scope, HintTiming timing)
    {
        Hint hint{watch, path, scope, timing};
        if (_hints.empty() || !(_hints.back() == hint))
        {
            _hints.push_back(std::move(hint));
        }
    }

    [[nodiscard]] std::vector<Hint> take() { return std::exchange(_hints, {}); }

    /// Drops what was meant for `watch`.
    void drop(WatchId watch)
    {
        std::erase_if(_hints, [&](const Hint& hint) { return hint.watch == watch; });
    }

private:
    std::vector<Hint> _hints;
};

} // namespace tidewire
