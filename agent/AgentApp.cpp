#include "agent/AgentApp.h"

#include "agent/ShareSet.h"
#include "agent/SyncLoop.h"
#include "agent/state/Index.h"
#include "agent/sync/RelayConnection.h"
#include "agent/sync/SyncEngine.h"
#include "agent/sync/WorkerPool.h"
#include "agent/watch/WatchHub.h"
#include "shared/base/Clock.h"
#include "shared/base/Errors.h"
#include "shared/daemon/StateLock.h"
#include "shared/daemon/Worker.h"

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

RelayConnectionOptions connectionOptions(const AgentConfig& config)
{
    RelayConnectionOptions options;
    options.address = config.relay;
    options.security = config.security;
    return options;
}

} // namespace

/// Everything that runs. Members stand in the order of construction; threads end before what they use.
class AgentApp::Parts: private EngineOutlet
{
public:
    Parts(AgentConfig config, Daemon& daemon):
        _config(std::move(config)),
        _lock(_config.state),
        _index(_config.state + "/index.db"),
        _pool(WorkerPool::defaultThreads(), [this](JobPtr job) { giveBack(std::move(job)); }),
        _engine(_config.name, _index, _clock, _jobs, *this),
        _loop(_engine, _clock),
        _watchers([this](const Hint& hint) { _loop.hint(hint); }, _clock, {}),
        _shares(_engine, _watchers, _clock),
        _connection(connectionOptions(_config), _clock, randomSeed()),
        _syncThread(
            "tw-sync",
            [this] { run(); },
            [&daemon](const std::string& reason) { daemon.fail(reason); })
    {
        RelayConnection::Callbacks callbacks;
        callbacks.onConnected = [this](RelayConnection::Number number) {
            _loop.post([this, number] {
                _number = number;
                _engine.onConnected();
            });
        };
        callbacks.onMessage = [this](Message&& message, std::size_t wireBytes) {
            take(std::move(message), wireBytes);
        };
        callbacks.onDisconnected = [this](const std::string&) {
            _loop.post([this] { _engine.onDisconnected(); });
        };
        callbacks.onSent = [](Lane, std::uint64_t) {
        };
        callbacks.onFailure = [&daemon](const std::string& reason) {
            daemon.fail(reason);
        };
        _connection.start(std::move(callbacks));
    }

    ~Parts() override
    {
        _connection.stop();
        _loop.stop();
        _syncThread.join();
    }

    void configure(const AgentConfig& config)
    {
        _loop.post([this, config] { _shares.configure(config); });
    }

private:
    /// Jobs that come back after the end of the loop are dropped with it.
    class Runner: public JobRunner
    {
    public:
        explicit Runner(WorkerPool& pool): _pool(pool) {}
        void submit(JobPtr job) override { _pool.submit(std::move(job)); }

    private:
        WorkerPool& _pool;
    };

    void run()
    {
        _shares.configure(_config);
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
        _loop.post([shared] {
            Job& done = **shared;
            done.finish(std::move(*shared));
        });
    }

    void take(Message&& message, std::size_t wireBytes)
    {
        auto shared = std::make_shared<Message>(std::move(message));
        _loop.post(
            [this, shared, wireBytes] {
                try
                {
                    _engine.onMessage(std::move(*shared), wireBytes);
                }
                catch (const ProtocolError& error)
                {
                    disconnect(error.what());
                }
                if (_loop.cost() < kResumeBytes && _paused.exchange(false))
                {
                    _connection.resumeReading();
                }
            },
            wireBytes);
        if (_loop.cost() > kPauseBytes && !_paused.exchange(true))
        {
            _connection.pauseReading();
            // The queue may have been emptied in between.
            _loop.post([this] {
                if (_loop.cost() < kResumeBytes && _paused.exchange(false))
                {
                    _connection.resumeReading();
                }
            });
        }
    }

    void send(std::shared_ptr<const Bytes> message, Lane lane) override
    {
        _connection.send(_number, std::move(message), lane);
    }

    void disconnect(const std::string& reason) override { _connection.disconnect(_number, reason); }

    const AgentConfig _config;
    SystemClock _clock;
    StateLock _lock;
    Index _index;
    WorkerPool _pool;
    Runner _jobs{_pool};
    SyncEngine _engine;
    SyncLoop _loop;
    WatchHub _watchers;
    ShareSet _shares;
    std::atomic<bool> _paused{false};
    std::optional<SteadyTime> _trimAt;   // owned by the sync thread
    RelayConnection::Number _number = 0; // owned by the sync thread
    RelayConnection _connection;
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
    _parts = std::make_unique<Parts>(_config, *this);
}

void AgentApp::reload()
{
    _parts->configure(_config);
}

void AgentApp::stop()
{
    _parts.reset();
}

} // namespace tidewire
