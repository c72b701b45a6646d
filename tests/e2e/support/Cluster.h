// A relay and agents as real processes on loopback, each with its own folders.

#pragma once

#include "shared/net/Preamble.h"
#include "shared/noise/Keys.h"
#include "tests/e2e/support/Eventually.h"
#include "tests/e2e/support/Process.h"
#include "tests/e2e/support/Traffic.h"
#include "tests/support/TempFolder.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tidewire::e2e {

/// Paths of the programs under test.
[[nodiscard]] std::string agentProgram();
[[nodiscard]] std::string relayProgram();
[[nodiscard]] std::string commandProgram();

/// TIDEWIRE_SECURITY of the environment, none or noise; noise when it is not set.
[[nodiscard]] Security standardSecurity();

/// A program with a configuration, a state folder and a log that goes on over restarts.
class Node
{
public:
    Node(std::string program, std::string home);

    /// Starts the process; it must not run.
    void start();

    /// Ends it with SIGTERM; throws unless it exits with 0.
    void stop();

    /// Ends it with SIGKILL.
    void kill();

    [[nodiscard]] bool running();
    [[nodiscard]] Process& process();

    [[nodiscard]] std::string stateFolder() const { return _home + "/state"; }
    [[nodiscard]] std::string configFile() const { return _home + "/config.ini"; }
    [[nodiscard]] std::string keyFile() const { return _home + "/key"; }

    /// Makes a key file; its public key.
    PublicKey makeKey() const;

    /// Everything it wrote to stderr so far, in all its lives.
    [[nodiscard]] std::string log() const;

    /// Lines of the log in which the text occurs.
    [[nodiscard]] std::size_t logLines(const std::string& text) const;

private:
    std::string _program;
    std::string _home;
    std::unique_ptr<Process> _process;
};

/// How an agent reaches the relay.
enum class Route : std::uint8_t
{
    Counted, ///< through a Traffic of its own
    Direct,
};

/// What differs from an ordinary agent.
struct AgentOptions
{
    std::string shareLines; ///< further lines in its [share.files]
    std::string agentLines; ///< further lines in [agent]
    Route route = Route::Counted;
};

/// An agent with the share "files".
class AgentNode: public Node
{
public:
    AgentNode(const std::string& name, const std::string& home, std::unique_ptr<Traffic> traffic);

    [[nodiscard]] const std::string& name() const { return _name; }
    [[nodiscard]] const std::string& folder() const { return _folder; }

    /// A path in its folder.
    [[nodiscard]] std::string operator/(const std::string& path) const
    {
        return _folder + "/" + path;
    }

    /// Only with Route::Counted.
    [[nodiscard]] Traffic& traffic() { return *_traffic; }
    [[nodiscard]] bool hasTraffic() const { return _traffic != nullptr; }

private:
    std::string _name;
    std::string _folder;
    std::unique_ptr<Traffic> _traffic;
};

/// One relay and any number of agents in a temporary folder; all gone afterwards. With Noise every
/// agent has a key of its own, and the relay is told of it while it runs.
class Cluster
{
public:
    /// Starts the relay.
    explicit Cluster(Security security = standardSecurity());

    [[nodiscard]] Node& relay() { return *_relay; }

    /// Starts the relay and waits until it listens; always on the same port.
    void startRelay();

    /// Makes an agent without starting it; its folder is there and empty.
    AgentNode& addAgent(const std::string& name, const AgentOptions& options = {});

    /// Makes and starts an agent.
    AgentNode& startAgent(const std::string& name, const AgentOptions& options = {});

    /// What the relay allows: "files", "files:ro" or the like, nothing for an agent that it must not know. Takes effect at
    /// once when the relay runs. Only with Noise.
    void setShares(const std::string& agent, const std::string& shares);

    /// Waits for a condition; throws with `what` and the ends of all logs when it stays false.
    void await(const std::string& what,
               const std::function<bool()>& condition,
               std::chrono::milliseconds deadline = defaultDeadline());

    /// Waits until the folders of the running agents (or those given) are equal and nothing goes over the wire
    /// any more; throws with the difference and the ends of all logs when that does not come.
    void settle(const std::vector<AgentNode*>& agents = {},
                std::chrono::milliseconds deadline = defaultDeadline());

    /// Waits until nothing goes over the wire of the agent any more.
    void awaitQuiet(AgentNode& agent);

    /// A folder beside those of the nodes, on the same filesystem.
    [[nodiscard]] std::string scratch(const std::string& name) const { return _temp / name; }

    [[nodiscard]] const std::string& relayHost() const { return _host; }
    [[nodiscard]] std::uint16_t relayPort() const { return _port; }

private:
    void writeRelayConfig() const;
    void reloadRelay();
    [[nodiscard]] std::vector<std::uint64_t> counters();
    [[nodiscard]] std::string logTails() const;

    struct Access
    {
        PublicKey key{};
        std::string shares;
    };

    TempFolder _temp;
    Security _security;
    PublicKey _relayKey{};
    std::map<std::string, Access> _access; // by agent
    std::string _host;
    std::uint16_t _port;
    std::unique_ptr<Node> _relay;
    std::vector<std::unique_ptr<AgentNode>> _agents;
};

/// The usual fixture: a relay and two running agents.
struct Pair
{
    Cluster cluster;
    AgentNode& one = cluster.startAgent("one");
    AgentNode& two = cluster.startAgent("two");
};

} // namespace tidewire::e2e
