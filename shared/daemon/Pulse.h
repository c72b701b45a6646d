// Shows the service manager that the threads that do the work still get around.

#pragma once

#include "shared/daemon/Notify.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace tidewire {

/// One round of a Pulse: whoever lets go of it last feeds the watchdog.
///
/// Each thread that does the work gets a task that holds it. Thread: any.
class Heartbeat
{
public:
    /// Borrows `notify`.
    explicit Heartbeat(const Notify& notify): _notify(notify) {}
    ~Heartbeat() { _notify.alive(_status); }
    Heartbeat(const Heartbeat&) = delete;
    Heartbeat& operator=(const Heartbeat&) = delete;

    /// What the program does now, in words. One thread alone says it.
    void say(std::string status) { _status = std::move(status); }

private:
    const Notify& _notify;
    std::string _status;
};

using HeartbeatPtr = std::shared_ptr<Heartbeat>;

/// Rounds, one at a time: while a thread has not come to its task of one round no other round begins.
/// So a thread that hangs starves the watchdog, however lively the others are.
///
/// Thread: one.
class Pulse
{
public:
    /// Between two rounds when the watchdog does not ask for shorter ones: how old the words get.
    static constexpr SteadyTime kLongest = std::chrono::seconds(10);

    /// Borrows `notify`, which must outlive all rounds.
    explicit Pulse(const Notify& notify): _notify(notify) {}

    /// Between two calls of beat(): a round and its answers fit in well before the watchdog bites.
    [[nodiscard]] SteadyTime interval() const
    {
        const auto watchdog = _notify.watchdog();
        return watchdog ? std::min(kLongest, *watchdog / 4) : kLongest;
    }

    /// Begins a round, unless the last one is under way. `ask` has each thread hold the heartbeat.
    void beat(const std::function<void(const HeartbeatPtr&)>& ask)
    {
        if (_last.expired())
        {
            const auto heartbeat = std::make_shared<Heartbeat>(_notify);
            _last = heartbeat;
            ask(heartbeat);
        }
    }

private:
    const Notify& _notify;
    std::weak_ptr<Heartbeat> _last;
};

} // namespace tidewire
