// The core thread of the relay: batches of events in, one flush each, upkeep in between.

#pragma once

#include "relay/RelayEvent.h"
#include "relay/session/RelayCore.h"
#include "shared/base/Clock.h"

#include <atomic>
#include <chrono>
#include <functional>

namespace tidewire {

/// Takes all events that are queued, hands them to the core and lets it flush; blocks when there is
/// nothing to do. The larger the load, the larger the batches and the fewer the commits.
///
/// Thread: run() on one thread, which owns the core; post() and stop() from any.
class CoreLoop
{
public:
    /// Before the first step of upkeep.
    static constexpr SteadyTime kUpkeepStart = std::chrono::seconds(10);
    /// After a step that found something, at least. A step drops a few hundred revisions, so this
    /// keeps pace with shares that change a thousand times a second.
    static constexpr SteadyTime kUpkeepPause = std::chrono::milliseconds(200);
    /// On slow disks a step is followed by so many times its own length without upkeep.
    static constexpr int kUpkeepShare = 9;
    /// After one that found nothing.
    static constexpr SteadyTime kUpkeepLater = std::chrono::minutes(10);

    /// Borrows all; `roomMade` is called whenever events were taken out of the queue.
    CoreLoop(RelayCore& core,
             RelayEventQueue& events,
             const Clock& clock,
             std::function<void()> roomMade);

    /// Until stop(). What the core throws comes out: its stores are in doubt then.
    void run();

    /// Ends run() after what is queued.
    void stop();

    /// Runs `task` on the thread of run(), between two batches.
    void post(std::function<void()> task);

private:
    bool takeBatch();
    void handle(RelayEvent&& event);
    void upkeep();

    // Constant after construction.
    RelayCore& _core;
    RelayEventQueue& _events;
    const Clock& _clock;
    const std::function<void()> _roomMade;

    std::atomic<bool> _stopped{false};

    // Owned by the thread of run().
    SteadyTime _nextUpkeep{0};
    bool _isBusy = false; // the core has more to do at once
};

} // namespace tidewire
