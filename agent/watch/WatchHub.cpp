// Chooses the watcher for each folder.

#include "agent/watch/WatchHub.h"

#include "shared/base/Errors.h"

#include <utility>

namespace tidewire {

WatchHub::WatchHub(HintSink sink, const Clock& clock, WatchHubOptions options):
    _sink(std::move(sink)),
    _clock(clock),
    _options(std::move(options))
{
}

void WatchHub::setMode(WatchId id, WatchMode mode)
{
    const std::scoped_lock lock(_mutex);
    _modes[id] = mode;
}

void WatchHub::setPoll(WatchId id, SteadyTime interval)
{
    const std::scoped_lock lock(_mutex);
    _polls[id] = interval;
}

void WatchHub::add(WatchId id, const std::string& root, IgnorePredicate ignored)
{
    remove(id);
    const Choice choice = choose(id, root);
    choice.watcher->add(id, root, std::move(ignored));

    const std::scoped_lock lock(_mutex);
    _choices[id] = choice;
}

void WatchHub::remove(WatchId id)
{
    if (Watcher* watcher = watcherOf(id))
    {
        watcher->remove(id);
    }
    const std::scoped_lock lock(_mutex);
    _choices.erase(id);
}

void WatchHub::setIgnored(WatchId id, IgnorePredicate ignored)
{
    if (Watcher* watcher = watcherOf(id))
    {
        watcher->setIgnored(id, std::move(ignored));
    }
}

WatchCoverage WatchHub::coverage(WatchId id) const
{
    Choice choice;
    {
        const std::scoped_lock lock(_mutex);
        const auto found = _choices.find(id);
        if (found == _choices.end())
        {
            return {};
        }
        choice = found->second;
    }
    WatchCoverage coverage = choice.watcher->coverage(id);
    if (coverage.problem.empty())
    {
        coverage.problem = choice.reason;
    }
    return coverage;
}

void WatchHub::noteScan(WatchId id, SteadyTime duration)
{
    if (Watcher* watcher = watcherOf(id))
    {
        watcher->noteScan(id, duration);
    }
}

std::unique_ptr<Watcher> WatchHub::makeNative() const
{
    return _options.makeNative ? _options.makeNative(_sink)
                               : std::make_unique<InotifyWatcher>(_sink, _clock, _options.inotify);
}

WatchHub::Choice WatchHub::choose(WatchId id, const std::string& root)
{
    // A server that does not answer must not hold up the other shares.
    const char* const blind = blindFilesystem(_options.magicOf(root));

    const std::scoped_lock lock(_mutex);
    const auto mode = _modes.find(id);
    const WatchMode wanted = mode == _modes.end() ? WatchMode::Auto : mode->second;
    Choice choice;
    if (wanted == WatchMode::Native || (wanted == WatchMode::Auto && blind == nullptr))
    {
        try
        {
            if (_native == nullptr)
            {
                _native = makeNative();
            }
            choice.watcher = _native.get();
            return choice;
        }
        catch (const StorageError& error)
        {
            choice.reason = std::string("polled: ") + error.what();
        }
    }
    else if (wanted == WatchMode::Auto)
    {
        choice.reason = std::string("polled: ") + blind + " does not tell of all changes";
    }
    if (_poller == nullptr)
    {
        _poller = std::make_unique<PollingWatcher>(_sink, _clock, _options.polling);
    }
    if (const auto poll = _polls.find(id); poll != _polls.end())
    {
        _poller->setShortest(id, poll->second);
    }
    choice.watcher = _poller.get();
    return choice;
}

Watcher* WatchHub::watcherOf(WatchId id) const
{
    const std::scoped_lock lock(_mutex);
    const auto found = _choices.find(id);
    return found == _choices.end() ? nullptr : found->second.watcher;
}

} // namespace tidewire
