// How far the contents that people wrote have reached the medium, and what a power cut puts in doubt.

#pragma once

#include "agent/sync/ShareContext.h"

#include <optional>
#include <string>

namespace tidewire {

/// Nobody syncs a file that a person has saved: after a power cut it may be empty, old or gone, while the index, written later,
/// has survived. Taken for an edit or a deletion that would damage every other copy. So the filesystem is synced kDelay after
/// such a content was recorded, and the share's record says up to which seq all rows are known to be on the medium.
/// At the first start after a boot the rows beyond that are given up, and their revisions are pending again: what is on the disk
/// is read, and adopted when it is right; what is gone is fetched; anything else is judged by the relay like every change that
/// was made on an unknown base, and becomes a conflict copy.
///
/// What it cannot tell from the act of a person: a deletion that the disk took back is a new file.
///
/// Thread: sync.
class DurableMark
{
public:
    static constexpr SteadyTime kDelay = std::chrono::seconds(30);

    explicit DurableMark(ShareContext& share): _share(share) {}

    /// The share is opened; `boot` names this run of the system.
    void start(const std::string& boot);

    /// Has the filesystem synced when that is due.
    void run();
    [[nodiscard]] std::optional<SteadyTime> nextDue() const { return _due; }

    /// Syncs at once: the end.
    void stop();

private:
    class SyncJob;

    void onSynced(bool isDone, Seq upTo);

    ShareContext& _share;
    std::optional<SteadyTime> _due;
    bool _isSyncing = false;
};

} // namespace tidewire
