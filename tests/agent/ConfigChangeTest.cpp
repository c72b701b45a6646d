// Tests what SIGHUP changes in a running agent.

#include "agent/ConfigChange.h"

#include <catch2/catch.hpp>

namespace tidewire {

namespace {

AgentShareConfig someShare(const std::string& name, const std::string& path)
{
    AgentShareConfig share;
    share.name = name;
    share.path = path;
    return share;
}

AgentConfig someConfig()
{
    AgentConfig config;
    config.name = "kitchen";
    config.state = "/var/lib/agent";
    config.key = "/etc/agent.key";
    config.relay = {"relay.example.org", 7420};
    config.security = Security::None;
    config.shares.push_back(someShare("photos", "/srv/photos"));
    return config;
}

} // namespace

TEST_CASE("ConfigChange: address, shares and log level are taken over at once", "[config]")
{
    const AgentConfig running = someConfig();
    AgentConfig wanted = running;
    wanted.relay = {"other.example.org", 1};
    wanted.log = LogLevel::Debug;
    wanted.shares[0].poll = std::chrono::seconds(60);
    wanted.shares.push_back(someShare("music", "/srv/music"));

    const ConfigChange change = changeConfig(running, wanted);

    CHECK(change.config == wanted);
    CHECK(change.later.empty());
}

TEST_CASE("ConfigChange: what takes a restart is named and stays as it is", "[config]")
{
    const AgentConfig running = someConfig();
    AgentConfig wanted = running;
    wanted.name = "cellar";
    wanted.key = "/etc/other.key";
    wanted.relayKey.back() = 1;
    wanted.security = Security::Noise;

    const ConfigChange change = changeConfig(running, wanted);

    CHECK(change.config == running);
    CHECK(change.later == std::vector<std::string>{
                              "[agent] name", "[agent] key", "[relay] key", "[relay] security"});
}

TEST_CASE("ConfigChange: shares that were checked against another state folder wait for it",
          "[config]")
{
    const AgentConfig running = someConfig();
    AgentConfig wanted = running;
    wanted.state = "/srv/state";
    wanted.shares.push_back(someShare("old", "/var/lib/agent"));

    const ConfigChange change = changeConfig(running, wanted);

    CHECK(change.config == running);
    CHECK(change.later == std::vector<std::string>{"[agent] state"});
}

} // namespace tidewire
