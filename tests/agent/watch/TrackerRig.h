// A WatchTracker over a FakeDisk, with the loop that the watcher's thread has around it.

#pragma once

#include "agent/watch/WatchTracker.h"
#include "tests/agent/watch/FakeDisk.h"
#include "tests/support/ManualClock.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tidewire {

class TrackerRig
{
public:
    explicit TrackerRig(TrackerOptions options = {}):
        tracker(std::make_unique<WatchTracker>(disk, clock, options))
    {
        disk.makeFolder("/share");
    }

    /// Watches /share.
    void start(IgnorePredicate ignored = {})
    {
        tracker->addRoot(kShare, "/share", std::move(ignored));
        settle();
        hints.clear();
    }

    /// Reads all events and does all work that is due now.
    void settle()
    {
        do
        {
            deliver(SIZE_MAX);
            tracker->onDrained();
            work();
        } while (disk.unread() > 0 || isDue());
    }

    void deliver(std::size_t count) { tracker->onEvents(disk.takeEvents(count)); }

    void work()
    {
        tracker->step();
        for (Hint& hint : tracker->takeHints())
        {
            if (onHint)
            {
                onHint(hint);
            }
            hints.push_back(std::move(hint));
        }
    }

    [[nodiscard]] bool isDue() const
    {
        const auto deadline = tracker->deadline();
        return deadline && *deadline <= clock.steady();
    }

    /// Hints that were given since the last call, after settling.
    std::vector<Hint> take()
    {
        settle();
        return std::exchange(hints, {});
    }

    /// Lets half a rename grow old.
    void expireMoves()
    {
        settle();
        clock.advance(std::chrono::milliseconds(200));
        settle();
    }

    static constexpr WatchId kShare = 7;

    FakeDisk disk;
    ManualClock clock;
    std::unique_ptr<WatchTracker> tracker;
    std::vector<Hint> hints;
    std::function<void(const Hint&)> onHint;
};

inline Hint entryHint(const std::string& path, HintTiming timing = HintTiming::Settled)
{
    return {TrackerRig::kShare, RelativePath::parse(path).value(), HintScope::Entry, timing};
}

inline Hint subtreeHint(const std::string& path)
{
    return {TrackerRig::kShare,
            RelativePath::parse(path).value(),
            HintScope::Subtree,
            HintTiming::Settled};
}

/// `prefix` and a number.
inline std::string numbered(std::string prefix, int number)
{
    return prefix.append(std::to_string(number));
}

inline bool contains(const std::vector<Hint>& hints, const Hint& hint)
{
    return std::ranges::find(hints, hint) != hints.end();
}

} // namespace tidewire
