// A board of a simulation: its disk, its index, its watcher, and the agent's engine over them.

#include "tests/sim/SimAgent.h"

#include "shared/base/Errors.h"
#include "tests/sim/SimRelay.h"

#include <algorithm>
#include <utility>

namespace tidewire {

SimAgent::SimAgent(std::size_t place,
                   Settings settings,
                   SimClock& clock,
                   SimRandom& random,
                   SimNetwork& network,
                   SimTrace& trace):
    _place(place),
    _settings(std::move(settings)),
    _clock(clock),
    _random(random),
    _network(network),
    _trace(trace),
    _watcher(random),
    _files(std::make_unique<MemoryFileSystem>([&clock] { return clock.fileTime(); })),
    _userDisk(*_files, _watcher),
    _agentDisk(std::make_shared<SimDisk>(*_files, _watcher)),
    _index(std::make_unique<Index>(":memory:")),
    _jobs(random)
{
    _agentDisk->setBefore([this](std::string_view operation, const RelativePath& path) {
        beforeWork(operation, path);
    });
}

SimAgent::~SimAgent()
{
    _jobs.drop();
}

std::uint64_t SimAgent::changes() const
{
    return _agentDisk->changes();
}

void SimAgent::beforeWork(std::string_view operation, const RelativePath& path)
{
    if (_killIn > 0 && --_killIn == 0)
    {
        throw SimKilled();
    }
    if (_beforeWork)
    {
        _beforeWork(operation, path);
    }
}

/// Runs a part of the agent. What the relay did wrong, or what the agent cannot take, is a failure.
void SimAgent::guard(const std::function<void()>& work)
{
    try
    {
        _isDirty = true;
        work();
    }
    catch (const SimKilled&)
    {
        _trace.add(name(), "killed in the middle of its work");
        kill();
        start();
    }
    catch (const Error& error)
    {
        throw SimFailure(name() + ": the engine threw: " + error.what());
    }
}

// --- the process ---------------------------------------------------------------------------------

void SimAgent::start()
{
    _killIn = 0;
    _engine = std::make_unique<SyncEngine>(name(), *_index, _clock, _jobs, *this);
    _startAt.reset();
    _isLeaving = false;
    bool isEmpty = true;
    _files->list(RelativePath(), [&](std::string_view name, FileKind) {
        isEmpty = name == kPrivateFolder;
        return isEmpty;
    });
    const bool wasNot = _index->hasChildren(_index->share(kSimShare).id, RelativePath());
    _startedEmpty = _startedEmpty || (isEmpty && wasNot);
    addShare();
    _isDirty = true;
}

void SimAgent::addShare()
{
    ShareOptions options;
    options.name = kSimShare;
    options.agent = name();
    options.mode = _settings.mode;
    options.ignore = _settings.ignore;
    options.maxRevisions = _settings.maxRevisions;
    options.boot = std::to_string(_boot);
    // As the agent does it: watched first, so that nothing gets lost between the scan and the watch.
    const bool started = _engine->addShare(++_share,
                                           std::move(options),
                                           _agentDisk,
                                           {[](const IgnoreRules&) {},
                                            [](SteadyTime) {
                                            }});
    _watcher.setOn(started && _settings.mode != ShareMode::Receive);
    if (!started)
    {
        _trace.add(name(), "the share does not start: " + _engine->share(_share)->problem());
    }
}

/// A share that has stopped is closed and opened again after a while, as ShareSet does it.
void SimAgent::keepShare()
{
    if (_startAt)
    {
        if (_clock.steady() >= *_startAt && !_engine->isLeaving(_share))
        {
            _startAt.reset();
            addShare();
        }
    }
    else if (!_engine->share(_share)->isRunning())
    {
        _trace.add(name(), "the share stopped: " + _engine->share(_share)->problem());
        _watcher.setOn(false);
        _engine->removeShare(_share);
        _startAt = _clock.steady() + SyncEngine::kStartRetry;
    }
}

void SimAgent::kill()
{
    _trace.add(name(), "ends");
    _jobs.drop();
    _engine.reset();
    _index->rollback();
    _watcher.setOn(false);
    if (SimConnection* connection = _network.ofAgent(_place))
    {
        connection->broken = true;
        connection->agentEnded = true;
    }
}

void SimAgent::cutPower()
{
    kill();
    _files->crash();
    ++_boot;
}

void SimAgent::stopClean()
{
    guard([this] { _engine->stop(); });
    kill();
}

void SimAgent::loseIndex()
{
    _index = std::make_unique<Index>(":memory:");
}

// --- what the world has it do --------------------------------------------------------------------

void SimAgent::onConnected()
{
    guard([this] { _engine->onConnected(); });
}

void SimAgent::onMessage(Message&& message, std::size_t wireBytes)
{
    if (const auto* error = std::get_if<ErrorMessage>(&message))
    {
        if (error->code == ErrorCode::ProtocolViolation || error->code == ErrorCode::Internal)
        {
            throw SimFailure(name() + ": the relay complains: " + error->text);
        }
        _network.breakAgent(_place);
        return;
    }
    guard([&] { _engine->onMessage(std::move(message), wireBytes); });
}

void SimAgent::onDisconnected()
{
    guard([this] { _engine->onDisconnected(); });
}

bool SimAgent::wantsRun() const
{
    return isRunning() && (_isDirty || (nextDue() && *nextDue() <= _clock.steady()));
}

void SimAgent::run()
{
    guard([this] {
        _isDirty = false;
        const bool more = _engine->run();
        keepShare();
        _isDirty = more;
    });
}

void SimAgent::stepJob()
{
    guard([this] { _jobs.step(); });
}

void SimAgent::finishJob()
{
    guard([this] { _engine->onJob(_jobs.takeResult()); });
}

void SimAgent::takeHint()
{
    Hint hint = _watcher.take();
    hint.watch = _share;
    guard([&] { _engine->onHint(hint); });
}

std::optional<SteadyTime> SimAgent::nextDue() const
{
    if (!isRunning())
    {
        return std::nullopt;
    }
    return _startAt ? _startAt : _engine->nextDue();
}

void SimAgent::send(std::shared_ptr<const Bytes> message, Lane lane)
{
    SimConnection* connection = _network.ofAgent(_place);
    if (connection != nullptr && !connection->broken)
    {
        connection->up.push(std::move(message), lane);
    }
}

void SimAgent::disconnect(const std::string& reason)
{
    _trace.add(name(), "disconnects: " + reason);
    _network.breakAgent(_place);
}

} // namespace tidewire
