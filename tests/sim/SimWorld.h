// A relay and its agents in one process, stepped by one hand: the same seed gives the same run.

#pragma once

#include "tests/sim/SimAgent.h"
#include "tests/sim/SimClock.h"
#include "tests/sim/SimNetwork.h"
#include "tests/sim/SimRandom.h"
#include "tests/sim/SimRelay.h"
#include "tests/sim/SimTrace.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tidewire {

/// Each step does one thing that could happen now, chosen by the seed. When nothing can happen, time goes on to the next
/// moment for which an agent has asked.
///
/// Thread: one. Errors: SimFailure.
class SimWorld
{
public:
    /// Steps after which a world that is left alone must have come to rest.
    static constexpr unsigned kMaxSteps = 200'000;

    /// Beyond this what an agent has asked for (a full scan every hour) is no unrest.
    static constexpr SteadyTime kHorizon = std::chrono::minutes(12);

    explicit SimWorld(std::uint64_t seed, SimStore store = SimStore::Memory);

    /// A further board, whose agent is started at once.
    SimAgent& addAgent(SimAgent::Settings settings);
    SimAgent& addAgent(const std::string& name)
    {
        return addAgent(SimAgent::Settings{name, {}, {}, ShareOptions::kMaxRevisions});
    }

    [[nodiscard]] SimRandom& random() { return _random; }
    [[nodiscard]] SimClock& clock() { return _clock; }
    [[nodiscard]] SimNetwork& network() { return _network; }
    [[nodiscard]] SimRelay& relay() { return _relay; }
    [[nodiscard]] SimTrace& trace() { return _trace; }
    [[nodiscard]] SimAgent& agent(std::size_t place) { return *_agents[place]; }
    [[nodiscard]] std::size_t agents() const { return _agents.size(); }

    void cut(std::size_t agent);
    void restartRelay();

    /// One step; false when nothing can happen before kHorizon.
    bool step();
    void steps(unsigned count);

    /// Until nothing can happen any more. SimFailure when that takes more than kMaxSteps.
    void settle();

    /// Trees, relay and the latest events, for a person.
    [[nodiscard]] std::string report();

private:
    using Action = std::function<void()>;

    void addConnectionActions(std::vector<Action>& actions, SimConnection& connection);
    void addAgentActions(std::vector<Action>& actions, std::size_t place);
    bool letTimePass();
    std::size_t pieceSize();
    void moveUp(SimConnection& connection);
    void drainUp(SimConnection& connection);
    void moveDown(SimConnection& connection);
    void connect(std::size_t place);

    SimRandom _random;
    SimClock _clock;
    SimTrace _trace;
    SimNetwork _network;
    SimRelay _relay;
    std::vector<std::unique_ptr<SimAgent>> _agents;
};

} // namespace tidewire
