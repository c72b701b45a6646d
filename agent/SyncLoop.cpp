#include "agent/SyncLoop.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace tidewire {

namespace {

// Tasks between two turns of the engine: many small messages share one turn and one commit.
constexpr unsigned kMaxTasks = 256;

// The longest wait without a deadline; far below where adding it to the clock could overflow.
constexpr SteadyTime kLongest = std::chrono::hours(24);

} // namespace

SyncLoop::SyncLoop(SyncEngine& engine, const Clock& clock):
    _engine(engine),
    _clock(clock),
    _tasks(std::numeric_limits<std::size_t>::max()),
    _inputs(std::numeric_limits<std::size_t>::max())
{
}

void SyncLoop::postInput(Task task, std::size_t cost)
{
    _inputs.pushNow(std::move(task), cost);
    post([] {}); // wakes run()
}

/// An input that may be taken: while the engine is full, a job that comes back makes room.
bool SyncLoop::hasWork() const
{
    return _inputs.cost() > 0 && !_engine.isFull();
}

void SyncLoop::hint(const Hint& hint)
{
    bool first = false;
    {
        const std::lock_guard lock(_mutex);
        first = _hints.empty();
        if (!_hints.empty() && _hints.back() == hint)
        {
            return;
        }
        if (_hints.size() >= kMaxHints)
        {
            std::erase_if(_hints, [&](const Hint& other) { return other.watch == hint.watch; });
            _hints.push_back({hint.watch, {}, HintScope::Subtree, HintTiming::Settled});
        }
        else
        {
            _hints.push_back(hint);
        }
    }
    if (first)
    {
        post([this] { takeHints(); });
    }
}

void SyncLoop::takeHints()
{
    std::vector<Hint> hints;
    {
        const std::lock_guard lock(_mutex);
        hints.swap(_hints);
    }
    for (const Hint& hint : hints)
    {
        _engine.onHint(hint);
    }
}

void SyncLoop::stop()
{
    post([this] {
        const std::lock_guard lock(_mutex);
        _stopping = true;
    });
}

/// False when stop() was called.
bool SyncLoop::takeTasks()
{
    for (unsigned i = 0; i < kMaxTasks; ++i)
    {
        auto task = _tasks.tryPop();
        if (!task)
        {
            break;
        }
        (*task)();
    }
    for (unsigned i = 0; i < kMaxTasks && hasWork(); ++i)
    {
        (*_inputs.tryPop())();
    }
    const std::lock_guard lock(_mutex);
    return !_stopping;
}

void SyncLoop::run(const std::function<std::optional<SteadyTime>()>& housekeeping)
{
    while (takeTasks())
    {
        const bool more = _engine.run();
        const auto wanted = housekeeping();
        if (more || hasWork())
        {
            continue;
        }
        const SteadyTime now = _clock.steady();
        const SteadyTime latest = now + kLongest;
        const SteadyTime due =
            std::min(_engine.nextDue().value_or(latest), wanted.value_or(latest));
        if (due <= now)
        {
            continue;
        }
        if (auto task = _tasks.pop(due - now))
        {
            (*task)();
        }
    }
}

} // namespace tidewire
