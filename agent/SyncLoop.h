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

/// Everything that concerns the engine is done on the thread of run(): tasks in the order in which they were posted, inputs in
/// that of theirs, and only while the engine has room for what they bring.
///
/// Memory: inputs are bounded by who posts them (see inputCost()), hints by kMaxHints: beyond that a folder's hints become one for
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

    void post(Task task) { _tasks.pushNow(std::move(task)); }

    /// For what comes from the relay.
    void postInput(Task task, std::size_t cost = 1);

    /// Costs of the inputs that are queued.
    [[nodiscard]] std::size_t inputCost() const { return _inputs.cost(); }

    /// Never waits, and takes no more memory than kMaxHints.
    void hint(const Hint& hint);

    void stop();

private:
    void takeHints();
    bool takeTasks();
    [[nodiscard]] bool hasWork() const;

    // Constant after construction.
    SyncEngine& _engine;
    const Clock& _clock;

    BoundedQueue<Task> _tasks;
    BoundedQueue<Task> _inputs;

    // Guarded by _mutex.
    std::mutex _mutex;
    std::vector<Hint> _hints;
    bool _stopping = false;
};

} // namespace tidewire
