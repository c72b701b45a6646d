#include "agent/sync/SyncEngine.h"

#include "shared/base/Errors.h"

#include <algorithm>
#include <utility>

namespace tidewire {

SyncEngine::SyncEngine(
    std::string agent, Index& index, const Clock& clock, JobRunner& jobs, EngineOutlet& outlet):
    _agent(std::move(agent)),
    _index(index),
    _clock(clock),
    _jobs(jobs),
    _outlet(outlet)
{
}

SyncEngine::~SyncEngine() = default;

bool SyncEngine::addShare(WatchId id,
                          ShareOptions options,
                          std::shared_ptr<FileSystem> files,
                          ShareEvents events)
{
    ShareHooks hooks;
    hooks.reconnect = [this](const std::string& reason) {
        if (_connected && !std::exchange(_dropping, true))
        {
            _outlet.disconnect(reason);
        }
    };
    hooks.onRules = std::move(events.onRules);
    hooks.onScanned = std::move(events.onScanned);
    auto share = std::make_unique<ShareSync>(
        std::move(options), *files, _index, _clock, _jobs, *this, _connection, std::move(hooks));
    bool started = false;
    try
    {
        beginTurn();
        started = share->start();
        endTurn();
    }
    catch (const DatabaseError& error)
    {
        started = false;
        fail(error.what());
        share->fail(error.what());
    }
    if (started && _connected)
    {
        _outlet.disconnect("share " + share->name() + " was added");
    }
    _shares[id] = {std::move(files), std::move(share)};
    return started;
}

void SyncEngine::removeShare(WatchId id)
{
    const auto found = _shares.find(id);
    if (found == _shares.end())
    {
        return;
    }
    const bool isKnown =
        std::find(_numbered.begin(), _numbered.end(), found->second.share.get()) != _numbered.end();
    if (_connected && isKnown)
    {
        _outlet.disconnect("share " + found->second.share->name() + " was removed");
        onDisconnected();
    }
    _leaving[id] = std::move(found->second);
    _shares.erase(found);
}

bool SyncEngine::isLeaving(WatchId id)
{
    const auto found = _leaving.find(id);
    if (found != _leaving.end() && !found->second.share->hasJobs())
    {
        _leaving.erase(found);
        return false;
    }
    return found != _leaving.end();
}

ShareSync* SyncEngine::share(WatchId id)
{
    const auto found = _shares.find(id);
    return found == _shares.end() ? nullptr : found->second.share.get();
}

void SyncEngine::onConnected()
{
    _connected = true;
    _dropping = false;
    _welcomed = false;
    _connection.reset();
    _numbered.clear();
    HelloMessage hello;
    hello.agent = _agent;
    for (const auto& [id, entry] : _shares)
    {
        if (entry.share->isRunning() && _numbered.size() < kMaxShares)
        {
            _numbered.push_back(entry.share.get());
            hello.shares.push_back(entry.share->hello());
        }
    }
    send(hello, Lane::Urgent);
}

void SyncEngine::onDisconnected()
{
    _dropping = false;
    if (!std::exchange(_connected, false))
    {
        return;
    }
    for (const auto& [id, entry] : _shares)
    {
        entry.share->onDisconnected();
    }
    _connection.reset();
    _numbered.clear();
    _outgoing.clear();
}

void SyncEngine::send(const Message& message, Lane lane)
{
    if (_connected)
    {
        _outgoing.push_back({std::make_shared<const Bytes>(encodeMessage(message)), lane});
    }
}

ShareSync& SyncEngine::byNumber(ShareNumber number)
{
    if (!_welcomed || number >= _numbered.size())
    {
        throw ProtocolError("the relay speaks of share number " + std::to_string(number) +
                            ", which there is not");
    }
    return *_numbered[number];
}

void SyncEngine::onMessage(Message&& message, std::size_t wireBytes)
{
    if (!_connected || _dropping)
    {
        return;
    }
    takeTurn([&] {
        try
        {
            dispatch(message, static_cast<std::uint32_t>(wireBytes - kMessageHeaderBytes));
        }
        catch (const CorruptError& error)
        {
            throw ProtocolError(error.what());
        }
    });
}

void SyncEngine::onJob(JobPtr job)
{
    takeTurn([&] {
        Job& done = *job;
        done.finish(std::move(job));
    });
}

/// Many messages and jobs of one turn share a commit.
void SyncEngine::beginTurn()
{
    if (!_index.inTransaction())
    {
        _index.begin();
    }
}

void SyncEngine::dispatch(Message& message, std::uint32_t bodyBytes)
{
    if (auto* revisions = std::get_if<RevisionsMessage>(&message))
    {
        byNumber(revisions->share).onRevisions(*revisions);
    }
    else if (auto* result = std::get_if<ResultMessage>(&message))
    {
        byNumber(result->share).onResult(*result);
    }
    else if (auto* frame = std::get_if<FrameMessage>(&message))
    {
        static_cast<void>(byNumber(frame->share));
        const bool fetched = frame->use == FrameUse::Fetch;
        _connection.frameCredit += fetched ? bodyBytes : 0;
        (fetched ? _connection.fetched : _connection.live)
            .push(frame->share, frame->id, std::move(frame->frame));
    }
    else if (auto* content = std::get_if<ContentMessage>(&message))
    {
        const bool taken = std::any_of(_numbered.begin(), _numbered.end(), [&](ShareSync* share) {
            return share->onContent(*content, bodyBytes);
        });
        if (!taken)
        {
            throw ProtocolError("content for a fetch that was not asked for");
        }
    }
    else if (const auto* state = std::get_if<UploadStateMessage>(&message))
    {
        byNumber(state->share).onUploadState(*state);
    }
    else if (const auto* welcome = std::get_if<WelcomeMessage>(&message))
    {
        onWelcome(*welcome);
    }
    else
    {
        throw ProtocolError(std::string("the relay sent ") +
                            messageName(static_cast<std::uint8_t>(typeOf(message))) +
                            ", which only agents send");
    }
}

void SyncEngine::onWelcome(const WelcomeMessage& message)
{
    if (_welcomed || message.shares.size() != _numbered.size())
    {
        throw ProtocolError("a WELCOME that does not fit the HELLO");
    }
    _welcomed = true;
    for (std::size_t i = 0; i < _numbered.size(); ++i)
    {
        _numbered[i]->onWelcome(message.shares[i], static_cast<ShareNumber>(i));
    }
}

void SyncEngine::onHint(const Hint& hint)
{
    if (ShareSync* target = share(hint.watch))
    {
        target->onHint(hint);
    }
}

bool SyncEngine::run()
{
    bool more = false;
    takeTurn([&] {
        for (const auto& [id, entry] : _shares)
        {
            more = entry.share->run() || more;
        }
        if (_dropping)
        {
            // What the old connection still says is no longer heard: HELLO is about to say something else.
            onDisconnected();
        }
        endTurn();
    });
    return more;
}

void SyncEngine::takeTurn(const std::function<void()>& work)
{
    try
    {
        beginTurn();
        work();
    }
    catch (const StorageError& error)
    {
        // What concerns one file is settled where it happens: this is the index.
        fail(error.what());
    }
}

void SyncEngine::endTurn()
{
    _index.commit();
    for (Outgoing& item : std::exchange(_outgoing, {}))
    {
        _outlet.send(std::move(item.message), item.lane);
    }
    for (const auto& [id, entry] : _shares)
    {
        entry.share->onCommitted();
    }
}

/// What the shares hold in memory is ahead of the index now: they have to be opened anew.
void SyncEngine::fail(const std::string& problem)
{
    if (_index.inTransaction())
    {
        _index.rollback();
    }
    _outgoing.clear();
    _dropping = true;
    for (const auto& [id, entry] : _shares)
    {
        entry.share->fail(problem);
    }
    if (_connected)
    {
        _outlet.disconnect(problem);
        onDisconnected();
    }
    _dropping = false;
}

std::optional<SteadyTime> SyncEngine::nextDue() const
{
    std::optional<SteadyTime> due;
    for (const auto& [id, entry] : _shares)
    {
        if (const auto next = entry.share->nextDue())
        {
            due = std::min(due.value_or(*next), *next);
        }
    }
    return due;
}

bool SyncEngine::isSettled() const
{
    return std::all_of(_shares.begin(), _shares.end(), [](const auto& item) {
        return item.second.share->isSettled();
    });
}

bool SyncEngine::isFull() const
{
    return std::any_of(_shares.begin(), _shares.end(), [](const auto& item) {
        return item.second.share->isFull();
    });
}

void SyncEngine::releaseMemory()
{
    for (const auto& [id, entry] : _shares)
    {
        entry.share->releaseMemory();
    }
    _index.releaseMemory();
}

void SyncEngine::stop()
{
    takeTurn([&] {
        for (const auto& [id, entry] : _shares)
        {
            entry.share->stop();
        }
        endTurn();
    });
}

} // namespace tidewire
