// Random users, cuts, restarts and kills on a few agents: whatever happens, in the end all trees are equal and nothing is lost.

#include "tests/sim/ContentLedger.h"
#include "tests/sim/SimCheck.h"
#include "tests/sim/SimUser.h"
#include "tests/sim/SimWorld.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

namespace tidewire {

namespace {

constexpr std::uint64_t kDefaultSeeds = 300;

std::uint64_t numberFrom(const char* variable, std::uint64_t otherwise)
{
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// What a seed makes of a run.
class RandomRun
{
public:
    explicit RandomRun(std::uint64_t seed):
        _random(seed ^ 0x9e3779b97f4a7c15U),
        _world(seed, _random.oneIn(16) ? SimStore::Embedded : SimStore::Memory),
        _user(_ledger, _random),
        _rude(_random.oneIn(2)),
        _racing(_random.oneIn(3))
    {
        _user.setLarge(_random.oneIn(8));
        const std::uint64_t agents = 2 + _random.below(2);
        const bool lossy = _random.oneIn(3);
        const bool narrow = _random.oneIn(3);
        for (std::uint64_t i = 0; i < agents; ++i)
        {
            SimAgent& agent = _world.addAgent(
                SimAgent::Settings{std::string(1, static_cast<char>('A' + i)),
                                   {},
                                   {},
                                   narrow ? 8 + _random.below(8) : ShareOptions::kMaxRevisions});
            agent.watcher().setLossy(lossy);
            agent.setBeforeWork(
                [this, &agent](std::string_view, const RelativePath&) { race(agent); });
        }
    }

    [[nodiscard]] SimWorld& world() { return _world; }

    /// All users at once.
    void together()
    {
        for (std::uint64_t left = 3 + _random.below(40); left > 0; --left)
        {
            event(static_cast<std::size_t>(_random.below(_world.agents())));
        }
        rest();
    }

    /// One user after the other, each in peace: what the last one left is what all must get.
    void byTurns()
    {
        for (std::uint64_t rounds = 2 + _random.below(4); rounds > 0; --rounds)
        {
            const auto actor = static_cast<std::size_t>(_random.below(_world.agents()));
            for (std::uint64_t left = 1 + _random.below(12); left > 0; --left)
            {
                event(actor);
                if (_rude && _random.oneIn(6))
                {
                    _world.restartRelay();
                }
            }
            const std::string wanted = treeText(_world.agent(actor).files());
            _world.trace().add("test", "end of a turn");
            rest();
            if (!_world.agent(actor).takeEmptyStart() &&
                treeText(_world.agent(actor).files()) != wanted)
            {
                throw SimFailure("nobody else did anything, yet this tree came out changed:\n" +
                                 wanted);
            }
        }
    }

private:
    void event(std::size_t place)
    {
        SimAgent& agent = _world.agent(place);
        const std::uint64_t kind = _random.below(24);
        if (kind < 15)
        {
            _racer = &agent;
            _user.change(agent, _world.trace());
            _world.steps(static_cast<unsigned>(_random.below(_random.oneIn(2) ? 4 : 60)));
            _racer = nullptr;
        }
        else if (kind < 17)
        {
            _world.cut(place);
        }
        else if (kind < 19)
        {
            agent.setOnline(_random.oneIn(2));
            _world.cut(place);
        }
        else if (kind == 19)
        {
            _world.steps(2000);
        }
        else if (_rude)
        {
            disturb(agent, kind);
        }
    }

    void disturb(SimAgent& agent, std::uint64_t kind)
    {
        if (kind == 20)
        {
            _world.restartRelay();
        }
        else if (kind == 21)
        {
            agent.killAfter(_random.below(40));
        }
        else if (kind == 22)
        {
            agent.stopClean();
            agent.start();
        }
        else
        {
            agent.kill();
            _world.steps(static_cast<unsigned>(_random.below(30)));
            _user.change(agent, _world.trace());
            agent.start();
        }
    }

    /// A user who does something in the middle of the agent's work.
    void race(SimAgent& agent)
    {
        if (_racing && _racer == &agent && _random.oneIn(24))
        {
            _racer = nullptr;
            _world.trace().add(agent.name(), "is interrupted by its user");
            _user.change(agent, _world.trace());
        }
    }

    void rest()
    {
        for (std::size_t i = 0; i < _world.agents(); ++i)
        {
            _world.agent(i).setOnline(true);
        }
        _world.settle();
        for (std::size_t i = 0; i < _world.agents(); ++i)
        {
            _world.agent(i).spare();
        }
        checkNothingLost(_world, _ledger);
        checkRest(_world);
    }

    SimRandom _random;
    SimWorld _world;
    ContentLedger _ledger;
    SimUser _user;
    const bool _rude;
    const bool _racing;
    SimAgent* _racer = nullptr;
};

void runSeeds(void (RandomRun::*course)())
{
    const std::uint64_t only = numberFrom("TIDEWIRE_SIM_SEED", 0);
    const std::uint64_t first = only != 0 ? only : numberFrom("TIDEWIRE_SIM_FIRST", 1);
    const std::uint64_t count = only != 0 ? 1 : numberFrom("TIDEWIRE_SIM_SEEDS", kDefaultSeeds);
    std::string failures;
    std::string report;
    for (std::uint64_t seed = first; seed < first + count; ++seed)
    {
        RandomRun run(seed);
        try
        {
            (run.*course)();
        }
        catch (const std::exception& failure)
        {
            failures += "TIDEWIRE_SIM_SEED=" + std::to_string(seed) + ": " + failure.what() + "\n";
            if (report.empty())
            {
                report = "seed " + std::to_string(seed) + ": " + failure.what() + "\n" +
                         run.world().report();
            }
        }
    }
    INFO(report);
    INFO(failures);
    CHECK(failures.empty());
}

} // namespace

TEST_CASE("Simulation: users who work at the same time lose nothing and get the same tree", "[sim]")
{
    runSeeds(&RandomRun::together);
}

TEST_CASE("Simulation: what one user does in peace is what all get, and nothing else", "[sim]")
{
    runSeeds(&RandomRun::byTurns);
}

} // namespace tidewire
