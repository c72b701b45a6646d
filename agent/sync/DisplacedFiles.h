// Files that somebody had open for writing when they were replaced.

#pragma once

#include "agent/sync/ApplyTask.h"
#include "agent/sync/Placement.h"
#include "agent/sync/ShareContext.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// Looks at each displaced file again after 2 s, and again while it is still open: what was written to it late becomes a conflict
/// copy, the rest is let go.
///
/// Memory: one item for each file that is open for writing while others change it.
/// Thread: sync.
class DisplacedFiles
{
public:
    /// A conflict copy was made.
    using OnCopy = std::function<void(const RelativePath&)>;

    DisplacedFiles(ShareContext& share, OnCopy onCopy);

    void add(const Displaced& item);

    /// Looks at them when it is time. `last`: now, and for the last time; what is still open stays where it is and is
    /// settled at the next start.
    void check(bool last);

    [[nodiscard]] std::optional<SteadyTime> nextDue() const;

private:
    bool settle(const Displaced& item, bool last);

    ShareContext& _share;
    const OnCopy _onCopy;
    std::vector<Displaced> _items;
    SteadyTime _due{};
    std::string _problem; // that was told of
};

/// Names conflict copies of the share's agent, by the present time.
[[nodiscard]] Placement::ConflictNamer conflictNamer(const ShareContext& share);

} // namespace tidewire
