// Who is let in, what he may do there, and what happens when that changes.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"

#include <catch2/catch.hpp>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

/// Two agents that are connected and know each other's files.
struct SafePair
{
    SafePair()
    {
        writeFile(one / "file", "x");
        cluster.await("they are connected", [&] { return exists(two / "file"); });
        cluster.settle();
    }

    Cluster cluster{Security::Noise};
    AgentNode& one = cluster.startAgent("one");
    AgentNode& two = cluster.startAgent("two");
};

} // namespace

TEST_CASE("Access: the relay calls an agent by the name of its key and tells its own public one",
          "[e2e]")
{
    SafePair pair;

    CHECK(pair.cluster.relay().logLines("agent one connected from") == 1);
    CHECK(pair.cluster.relay().logLines("public key") == 1);
    CHECK(pair.cluster.relay().logLines("security = none") == 0);
}

TEST_CASE("Access: an agent that the relay does not know stays out until it is told", "[e2e]")
{
    SafePair pair;
    AgentNode& three = pair.cluster.addAgent("three");
    pair.cluster.setShares("three", "");
    const std::uint64_t before = pair.one.traffic().attempts();
    three.start();
    pair.cluster.await("it is refused",
                       [&] { return three.logLines("the relay refuses this agent") > 0; });
    CHECK(pair.cluster.relay().logLines("belongs to no agent") > 0);
    CHECK_FALSE(exists(three / "file"));

    pair.cluster.setShares("three", "files");

    pair.cluster.await("it is let in", [&] { return exists(three / "file"); });
    CHECK(pair.one.traffic().attempts() == before);
}

TEST_CASE("Access: an agent that is taken out is ended at once, and nobody else", "[e2e]")
{
    SafePair pair;
    const std::uint64_t before = pair.one.traffic().attempts();

    pair.cluster.setShares("two", "");

    pair.cluster.await("it is ended", [&] {
        return pair.two.logLines("what this agent may do has changed") > 0 &&
               pair.two.logLines("the relay refuses this agent") > 0;
    });
    writeFile(pair.one / "secret", "x");
    pair.cluster.awaitQuiet(pair.one);
    CHECK_FALSE(exists(pair.two / "secret"));
    CHECK(pair.one.traffic().attempts() == before);
    CHECK(pair.one.traffic().open() == 1);
}

TEST_CASE("Access: who may only read gets everything, and nobody gets anything of his", "[e2e]")
{
    SafePair pair;

    pair.cluster.setShares("two", "files:ro");

    pair.cluster.await("it is told", [&] {
        return pair.two.logLines("the relay takes no changes of this agent") == 1;
    });
    writeFile(pair.two / "own", "x");
    writeFile(pair.one / "news", "x");
    pair.cluster.await("it gets the others'", [&] { return exists(pair.two / "news"); });
    pair.cluster.awaitQuiet(pair.two);
    CHECK_FALSE(exists(pair.one / "own"));

    pair.cluster.setShares("two", "files");
    pair.cluster.await("it may write again", [&] { return exists(pair.one / "own"); });
}

TEST_CASE("Access: an agent with another name than its key's is refused", "[e2e]")
{
    Cluster cluster(Security::Noise);
    AgentNode& agent = cluster.addAgent("one");
    std::string config = readFile(agent.configFile()).value();
    config.replace(config.find("name = one"), 10, "name = two");
    writeFile(agent.configFile(), config);

    agent.start();

    cluster.await("it says why",
                  [&] { return agent.logLines("the relay knows the key as one") > 0; });
}

TEST_CASE("Access: of two agents with one key the newer has the connection", "[e2e]")
{
    SafePair pair;
    AgentNode& copy = pair.cluster.addAgent("copy");
    pair.cluster.setShares("copy", "");
    std::string config = readFile(copy.configFile()).value();
    config.replace(config.find(copy.keyFile()), copy.keyFile().size(), pair.two.keyFile());
    config.replace(config.find("name = copy"), 11, "name = two");
    writeFile(copy.configFile(), config);

    copy.start();

    pair.cluster.await("the older is ended", [&] {
        return pair.two.logLines("a newer connection of two has taken over") > 0;
    });
    CHECK(pair.cluster.relay().logLines("a newer connection of two has taken over") > 0);
}

TEST_CASE("Access: a side without security and one with it do not meet, and say why", "[e2e]")
{
    Cluster cluster(Security::Noise);
    AgentNode& agent = cluster.addAgent("one");
    std::string config = readFile(agent.configFile()).value();
    config.replace(config.find("security = noise"), 16, "security = none");
    writeFile(agent.configFile(), config);

    agent.start();

    cluster.await("it says why", [&] {
        return agent.logLines("the peer is configured with security = noise, this side with "
                              "security = none") > 0;
    });
}

TEST_CASE("Access: the command makes keys that both programs take", "[e2e]")
{
    Cluster cluster(Security::Noise);
    runShell(cluster.scratch(""), "umask 077; " + commandProgram() + " genkey > new.key");
    runShell(cluster.scratch(""),
             commandProgram() + " pubkey < new.key > new.pub && test $(wc -c < new.pub) = 45");
    AgentNode& agent = cluster.addAgent("one");
    std::string config = readFile(agent.configFile()).value();
    config.replace(
        config.find(agent.keyFile()), agent.keyFile().size(), cluster.scratch("new.key"));
    writeFile(agent.configFile(), config);

    const ProgramResult result =
        runProgram(agentProgram(), {"--config", agent.configFile(), "--check"});

    CAPTURE(result.err);
    CHECK(result.exitCode == 0);
}
