// Watches folders by having them scanned again and again.

#include "agent/watch/PollingWatcher.h"

#include "agent/watch/RootPath.h"
#include "agent/watch/WatchProblem.h"
#include "shared/base/Errors.h"

#include <pthread.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tidewire {

namespace {

constexpr int kScanShare = 10;

// 0, or the errno.
int statFolder(const std::string& path, FolderInfo& info)
{
    struct stat status
    {
    };
    if (::stat(path.c_str(), &status) != 0)
    {
        return errno;
    }
    info.device = static_cast<std::uint64_t>(status.st_dev);
    info.inode = static_cast<std::uint64_t>(status.st_ino);
    return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
}

} // namespace

SteadyTime pollInterval(SteadyTime duration, const PollingOptions& options)
{
    // Bounded first: the product must not overflow.
    const SteadyTime bounded = std::clamp(duration, SteadyTime(0), options.longest);
    return std::clamp(bounded * kScanShare, options.shortest, options.longest);
}

PollingWatcher::PollingWatcher(HintSink sink, const Clock& clock, const PollingOptions& options):
    _sink(std::move(sink)),
    _clock(clock),
    _options(options)
{
    _thread = std::thread([this] { run(); });
    ::pthread_setname_np(_thread.native_handle(), "tw-poll");
}

PollingWatcher::~PollingWatcher()
{
    {
        const std::scoped_lock lock(_mutex);
        _stopping = true;
        _changed.notify_all();
    }
    _thread.join();
}

void PollingWatcher::setShortest(WatchId id, SteadyTime shortest)
{
    const std::scoped_lock lock(_mutex);
    _shortest[id] = shortest;
}

void PollingWatcher::add(WatchId id, const std::string& root, IgnorePredicate /*ignored*/)
{
    Folder folder;
    folder.path = realRoot(root);
    if (const int code = statFolder(folder.path, folder.info); code != 0)
    {
        throw StorageError("watch", folder.path, code);
    }

    const std::scoped_lock lock(_mutex);
    folder.options = _options;
    if (const auto shortest = _shortest.find(id); shortest != _shortest.end())
    {
        folder.options.shortest = shortest->second;
        folder.options.longest = std::max(_options.longest, shortest->second);
    }
    folder.interval = folder.options.shortest;
    folder.due = _clock.steady() + folder.interval;
    folder.number = ++_lastNumber;
    _folders[id] = std::move(folder);
    _changed.notify_all();
}

void PollingWatcher::remove(WatchId id)
{
    std::unique_lock lock(_mutex);
    const auto found = _folders.find(id);
    if (found == _folders.end())
    {
        return;
    }
    const std::uint64_t number = found->second.number;
    _folders.erase(found);
    _changed.wait(lock, [&] { return _hinting != number; });
}

void PollingWatcher::setIgnored(WatchId id, IgnorePredicate /*ignored*/)
{
    const std::scoped_lock lock(_mutex);
    const auto found = _folders.find(id);
    if (found != _folders.end())
    {
        found->second.due = _clock.steady();
        _changed.notify_all();
    }
}

WatchCoverage PollingWatcher::coverage(WatchId id) const
{
    const std::scoped_lock lock(_mutex);
    WatchCoverage coverage;
    const auto found = _folders.find(id);
    if (found != _folders.end())
    {
        coverage.rootLost = found->second.isLost;
        coverage.polled = coverage.rootLost ? 0 : 1;
        coverage.problem = coverage.rootLost ? rootLostProblem(found->second.path) : "";
    }
    return coverage;
}

void PollingWatcher::noteScan(WatchId id, SteadyTime duration)
{
    const std::scoped_lock lock(_mutex);
    const auto found = _folders.find(id);
    if (found != _folders.end())
    {
        Folder& folder = found->second;
        folder.interval = pollInterval(duration, folder.options);
        folder.due = _clock.steady() + folder.interval;
        _changed.notify_all();
    }
}

void PollingWatcher::run()
{
    std::unique_lock lock(_mutex);
    while (!_stopping)
    {
        const auto next = nextDue();
        if (next == _folders.end())
        {
            _changed.wait(lock);
            continue;
        }
        const SteadyTime wait = next->second.due - _clock.steady();
        if (wait > SteadyTime(0))
        {
            _changed.wait_for(lock, wait);
            continue;
        }
        look(lock, next->first);
    }
}

PollingWatcher::FolderMap::iterator PollingWatcher::nextDue()
{
    auto next = _folders.end();
    for (auto at = _folders.begin(); at != _folders.end(); ++at)
    {
        if (!at->second.isLost && (next == _folders.end() || at->second.due < next->second.due))
        {
            next = at;
        }
    }
    return next;
}

void PollingWatcher::look(std::unique_lock<std::mutex>& lock, WatchId id)
{
    const Folder before = _folders.at(id);
    lock.unlock();
    FolderInfo info;
    const int code = statFolder(before.path, info);
    lock.lock();

    const auto found = _folders.find(id);
    if (found == _folders.end() || found->second.number != before.number)
    {
        return;
    }
    Folder& folder = found->second;
    const bool isGone = code == ENOENT || code == ENOTDIR || code == ELOOP;
    folder.isLost = isGone || (code == 0 && !info.isSame(folder.info));
    folder.due = _clock.steady() + folder.interval;
    _hinting = folder.number;
    lock.unlock();
    _sink({id, RelativePath(), HintScope::Subtree, HintTiming::Settled});
    lock.lock();
    _hinting = 0;
    _changed.notify_all();
}

} // namespace tidewire
