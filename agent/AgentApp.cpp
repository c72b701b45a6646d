#include "agent/AgentApp.h"

#include "agent/ConfigChange.h"
#include "agent/ShareSet.h"
#include "agent/SyncLoop.h"
#include "agent/state/Index.h"
#include "agent/sync/RelayConnection.h"
#include "agent/sync/SyncEngine.h"
#include "agent/sync/WorkerPool.h"
#include "agent/watch/WatchHub.h"
#include "shared/base/Clock.h"
#include "shared/base/Errors.h"
#include "shared/daemon/LogEvent.h"
#include "shared/daemon/StateLock.h"
#include "shared/daemon/Worker.h"
#include "shared/noise/KeyFile.h"

#include <Poco/Logger.h>
#include <Poco/String.h>
#include <sodium.h>

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace tidewire {

namespace {

// Messages waiting for the sync thread: above the first no more are read, below the second again.
constexpr std::size_t kPauseBytes = 4 << 20;
constexpr std::size_t kResumeBytes = 1 << 20;

constexpr SteadyTime kTrimDelay = std::chrono::seconds(5);

std::uint64_t randomSeed()
{
    std::uint64_t seed = 0;
    ::randombytes_buf(&seed, sizeof seed);
    return seed;
}

std::shared_ptr<const NoiseIdentity> identityOf(const AgentConfig& config)
{
    if (config.security == Security::None)
    {
        return nullptr;
    }
    return std::make_shared<const NoiseIdentity>(
        NoiseIdentity{readKeyFile(config.key), config.relayKey});
}

} // namespace

/// Everything that runs. Members stand in the order of construction; threads end before what they use.
class AgentApp::Parts: private EngineOutlet
{
public:
    Parts(AgentConfig config, Daemon& daemon):
        _config(std::move(config)),
        _identity(identityOf(_config)),
        _lock(_config.state),
        _index(_config.state + "/index.db"),
        _pool(std::make_unique<WorkerPool>(WorkerPool::defaultThreads(),
                                           [this](JobPtr job) { giveBack(std::move(job)); })),
        _engine(_config.name, _index, _clock, _jobs, *this),
        _loop(_engine, _clock),
        _watchers([this](const Hint& hint) { _loop.hint(hint); }, _clock, {}),
        _shares(_engine, _watchers, _clock),
        _address(_config.relay),
        _onFailure([&daemon](const std::string& reason) { daemon.fail(reason); }),
        _connection(makeConnection()),
        _syncThread(
            "tw-sync", [this] { run(); }, _onFailure)
    {
    }

    /// The workers end before the shares whose files they have in hand.
    ~Parts() override
    {
        _loop.stop();
        _syncThread.join();
        _connection->stop();
        _pool.reset();
    }

    void configure(const AgentConfig& config)
    {
        _loop.post([this, config] {
            _shares.configure(config);
            connectTo(config.relay);
        });
    }

    void pulse(const HeartbeatPtr& heartbeat)
    {
        _loop.post([this, heartbeat] { heartbeat->say(_shares.status(_isConnected)); });
    }

private:
    /// Jobs that come back after the end of the loop are dropped with it.
    class Runner: public JobRunner
    {
    public:
        explicit Runner(const std::unique_ptr<WorkerPool>& pool): _pool(pool) {}
        void submit(JobPtr job) override { _pool->submit(std::move(job)); }

    private:
        const std::unique_ptr<WorkerPool>& _pool;
    };

    [[nodiscard]] std::unique_ptr<RelayConnection> makeConnection()
    {
        RelayConnectionOptions options;
        options.address = _address;
        options.identity = _identity;
        return std::make_unique<RelayConnection>(options, _clock, randomSeed());
    }

    /// What an earlier connection still had to say is not heard.
    void postFrom(unsigned connection, SyncLoop::Task task, std::size_t cost = 1)
    {
        _loop.postInput(
            [this, connection, task = std::move(task)] {
                if (connection == _connections)
                {
                    task();
                }
            },
            cost);
    }

    void connect()
    {
        const unsigned connection = ++_connections;
        RelayConnection::Callbacks callbacks;
        callbacks.onConnected = [this, connection](RelayConnection::Number number) {
            postFrom(connection, [this, number] {
                _number = number;
                _isConnected = true;
                _engine.onConnected();
            });
        };
        callbacks.onMessage = [this, connection](Message&& message, std::size_t wireBytes) {
            take(connection, std::move(message), wireBytes);
        };
        callbacks.onDisconnected = [this, connection](const std::string&) {
            postFrom(connection, [this] {
                _isConnected = false;
                _engine.onDisconnected();
            });
        };
        callbacks.onSent = [](Lane, std::uint64_t) {
        };
        callbacks.onFailure = _onFailure;
        _connection->start(std::move(callbacks));
    }

    void connectTo(const HostPort& address)
    {
        if (address == _address)
        {
            return;
        }
        _address = address;
        _connection->stop();
        _isConnected = false;
        _engine.onDisconnected();
        _connection = makeConnection();
        _paused = false;
        connect();
    }

    void run()
    {
        _shares.configure(_config);
        // What can be opened at once is in the first HELLO.
        static_cast<void>(_shares.keep());
        connect();
        _loop.run([this] { return keep(); });
        _engine.stop();
    }

    /// Housekeeping after each turn. Once all is quiet the heap goes back to the system: a board has
    /// better use for it.
    std::optional<SteadyTime> keep()
    {
        std::optional<SteadyTime> next = _shares.keep();
        const SteadyTime now = _clock.steady();
        if (!_engine.isSettled())
        {
            _trimAt = now + kTrimDelay;
        }
        else if (_trimAt && now >= *_trimAt)
        {
            _engine.releaseMemory();
            ::malloc_trim(0);
            _trimAt.reset();
        }
        if (_engine.isSettled() && _trimAt)
        {
            next = std::min(next.value_or(*_trimAt), *_trimAt);
        }
        return next;
    }

    void giveBack(JobPtr job)
    {
        // A std::function must be copyable; the job is not.
        auto shared = std::make_shared<JobPtr>(std::move(job));
        _loop.post([this, shared] { _engine.onJob(std::move(*shared)); });
    }

    void take(unsigned connection, Message&& message, std::size_t wireBytes)
    {
        auto shared = std::make_shared<Message>(std::move(message));
        postFrom(
            connection,
            [this, shared, wireBytes] {
                try
                {
                    _engine.onMessage(std::move(*shared), wireBytes);
                }
                catch (const ProtocolError& error)
                {
                    disconnect(error.what());
                }
                resumeIfEmptied();
            },
            wireBytes);
        if (_loop.inputCost() > kPauseBytes && !_paused.exchange(true))
        {
            _connection->pauseReading();
            // The queue may have been emptied in between.
            _loop.postInput([this] { resumeIfEmptied(); });
        }
    }

    void resumeIfEmptied()
    {
        if (_loop.inputCost() < kResumeBytes && _paused.exchange(false))
        {
            _connection->resumeReading();
        }
    }

    void send(std::shared_ptr<const Bytes> message, Lane lane) override
    {
        _connection->send(_number, std::move(message), lane);
    }

    void disconnect(const std::string& reason) override
    {
        _connection->disconnect(_number, reason);
    }

    const AgentConfig _config;
    const std::shared_ptr<const NoiseIdentity> _identity; // null with `security = none`
    SystemClock _clock;
    StateLock _lock;
    Index _index;
    std::unique_ptr<WorkerPool> _pool;
    Runner _jobs{_pool};
    SyncEngine _engine;
    SyncLoop _loop;
    WatchHub _watchers;
    ShareSet _shares;
    std::atomic<bool> _paused{false};

    // Owned by the sync thread while it runs.
    std::optional<SteadyTime> _trimAt;
    RelayConnection::Number _number = 0;
    bool _isConnected = false;
    unsigned _connections = 0; // how many there were: the number of the present one
    HostPort _address;

    const std::function<void(const std::string& reason)> _onFailure;
    std::unique_ptr<RelayConnection>
        _connection; // changed on the sync thread, while its own does not run
    Worker _syncThread;
};

AgentApp::AgentApp():
    Daemon("tidewire-agent",
           "  --adopt SHARE   makes the folder of a share this agent's own after its marker was "
           "lost, and ends;\n"
           "                  the next start compares it with the relay, nothing is deleted\n")
{
}

AgentApp::~AgentApp() = default;

void AgentApp::load(const std::string& file)
{
    _config = loadAgentConfig(file);
}

LogLevel AgentApp::logLevel() const
{
    return _config.log;
}

void AgentApp::start()
{
    _running = _config;
    _parts = std::make_unique<Parts>(_running, *this);
}

void AgentApp::reload()
{
    const ConfigChange change = changeConfig(_running, _config);
    if (!change.later.empty())
    {
        logWith(Poco::Logger::get("agent"),
                Poco::Message::PRIO_WARNING,
                "the new configuration holds changes that take a restart: " +
                    Poco::cat(std::string(", "), change.later.begin(), change.later.end()),
                {.event = LogEvent::RestartNeeded});
    }
    _running = change.config;
    _parts->configure(_running);
}

void AgentApp::stop()
{
    _parts.reset();
}

void AgentApp::pulse(const HeartbeatPtr& heartbeat)
{
    _parts->pulse(heartbeat);
}

} // namespace tidewire
