// The processes of a test, their configuration and the waiting for them.

#include "tests/e2e/support/Cluster.h"

#include "tests/e2e/support/Files.h"
#include "tests/e2e/support/TreeSnapshot.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace tidewire::e2e {

namespace {

/// The wire counts as quiet when nothing went over it for so long: longer than the agents gather changes.
constexpr auto kQuiet = std::chrono::milliseconds(kIsSlow ? 1500 : 400);

/// A loopback address that no other test uses now: the relay can take the same port again after a restart.
std::string ownLoopbackAddress()
{
    static std::atomic<unsigned> count{0};
    const unsigned id = (static_cast<unsigned>(::getpid()) << 3U) + (count++ & 7U);
    return "127." + std::to_string(64 + (id >> 16U) % 64) + "." +
           std::to_string((id >> 8U) & 255U) + "." + std::to_string(1 + (id & 255U) % 254);
}

std::uint16_t freePort(const std::string& host)
{
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd.get(), generic, length) != 0 || ::getsockname(fd.get(), generic, &length) != 0)
    {
        throw std::system_error(errno, std::generic_category(), "bind " + host);
    }
    return ntohs(address.sin_port);
}

std::string tail(const std::string& text, std::size_t most)
{
    return text.size() <= most ? text : "..." + text.substr(text.size() - most);
}

} // namespace

std::string agentProgram()
{
    return TIDEWIRE_AGENT_PROGRAM;
}

std::string relayProgram()
{
    return TIDEWIRE_RELAY_PROGRAM;
}

std::string commandProgram()
{
    return TIDEWIRE_COMMAND_PROGRAM;
}

Security standardSecurity()
{
    const char* name =
        ::getenv("TIDEWIRE_SECURITY"); // NOLINT(concurrency-mt-unsafe): nobody sets it
    if (name == nullptr)
    {
        return Security::Noise;
    }
    for (const auto& [known, security] : kSecurityNames)
    {
        if (std::string(name) == known)
        {
            return security;
        }
    }
    throw std::runtime_error("TIDEWIRE_SECURITY must be none or noise");
}

Node::Node(std::string program, std::string home):
    _program(std::move(program)),
    _home(std::move(home))
{
    makeFolders(stateFolder());
}

PublicKey Node::makeKey() const
{
    const KeyPair pair = makeKeyPair();
    writeFile(keyFile(), std::string(asText(privateKeyText(pair.secret).bytes())) + "\n");
    if (::chmod(keyFile().c_str(), S_IRUSR | S_IWUSR) != 0)
    {
        throw std::system_error(errno, std::generic_category(), "chmod " + keyFile());
    }
    return pair.open;
}

void Node::start()
{
    if (running())
    {
        throw std::logic_error(_home + " runs already");
    }
    const std::string log = _home + "/log";
    _process = std::make_unique<Process>(
        _program, std::vector<std::string>{"--config", configFile()}, log, log);
}

void Node::stop()
{
    const int code = process().terminate();
    _process.reset();
    if (code != 0)
    {
        throw std::runtime_error(_home + " ended with " + std::to_string(code) + "\n" +
                                 tail(log(), 4000));
    }
}

void Node::kill()
{
    process().kill();
    _process.reset();
}

bool Node::running()
{
    return _process && _process->running();
}

Process& Node::process()
{
    if (!_process)
    {
        throw std::logic_error(_home + " does not run");
    }
    return *_process;
}

std::string Node::log() const
{
    return readFile(_home + "/log").value_or("");
}

std::size_t Node::logLines(const std::string& text) const
{
    std::istringstream lines(log());
    std::string line;
    std::size_t count = 0;
    while (std::getline(lines, line))
    {
        if (line.find(text) != std::string::npos)
        {
            ++count;
        }
    }
    return count;
}

AgentNode::AgentNode(const std::string& name,
                     const std::string& home,
                     std::unique_ptr<Traffic> traffic):
    Node(agentProgram(), home),
    _name(name),
    _folder(home + "/files"),
    _traffic(std::move(traffic))
{
    makeFolders(_folder);
}

Cluster::Cluster(Security security):
    _security(security),
    _host(ownLoopbackAddress()),
    _port(freePort(_host)),
    _relay(std::make_unique<Node>(relayProgram(), _temp / "relay"))
{
    _relayKey = _relay->makeKey();
    writeRelayConfig();
    startRelay();
}

void Cluster::writeRelayConfig() const
{
    std::string text = "[relay]\nlisten = " + _host + ":" + std::to_string(_port) +
                       "\nstate = " + _relay->stateFolder() + "\nkey = " + _relay->keyFile() +
                       "\nsecurity = " + securityName(_security) + "\n\n[share.files]\n";
    for (const auto& [name, access] : _access)
    {
        if (!access.shares.empty())
        {
            text += "\n[agent." + name + "]\nkey = " + publicKeyText(access.key) +
                    "\nshares = " + access.shares + "\n";
        }
    }
    writeFile(_relay->configFile(), text);
}

void Cluster::reloadRelay()
{
    if (!_relay->running())
    {
        return;
    }
    const std::string done = "the configuration was read again";
    const std::size_t before = _relay->logLines(done);
    _relay->process().signal(SIGHUP);
    await("the relay reads its configuration", [&] { return _relay->logLines(done) > before; });
}

void Cluster::setShares(const std::string& agent, const std::string& shares)
{
    _access.at(agent).shares = shares;
    writeRelayConfig();
    reloadRelay();
}

void Cluster::startRelay()
{
    const std::size_t before = _relay->logLines("listens on");
    _relay->start();
    await("the relay listens", [&] { return _relay->logLines("listens on") > before; });
}

AgentNode& Cluster::addAgent(const std::string& name, const AgentOptions& options)
{
    std::string address = _host + ":" + std::to_string(_port);
    std::unique_ptr<Traffic> traffic;
    if (options.route == Route::Counted)
    {
        traffic = std::make_unique<Traffic>(_host, _port);
        address = "127.0.0.1:" + std::to_string(traffic->port());
    }
    _agents.push_back(
        std::make_unique<AgentNode>(name, _temp / ("agent-" + name), std::move(traffic)));
    AgentNode& agent = *_agents.back();
    _access[name].key = agent.makeKey();
    writeFile(agent.configFile(),
              "[agent]\nname = " + name + "\nstate = " + agent.stateFolder() +
                  "\nkey = " + agent.keyFile() + "\n" + options.agentLines +
                  "\n[relay]\naddress = " + address + "\nkey = " + publicKeyText(_relayKey) +
                  "\nsecurity = " + securityName(_security) +
                  "\n\n[share.files]\npath = " + agent.folder() + "\n" + options.shareLines);
    if (_security == Security::Noise)
    {
        setShares(name, "files");
    }
    return agent;
}

AgentNode& Cluster::startAgent(const std::string& name, const AgentOptions& options)
{
    AgentNode& agent = addAgent(name, options);
    agent.start();
    return agent;
}

void Cluster::await(const std::string& what,
                    const std::function<bool()>& condition,
                    std::chrono::milliseconds deadline)
{
    if (!eventually(condition, deadline))
    {
        throw std::runtime_error("this does not come: " + what + "\n" + logTails());
    }
}

void Cluster::settle(const std::vector<AgentNode*>& agents, std::chrono::milliseconds deadline)
{
    std::vector<AgentNode*> compared = agents;
    for (const auto& agent : _agents)
    {
        if (agents.empty() && agent->running())
        {
            compared.push_back(agent.get());
        }
    }
    std::string difference = "the wire never became quiet";
    std::vector<std::uint64_t> last;
    auto since = std::chrono::steady_clock::now();
    const auto isSettled = [&] {
        std::vector<std::uint64_t> now = counters();
        if (now != last)
        {
            last = std::move(now);
            since = std::chrono::steady_clock::now();
        }
        if (std::chrono::steady_clock::now() - since < kQuiet)
        {
            return false;
        }
        difference.clear();
        for (std::size_t i = 1; i < compared.size() && difference.empty(); ++i)
        {
            difference = treeDifference(compared[0]->folder(), compared[i]->folder());
            if (!difference.empty())
            {
                difference = "left " + compared[0]->name() + ", right " + compared[i]->name() +
                             "\n" + difference;
            }
        }
        return difference.empty() && counters() == last;
    };
    if (!eventually(isSettled, deadline))
    {
        throw std::runtime_error("the folders do not settle\n" + difference + logTails());
    }
}

void Cluster::awaitQuiet(AgentNode& agent)
{
    std::uint64_t last = 0;
    auto since = std::chrono::steady_clock::now();
    await("the wire of " + agent.name() + " is quiet", [&] {
        const std::uint64_t now =
            agent.traffic().bytes(Direction::Up) + agent.traffic().bytes(Direction::Down);
        if (now != last || now == 0)
        {
            last = now;
            since = std::chrono::steady_clock::now();
        }
        return std::chrono::steady_clock::now() - since >= kQuiet;
    });
}

std::vector<std::uint64_t> Cluster::counters()
{
    std::vector<std::uint64_t> values;
    for (const auto& agent : _agents)
    {
        if (agent->hasTraffic())
        {
            values.push_back(agent->traffic().bytes(Direction::Up));
            values.push_back(agent->traffic().bytes(Direction::Down));
        }
    }
    return values;
}

std::string Cluster::logTails() const
{
    std::string text = "--- relay\n" + tail(_relay->log(), 3000);
    for (const auto& agent : _agents)
    {
        text += "--- agent " + agent->name() + "\n" + tail(agent->log(), 3000);
    }
    return text;
}

} // namespace tidewire::e2e
