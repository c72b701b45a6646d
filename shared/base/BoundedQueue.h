// The only queue between threads: many producers, one consumer, a bound in cost units.

#pragma once

#include "shared/base/Clock.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace tidewire {

/// Values with a cost each (bytes, or 1); producers wait while the sum of costs is at the limit.
///
/// A single value that costs more than the limit is taken when the queue is empty, so nothing can
/// wait for ever.
///
/// Thread: all methods may be called from any thread.
template <typename T>
class BoundedQueue
{
public:
    explicit BoundedQueue(std::size_t limit): _limit(limit) {}

    /// Waits for room. False when the queue was closed; the value is dropped then.
    bool push(T value, std::size_t cost = 1)
    {
        std::unique_lock lock(_mutex);
        _notFull.wait(lock, [&] { return _closed || hasRoom(cost); });
        return append(std::move(value), cost);
    }

    /// Takes the value whatever it costs, without waiting. False when the queue was closed.
    bool pushNow(T value, std::size_t cost = 1)
    {
        const std::unique_lock lock(_mutex);
        return append(std::move(value), cost);
    }

    /// False, and `value` untouched, when there is no room or the queue was closed.
    bool tryPush(T& value, std::size_t cost = 1)
    {
        const std::unique_lock lock(_mutex);
        return !_closed && hasRoom(cost) && append(std::move(value), cost);
    }

    /// Waits for a value, at the longest for `timeout`. Empty on time-out and once closed and drained.
    std::optional<T> pop(SteadyTime timeout)
    {
        std::unique_lock lock(_mutex);
        _notEmpty.wait_for(lock, timeout, [&] { return _closed || !_items.empty(); });
        return take();
    }

    /// Waits for a value without a limit. Empty once closed and drained.
    std::optional<T> pop()
    {
        std::unique_lock lock(_mutex);
        _notEmpty.wait(lock, [&] { return _closed || !_items.empty(); });
        return take();
    }

    std::optional<T> tryPop()
    {
        const std::unique_lock lock(_mutex);
        return take();
    }

    /// Wakes everybody; what is queued can still be taken.
    void close()
    {
        const std::unique_lock lock(_mutex);
        _closed = true;
        _notEmpty.notify_all();
        _notFull.notify_all();
    }

    [[nodiscard]] std::size_t cost() const
    {
        const std::unique_lock lock(_mutex);
        return _cost;
    }

private:
    struct Item
    {
        T value;
        std::size_t cost;
    };

    [[nodiscard]] bool hasRoom(std::size_t cost) const
    {
        return _items.empty() || _cost + cost <= _limit;
    }

    bool append(T&& value, std::size_t cost)
    {
        if (_closed)
        {
            return false;
        }
        _items.push_back({std::move(value), cost});
        _cost += cost;
        _notEmpty.notify_one();
        return true;
    }

    std::optional<T> take()
    {
        if (_items.empty())
        {
            return std::nullopt;
        }
        std::optional<T> result(std::move(_items.front().value));
        _cost -= _items.front().cost;
        _items.pop_front();
        _notFull.notify_all();
        return result;
    }

    // Constant after construction.
    const std::size_t _limit;

    // Guarded by _mutex.
    mutable std::mutex _mutex;
    std::condition_variable _notEmpty;
    std::condition_variable _notFull;
    std::deque<Item> _items;
    std::size_t _cost = 0;
    bool _closed = false;
};

} // namespace tidewire
