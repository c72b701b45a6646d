// Two boards and a relay, and short ways to say what their users do.

#pragma once

#include "tests/sim/SimCheck.h"
#include "tests/sim/SimWorld.h"
#include "tests/support/FileTools.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace tidewire {

/// Set up: "kitchen" and "attic", connected and at rest.
class SimFixture
{
public:
    SimFixture(): kitchen(world.addAgent("kitchen")), attic(world.addAgent("attic"))
    {
        world.settle();
    }

    /// Cut off until online(); what is done there is seen by its own watcher only.
    void offline(SimAgent& agent)
    {
        agent.setOnline(false);
        world.network().breakAgent(&agent == &kitchen ? 0 : 1);
        world.settle();
    }

    void online(SimAgent& agent)
    {
        agent.setOnline(true);
        world.settle();
    }

    /// Everything comes to rest, in agreement.
    void rest()
    {
        world.settle();
        INFO(world.report());
        REQUIRE_NOTHROW(checkRest(world));
    }

    /// Kitchen changes first, attic makes its own change at the same time; then both meet.
    template <typename First, typename Second>
    void conflict(First first, Second second)
    {
        offline(kitchen);
        offline(attic);
        first(kitchen.user());
        second(attic.user());
        online(kitchen);
        online(attic);
        rest();
    }

    [[nodiscard]] std::uint64_t bytes()
    {
        return world.network().bytesUp() + world.network().bytesDown();
    }

    /// Names in a folder of the attic, without the private folder.
    [[nodiscard]] std::vector<std::string> names(std::string_view folder = {})
    {
        std::vector<std::string> all = listNames(attic.files(), pathOf(folder));
        std::erase(all, std::string(kPrivateFolder));
        return all;
    }

    /// The name of the one conflict copy of `stem` in the attic; empty when there is none or more than one.
    [[nodiscard]] std::string conflictCopy(const std::string& stem)
    {
        std::vector<std::string> all = names();
        std::erase_if(
            all, [&](const std::string& name) { return !name.starts_with(stem + ".conflict-"); });
        return all.size() == 1 ? all.front() : std::string();
    }

    [[nodiscard]] std::string text(std::string_view path) { return readFile(attic.files(), path); }

    /// Bytes that do not compress.
    [[nodiscard]] std::string noise(std::size_t size)
    {
        std::string all(size, '\0');
        for (char& byte : all)
        {
            byte = static_cast<char>(world.random().below(256));
        }
        return all;
    }

    SimWorld world{1};
    SimAgent& kitchen;
    SimAgent& attic;
};

} // namespace tidewire
