// The sync thread: hands the engine what happened, and waits.

#pragma once

#include "agent/sync/SyncEngine.h"
#include "agent/watch/Watcher.h"
#include "shared/base/BoundedQueue.h"
#include "shared/base/Clock.h"

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace tidewire {

/// Everything that concerns the engine is done on the thread of run(), in the order in which it was posted.
///
/// Memory: messages are bounded by who posts them (see cost()), hints by kMaxHints: beyond that a folder's hints become one for
/// the whole folder.
class SyncLoop
{
public:
    static constexpr std::size_t kMaxHints = 4096;

    using Task = std::function<void()>;

    SyncLoop(SyncEngine& engine, const Clock& clock);

    /// Until stop(). `housekeeping` is called after each turn and tells when it wants to be called again.
    void run(const std::function<std::optional<SteadyTime>()>& housekeeping);

    // From any thread:

    void post(Task task, std::size_t cost = 1) { _tasks.pushNow(std::move(task), cost); }

    /// Costs that are queued.
    [[nodiscard]] std::size_t cost() const { return _tasks.cost(); }

    /// Never waits, and takes no more memory than kMaxHints.
    void hint(const Hint& hint);

    void stop();

private:
    void takeHints();
    bool takeTasks();

    // Constant after construction.
    SyncEngine& _engine;
    const Clock& _clock;

    BoundedQueue<Task> _tasks;

    // Guarded by _mutex.
    std::mutex _mutex;
    std::vector<Hint> _hints;
    bool _stopping = false;
};

} // namespace tidewire
