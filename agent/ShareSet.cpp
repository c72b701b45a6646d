#include "agent/ShareSet.h"

#include "shared/base/Errors.h"
#include "shared/fs/PosixFileSystem.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

namespace tidewire {

namespace {

/// What the watcher may be asked on its own thread: a copy of the rules, which never changes.
IgnorePredicate predicateOf(const IgnoreRules& rules)
{
    return [copy = std::make_shared<const IgnoreRules>(rules)](const RelativePath& folder) {
        return copy->isIgnored(folder, true);
    };
}

/// Another one after each boot of the system; empty when it cannot be had.
std::string bootId()
{
    std::string id;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
    return id;
}

} // namespace

ShareSet::ShareSet(SyncEngine& engine, WatchHub& watchers, const Clock& clock):
    _engine(engine),
    _watchers(watchers),
    _clock(clock),
    _log(Poco::Logger::get("agent.shares"))
{
}

void ShareSet::configure(const AgentConfig& config)
{
    _agent = config.name;
    std::vector<AgentShareConfig> wanted = config.shares;
    for (auto item = _shares.begin(); item != _shares.end();)
    {
        const auto same = std::find(wanted.begin(), wanted.end(), item->second.config);
        if (same != wanted.end())
        {
            wanted.erase(same);
            ++item;
            continue;
        }
        close(item->first, item->second);
        item = _shares.erase(item);
    }
    for (AgentShareConfig& share : wanted)
    {
        _shares[_nextId++] = {std::move(share), false, {}, {}, {}};
    }
}

void ShareSet::close(WatchId id, Share& share)
{
    if (std::exchange(share.open, false))
    {
        _watchers.remove(id);
        _engine.removeShare(id);
        _closing.push_back(id);
    }
}

std::optional<SteadyTime> ShareSet::keep()
{
    const SteadyTime now = _clock.steady();
    std::erase_if(_closing, [this](WatchId id) { return !_engine.isLeaving(id); });
    std::optional<SteadyTime> next;
    for (auto& [id, share] : _shares)
    {
        if (share.open)
        {
            const ShareSync* running = _engine.share(id);
            if (running != nullptr && running->isRunning() && _watchers.coverage(id).rootLost)
            {
                _engine.share(id)->onRootLost();
            }
            if (running == nullptr || !running->isRunning())
            {
                share.problem = running == nullptr ? std::string() : running->problem();
                close(id, share);
                share.retryAt = now + SyncEngine::kStartRetry;
            }
            else
            {
                tellCoverage(id, share);
            }
        }
        // While jobs of an earlier opening are out, the folder is still in their hands.
        if (!share.open && now >= share.retryAt && _closing.empty())
        {
            open(id, share);
        }
        if (!share.open)
        {
            const SteadyTime due = std::max(share.retryAt, now + std::chrono::milliseconds(100));
            next = std::min(next.value_or(due), due);
        }
    }
    return next;
}

void ShareSet::open(WatchId id, Share& share)
{
    share.retryAt = _clock.steady() + SyncEngine::kStartRetry;
    std::string problem;
    try
    {
        ShareOptions options;
        options.name = share.config.name;
        options.agent = _agent;
        options.mode = share.config.mode;
        options.modes.specialBits = share.config.specialBits;
        options.ignore = share.config.ignore;
        options.boot = bootId();
        SyncEngine::ShareEvents events;
        events.onRules = [this, id](const IgnoreRules& rules) {
            _watchers.setIgnored(id, predicateOf(rules));
        };
        events.onScanned = [this, id](SteadyTime duration) {
            _watchers.noteScan(id, duration);
        };
        share.open = true;
        if (_engine.addShare(id,
                             std::move(options),
                             std::make_shared<PosixFileSystem>(share.config.path),
                             std::move(events)))
        {
            if (share.config.mode != ShareMode::Receive)
            {
                _watchers.setMode(id, share.config.watch);
                _watchers.setPoll(id, share.config.poll);
                _watchers.add(id, share.config.path, predicateOf(_engine.share(id)->rules()));
            }
            ShareLog(_log, share.config.name)
                .information(share.config.name + ": keeping " + share.config.path +
                                 " in step with the relay",
                             {.event = LogEvent::ShareStarted});
            share.problem.clear();
            return;
        }
        problem = _engine.share(id)->problem();
    }
    catch (const StorageError& error)
    {
        problem = error.what();
    }
    close(id, share);
    if (share.problem != problem)
    {
        ShareLog(_log, share.config.name)
            .error(share.config.name + ": " + problem +
                       "; nothing is touched, the share goes on when that is mended",
                   {.event = LogEvent::ShareStopped});
        share.problem = problem;
    }
}

std::string ShareSet::status(bool connected) const
{
    std::string text = connected ? "" : "no connection to the relay; ";
    const char* separator = "";
    for (const auto& [id, share] : _shares)
    {
        const ShareSync* running = share.open ? _engine.share(id) : nullptr;
        text += separator + share.config.name;
        separator = ", ";
        if (running == nullptr)
        {
            text += " stopped (" + share.problem + ")";
        }
        else if (running->isSettled())
        {
            text += " up to date";
        }
        else
        {
            text += connected ? " at work" : " waits";
        }
    }
    return text;
}

/// What is not watched, once for each state of affairs.
void ShareSet::tellCoverage(WatchId id, Share& share)
{
    const WatchCoverage coverage = _watchers.coverage(id);
    if (coverage.problem != share.coverage)
    {
        share.coverage = coverage.problem;
        if (!share.coverage.empty())
        {
            ShareLog(_log, share.config.name)
                .warning(share.config.name + ": " + share.coverage,
                         {.event = LogEvent::WatchLimited});
        }
    }
    if (ShareSync* running = _engine.share(id))
    {
        running->setPolled(coverage.polled > 0);
    }
}

} // namespace tidewire
