// AgentAccess: what relay.ini gives to whom, and who notices when it changes.

#include "relay/AgentAccess.h"

#include <catch2/catch.hpp>

using namespace tidewire;

namespace {

PublicKey keyOf(std::uint8_t number)
{
    PublicKey key{};
    key.back() = number;
    return key;
}

RelayConfig someConfig()
{
    RelayConfig config;
    config.agents["kitchen"] = {keyOf(1), {{"photos", true}, {"config", false}}};
    config.agents["garden"] = {keyOf(2), {{"photos", true}}};
    return config;
}

} // namespace

TEST_CASE("AgentAccess: an agent may do in a share what its section says, and nothing else",
          "[relay][access]")
{
    const ConfiguredAccess access(someConfig());

    CHECK(access.right("kitchen", "photos").read);
    CHECK(access.right("kitchen", "photos").write);
    CHECK(access.right("kitchen", "config").read);
    CHECK_FALSE(access.right("kitchen", "config").write);
    for (const auto& [agent, share] : {std::pair("garden", "config"),
                                       std::pair("cellar", "photos"),
                                       std::pair("kitchen", "music"),
                                       std::pair("", "photos")})
    {
        CAPTURE(agent, share);
        CHECK_FALSE(access.right(agent, share).read);
        CHECK_FALSE(access.right(agent, share).write);
    }
}

TEST_CASE("AgentAccess: with security = none everybody may do everything", "[relay][access]")
{
    RelayConfig config = someConfig();
    config.security = Security::None;
    const ConfiguredAccess access(config);

    CHECK(access.right("cellar", "music").write);
    CHECK(access.right("kitchen", "config").write);
}

TEST_CASE("AgentAccess: a configuration that is read again opens nothing to everybody",
          "[relay][access]")
{
    ConfiguredAccess access(someConfig());
    RelayConfig open = someConfig();
    open.security = Security::None;

    access.configure(open);

    CHECK_FALSE(access.right("kitchen", "music").read);
    CHECK_FALSE(access.right("kitchen", "config").write);
}

TEST_CASE("AgentAccess: the agents are found by their keys", "[relay][access]")
{
    CHECK(agentKeysOf(someConfig()) == AgentKeys{{keyOf(1), "kitchen"}, {keyOf(2), "garden"}});
}

TEST_CASE("AgentAccess: who is gone or has another key or other shares has changed",
          "[relay][access]")
{
    const RelayConfig before = someConfig();
    RelayConfig after = before;
    after.agents["new"] = {keyOf(3), {}};
    CHECK(changedAgents(before, after).empty());

    SECTION("gone")
    {
        after.agents.erase("kitchen");
    }
    SECTION("another key")
    {
        after.agents["kitchen"].key = keyOf(4);
    }
    SECTION("a share more")
    {
        after.agents["kitchen"].shares.push_back({"music", true});
    }
    SECTION("a share less")
    {
        after.agents["kitchen"].shares.pop_back();
    }
    SECTION("may write now")
    {
        after.agents["kitchen"].shares[1].write = true;
    }

    CHECK(changedAgents(before, after) == std::vector<std::string>{"kitchen"});
}
