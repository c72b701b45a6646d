// A relay and its agents in one process, stepped by one hand: the same seed gives the same run.

#include "tests/sim/SimWorld.h"

#include "shared/base/Errors.h"
#include "tests/sim/SimCheck.h"

#include <algorithm>
#include <sstream>

namespace tidewire {

namespace {

constexpr SteadyTime kStepTime = std::chrono::microseconds(300);

} // namespace

SimWorld::SimWorld(std::uint64_t seed, SimStore store):
    _random(seed),
    _relay(_network, _clock, store)
{
}

SimAgent& SimWorld::addAgent(SimAgent::Settings settings)
{
    _agents.push_back(std::make_unique<SimAgent>(
        _agents.size(), std::move(settings), _clock, _random, _network, _trace));
    _agents.back()->start();
    return *_agents.back();
}

void SimWorld::cut(std::size_t agent)
{
    _trace.add(_agents[agent]->name(), "is cut off");
    _network.breakAgent(agent);
}

void SimWorld::restartRelay()
{
    _trace.add("relay", "restarts");
    _relay.restart();
}

// --- connections ---------------------------------------------------------------------------------

/// Mostly large, so that a run is short; sometimes cut anywhere, in headers too.
std::size_t SimWorld::pieceSize()
{
    return static_cast<std::size_t>(_random.oneIn(4) ? 1 + _random.below(64)
                                                     : 1 + _random.below(1U << 20U));
}

void SimWorld::connect(std::size_t place)
{
    SimConnection& connection = _network.open(place);
    _trace.add(_agents[place]->name(), "connects as " + std::to_string(connection.id));
    _relay.core().onConnect(connection.id, _agents[place]->name());
    _agents[place]->onConnected();
}

void SimWorld::moveUp(SimConnection& connection)
{
    const SimPipe::Moved moved = connection.up.move(pieceSize());
    static_cast<void>(moved);
    drainUp(connection);
}

void SimWorld::drainUp(SimConnection& connection)
{
    Message message;
    std::size_t wireBytes = 0;
    connection.stalled = false;
    while (!connection.relayEnded)
    {
        if (!connection.takesInput())
        {
            connection.stalled = true;
            return;
        }
        if (!connection.up.next(message, wireBytes))
        {
            return;
        }
        _trace.add(_agents[connection.agent]->name() + " > relay", describe(message));
        _relay.core().onMessage(connection.id, std::move(message));
        _relay.touch();
    }
}

void SimWorld::moveDown(SimConnection& connection)
{
    const SimPipe::Moved moved = connection.down.move(pieceSize());
    if (!connection.relayEnded)
    {
        _relay.core().onSent(connection.id, moved.lane, moved.bytes);
        _relay.touch();
    }
    Message message;
    std::size_t wireBytes = 0;
    while (!connection.agentEnded && connection.down.next(message, wireBytes))
    {
        _trace.add("relay > " + _agents[connection.agent]->name(), describe(message));
        _agents[connection.agent]->onMessage(std::move(message), wireBytes);
    }
}

void SimWorld::addConnectionActions(std::vector<Action>& actions, SimConnection& connection)
{
    if (!connection.relayEnded)
    {
        if (connection.stalled)
        {
            if (connection.takesInput())
            {
                actions.emplace_back([&] { drainUp(connection); });
            }
        }
        else if (connection.up.hasBytes())
        {
            actions.emplace_back([&] { moveUp(connection); });
        }
        if (connection.broken)
        {
            actions.emplace_back([&] {
                connection.relayEnded = true;
                _relay.core().onDisconnect(connection.id);
                _relay.touch();
            });
        }
    }
    if (!connection.agentEnded)
    {
        if (connection.down.hasBytes())
        {
            actions.emplace_back([&] { moveDown(connection); });
        }
        if (connection.broken)
        {
            actions.emplace_back([&] {
                connection.agentEnded = true;
                _trace.add(_agents[connection.agent]->name(), "hears of the cut");
                _agents[connection.agent]->onDisconnected();
            });
        }
    }
}

// --- steps ---------------------------------------------------------------------------------------

void SimWorld::addAgentActions(std::vector<Action>& actions, std::size_t place)
{
    SimAgent& agent = *_agents[place];
    if (agent.wantsRun())
    {
        actions.emplace_back([&] { agent.run(); });
    }
    if (agent.hasJobSteps())
    {
        actions.emplace_back([&] { agent.stepJob(); });
    }
    if (agent.hasJobResults())
    {
        actions.emplace_back([&] { agent.finishJob(); });
    }
    if (agent.hasHints())
    {
        actions.emplace_back([&] { agent.takeHint(); });
    }
    if (agent.wantsConnection() && _network.ofAgent(place) == nullptr)
    {
        actions.emplace_back([this, place] { connect(place); });
    }
}

bool SimWorld::step()
{
    _network.sweep();
    std::vector<Action> actions;
    for (const auto& connection : _network.connections())
    {
        addConnectionActions(actions, *connection);
    }
    for (std::size_t place = 0; place < _agents.size(); ++place)
    {
        addAgentActions(actions, place);
    }
    if (_relay.isDirty())
    {
        actions.emplace_back([this] { _relay.flush(); });
    }
    if (actions.empty())
    {
        return letTimePass();
    }
    _clock.advance(SteadyTime(_random.below(static_cast<std::uint64_t>(kStepTime.count()))));
    _random.pick(actions)();
    return true;
}

bool SimWorld::letTimePass()
{
    std::optional<SteadyTime> due;
    for (const auto& agent : _agents)
    {
        if (const auto next = agent->nextDue())
        {
            due = std::min(due.value_or(*next), *next);
        }
    }
    if (!due || *due > _clock.steady() + kHorizon)
    {
        return false;
    }
    _clock.advance(*due - _clock.steady());
    return true;
}

void SimWorld::steps(unsigned count)
{
    while (count > 0 && step())
    {
        --count;
    }
}

void SimWorld::settle()
{
    for (unsigned count = 0; step(); ++count)
    {
        if (count > kMaxSteps)
        {
            throw SimFailure("no rest after " + std::to_string(kMaxSteps) + " steps");
        }
    }
}

std::string SimWorld::report()
{
    std::ostringstream out;
    out << "--- latest events\n" << _trace.text();
    for (const auto& agent : _agents)
    {
        out << "--- " << agent->name();
        if (!agent->isRunning())
        {
            out << " (ended)";
        }
        else if (!agent->isSettled())
        {
            out << " (not settled)";
        }
        out << "\n"
            << treeText(agent->files()) << "--- its private folder\n"
            << privateText(agent->files());
    }
    out << "--- relay\n" << headsText(_relay.store());
    return out.str();
}

} // namespace tidewire
