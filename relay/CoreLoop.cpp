// The core thread of the relay.

#include "relay/CoreLoop.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

namespace tidewire {

namespace {

/// Events in one batch; a bound for the time until its answers.
constexpr int kBatchEvents = 4096;

/// Hands one event to the core.
struct Dispatch
{
    RelayCore& core;

    void operator()(PeerConnected& event) const
    {
        core.onConnect(event.connection, event.peer, event.agent);
    }
    void operator()(PeerMessage& event) const
    {
        core.onMessage(event.connection, std::move(event.message));
    }
    void operator()(PeerViolation& event) const
    {
        core.onViolation(event.connection, event.reason);
    }
    void operator()(PeerDisconnected& event) const { core.onDisconnect(event.connection); }
    void operator()(PeerSent& event) const
    {
        tell(event.connection, Lane::Urgent, event.bytes.urgent);
        tell(event.connection, Lane::Bulk, event.bytes.bulk);
    }
    void operator()(CoreTask& event) const { event.run(); }

private:
    void tell(ConnectionId connection, Lane lane, std::uint64_t bytes) const
    {
        if (bytes > 0)
        {
            core.onSent(connection, lane, static_cast<std::size_t>(bytes));
        }
    }
};

} // namespace

CoreLoop::CoreLoop(RelayCore& core,
                   RelayEventQueue& events,
                   const Clock& clock,
                   std::function<void()> roomMade):
    _core(core),
    _events(events),
    _clock(clock),
    _roomMade(std::move(roomMade))
{
}

void CoreLoop::run()
{
    _nextUpkeep = _clock.steady() + kUpkeepStart;
    for (bool goesOn = true; goesOn;)
    {
        goesOn = takeBatch();
        // Also what came last is committed and answered.
        _isBusy = _core.flush();
        if (goesOn)
        {
            upkeep();
        }
    }
}

bool CoreLoop::takeBatch()
{
    std::optional<RelayEvent> event;
    if (_isBusy)
    {
        event = _events.tryPop();
    }
    else
    {
        event = _events.pop(std::max(_nextUpkeep - _clock.steady(), SteadyTime::zero()));
    }
    for (int count = 1; event; ++count)
    {
        handle(std::move(*event));
        event = count < kBatchEvents ? _events.tryPop() : std::nullopt;
    }
    _roomMade();
    return !_stopped || _events.cost() > 0;
}

void CoreLoop::stop()
{
    _stopped = true;
    _events.close();
}

void CoreLoop::handle(RelayEvent&& event)
{
    std::visit(Dispatch{_core}, event);
}

void CoreLoop::upkeep()
{
    const SteadyTime begin = _clock.steady();
    if (begin < _nextUpkeep)
    {
        return;
    }
    const bool worked = _core.maintain();
    const SteadyTime end = _clock.steady();
    const SteadyTime pause = std::max(kUpkeepPause, (end - begin) * kUpkeepShare);
    _nextUpkeep = end + (worked ? pause : kUpkeepLater);
}

void CoreLoop::post(std::function<void()> task)
{
    static_cast<void>(_events.pushNow(CoreTask{std::move(task)}, sizeof(RelayEvent)));
}

} // namespace tidewire
