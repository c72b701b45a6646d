// The relay as a program: builds the parts, owns the threads, ends them in order.

#include "relay/RelayApp.h"

#include "relay/AgentAccess.h"
#include "shared/base/Errors.h"
#include "shared/base/Version.h"
#include "shared/daemon/LogEvent.h"
#include "shared/fs/PosixFileSystem.h"
#include "shared/noise/KeyFile.h"

#include <Poco/Logger.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tidewire {

namespace {

std::string addressList(const std::vector<HostPort>& addresses)
{
    std::string text;
    for (const HostPort& address : addresses)
    {
        text += (text.empty() ? "" : ", ") + address.text();
    }
    return text;
}

/// What is allowed, and seldom meant.
void warnOf(const RelayConfig& config, const std::vector<HostPort>& listensOn)
{
    Poco::Logger& log = Poco::Logger::get("relay");
    const bool isLocal = std::all_of(listensOn.begin(), listensOn.end(), isLoopback);
    if (config.security == Security::None && !isLocal)
    {
        logWith(log,
                Poco::Message::PRIO_WARNING,
                "security = none: everybody who can reach " + addressList(listensOn) +
                    " can read and change every share",
                {.event = LogEvent::OpenAccess});
    }
    if (config.security == Security::Noise && config.agents.empty())
    {
        log.warning("there is no [agent.NAME] section: nobody is let in");
    }
}

std::string statusOf(const RelayCore& core)
{
    const auto agents = core.status();
    const auto live = std::count_if(agents.begin(), agents.end(), [](const SessionStatus& agent) {
        return std::all_of(
            agent.shares.begin(), agent.shares.end(), [](const auto& share) { return share.live; });
    });
    return std::to_string(agents.size()) +
           (agents.size() == 1 ? " agent connected, " : " agents connected, ") +
           std::to_string(live) + " up to date";
}

/// True when something differs that only a restart can put into force.
bool needsRestart(const RelayConfig& before, const RelayConfig& after)
{
    RelayConfig same = before;
    same.log = after.log;
    same.agents = after.agents;
    // A share that is new was not opened yet.
    same.shares.insert(after.shares.begin(), after.shares.end());
    return same != after;
}

std::shared_ptr<const KeyPair> keyOf(const RelayConfig& config)
{
    return config.security == Security::None
               ? nullptr
               : std::make_shared<const KeyPair>(readKeyFile(config.key));
}

} // namespace

/// In the order of construction; destroyed in reverse, so the threads end before what they use.
struct RelayApp::Parts
{
    Parts(const RelayConfig& config, std::function<StoreOptions(const std::string&)> options):
        lock(config.state),
        files(config.state),
        stores(files, config.state, clock, std::move(options)),
        access(config),
        events(kEventQueueBytes),
        key(keyOf(config)),
        loop(config.security, EventLoopLimits{}, clock, events, key, agentKeysOf(config)),
        core(stores, access, clock, loop),
        coreLoop(core, events, clock, [this] { loop.roomMade(); })
    {
        std::vector<Listener> inherited = Listener::inherit();
        for (Listener& listener : inherited)
        {
            listensOn.push_back(listener.address());
            loop.listen(std::move(listener));
        }
        if (inherited.empty())
        {
            listensOn = config.listen;
            for (const HostPort& address : config.listen)
            {
                loop.listen(address);
            }
        }
    }

    std::vector<HostPort> listensOn;
    SystemClock clock;
    StateLock lock;
    PosixFileSystem files;
    StoreFolder stores;
    ConfiguredAccess access; // the core thread's
    RelayEventQueue events;
    const std::shared_ptr<const KeyPair> key; // null with `security = none`
    EventLoop loop;
    RelayCore core;
    CoreLoop coreLoop;
    std::unique_ptr<Worker> coreWorker;
    std::unique_ptr<Worker> networkWorker;
};

RelayApp::RelayApp(): Daemon("tidewire-relay") {}

RelayApp::~RelayApp() = default;

void RelayApp::load(const std::string& file)
{
    _loaded = loadRelayConfig(file);
}

void RelayApp::start()
{
    _config = _loaded;
    _parts = std::make_unique<Parts>(_config,
                                     [this](const std::string& share) { return optionsOf(share); });
    Poco::Logger& log = Poco::Logger::get("relay");
    warnOf(_config, _parts->listensOn);
    const auto onFailure = [this](const std::string& reason) {
        fail(reason);
    };
    _parts->coreWorker = std::make_unique<Worker>(
        "tw-core", [this] { _parts->coreLoop.run(); }, onFailure);
    _parts->networkWorker = std::make_unique<Worker>(
        "tw-network", [this] { _parts->loop.run(); }, onFailure);
    log.information(std::string("tidewire-relay ") + kVersion + " listens on " +
                    addressList(_parts->listensOn) + ", state in " + printable(_config.state) +
                    (_parts->key ? ", public key " + publicKeyText(_parts->key->open) : ""));
}

void RelayApp::reload()
{
    const std::lock_guard lock(_mutex);
    if (needsRestart(_config, _loaded))
    {
        logWith(Poco::Logger::get("relay"),
                Poco::Message::PRIO_WARNING,
                "the new configuration holds changes that take a restart: of addresses, the state "
                "folder, or times of shares in use",
                {.event = LogEvent::RestartNeeded});
    }
    if (_parts->key)
    {
        _parts->loop.setAgents(
            agentKeysOf(_loaded),
            [parts = _parts.get(), config = _loaded, changed = changedAgents(_config, _loaded)] {
                parts->access.configure(config);
                parts->core.endAgents(changed);
            });
    }
    // Addresses and folder of the running parts stand in _parts; this serves optionsOf().
    _config = _loaded;
}

void RelayApp::stop()
{
    if (_parts == nullptr)
    {
        return;
    }
    // The core first: what it has answered still goes out with the loop's farewell.
    _parts->coreLoop.stop();
    _parts->coreWorker.reset();
    _parts->loop.stop();
    _parts->networkWorker.reset();
    _parts.reset();
    Poco::Logger::get("relay").information("tidewire-relay has ended");
}

void RelayApp::pulse(const HeartbeatPtr& heartbeat)
{
    _parts->loop.runSoon([heartbeat] {});
    _parts->coreLoop.post([this, heartbeat] { heartbeat->say(statusOf(_parts->core)); });
}

StoreOptions RelayApp::optionsOf(const std::string& share)
{
    const std::lock_guard lock(_mutex);
    const auto found = _config.shares.find(share);
    const RetentionConfig& times =
        found == _config.shares.end() ? _config.retention : found->second;
    StoreOptions options;
    options.history = times.history.count();
    options.tombstones = times.tombstones.count();
    return options;
}

} // namespace tidewire
