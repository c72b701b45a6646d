// Turns inotify events into hints and keeps the watch tree right; the passive heart of the watcher.

#include "agent/watch/WatchTracker.h"

#include "agent/watch/WatchProblem.h"
#include "shared/base/Errors.h"

#include <sys/inotify.h>

#include <algorithm>

namespace tidewire {

WatchTracker::WatchTracker(WatchPort& port, const Clock& clock, const TrackerOptions& options):
    _port(port),
    _clock(clock),
    _options(options),
    _walker(port, clock, options.walk, _hints)
{
}

void WatchTracker::addRoot(WatchId id, const std::string& path, IgnorePredicate ignored)
{
    removeRoot(id);
    const OpenedFolder opened = _port.open(path, RelativePath(), 0);
    if (opened.result != LookResult::Folder)
    {
        throw StorageError("watch", path, opened.error);
    }
    auto root = std::make_unique<WatchRoot>();
    root->id = id;
    root->path = path;
    root->ignored = std::move(ignored);
    root->info = opened.folder->info();
    root->mounts = mountsAround(_mounts, path);
    root->top = std::make_unique<WatchNode>();
    root->top->root = root.get();
    root->top->inode = root->info.inode;
    _walker.walkSoon(*root->top);
    _roots[id] = std::move(root);
}

void WatchTracker::removeRoot(WatchId id)
{
    const auto found = _roots.find(id);
    if (found == _roots.end())
    {
        return;
    }
    giveUp(_moves.takeOf(id));
    _walker.forget(std::move(found->second->top));
    _hints.drop(id);
    _roots.erase(found);
}

void WatchTracker::setIgnored(WatchId id, IgnorePredicate ignored)
{
    const auto found = _roots.find(id);
    if (found != _roots.end())
    {
        found->second->ignored = std::move(ignored);
        found->second->hasIgnored = false;
        rebuild(*found->second);
    }
}

void WatchTracker::onEvents(ByteView raw)
{
    InotifyDecoder decoder(raw);
    while (const auto event = decoder.next())
    {
        onEvent(*event);
    }
    if (decoder.isDamaged())
    {
        rescanSoon();
    }
}

void WatchTracker::onEvent(const InotifyEvent& event)
{
    // Before anything else: an overflow has no watch and no name.
    if ((event.mask & IN_Q_OVERFLOW) != 0 || event.wd < 0)
    {
        rescanSoon();
        return;
    }
    if ((event.mask & IN_IGNORED) != 0)
    {
        _walker.onWatchEnded(event.wd);
        return;
    }
    const std::vector<WatchNode*> owners = _walker.tree().ownersOf(event.wd);
    if (owners.empty() && !_walker.isKnownToBeEnded(event.wd))
    {
        rescanSoon();
    }
    for (WatchNode* node : owners)
    {
        // What was done for one owner may have ended another.
        if (!_walker.tree().isOwner(event.wd, node))
        {
            continue;
        }
        node->lastActive = _clock.steady();
        if (event.name.empty())
        {
            onSelf(*node, event);
        }
        else
        {
            onNamed(*node, event);
        }
    }
}

void WatchTracker::onSelf(WatchNode& node, const InotifyEvent& event)
{
    WatchRoot& root = *node.root;
    if ((event.mask & IN_UNMOUNT) != 0)
    {
        _walker.loseRoot(root);
    }
    else if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0)
    {
        // Of other folders the folder above tells.
        if (&node == root.top.get())
        {
            _walker.walkSoon(node);
        }
    }
    else if (const auto path = WatchTree::pathOf(node))
    {
        onPermissions(node, &node, *path);
    }
}

void WatchTracker::onNamed(WatchNode& node, const InotifyEvent& event)
{
    const bool isFolder = (event.mask & IN_ISDIR) != 0;
    const auto folder = WatchTree::pathOf(node);
    if (!folder)
    {
        // Moved away a moment ago: hinted at as a whole when it arrives, if ever.
        WatchNode& top = WatchTree::topOf(node);
        top.isDisturbed = top.isDisturbed || isFolder;
        return;
    }
    const auto path = RelativePath::join(*folder, event.name);
    if (!path || path->isPrivate())
    {
        return;
    }
    if (isFolder)
    {
        onFolder(node, *path, event);
    }
    else
    {
        onFile(node, *path, event);
    }
}

void WatchTracker::onFolder(WatchNode& node, const RelativePath& path, const InotifyEvent& event)
{
    if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0)
    {
        onFolderArrived(node, path, event);
    }
    else if ((event.mask & IN_MOVED_FROM) != 0)
    {
        depart(node, path, HintScope::Subtree, event.cookie, takeIfGone(node, path));
    }
    else if ((event.mask & IN_DELETE) != 0)
    {
        if (std::unique_ptr<WatchNode> gone = takeIfGone(node, path))
        {
            _walker.forget(std::move(gone));
        }
        hint(node, path, HintScope::Subtree, HintTiming::Settled);
    }
    else
    {
        onPermissions(node, WatchTree::childOf(node, event.name), path);
    }
}

void WatchTracker::onPermissions(const WatchNode& known,
                                 WatchNode* folder,
                                 const RelativePath& path)
{
    hint(known, path, HintScope::Entry, HintTiming::Settled);
    if (folder != nullptr && folder->isDenied)
    {
        _walker.walkSoon(*folder);
    }
}

void WatchTracker::onFolderArrived(WatchNode& node,
                                   const RelativePath& path,
                                   const InotifyEvent& event)
{
    std::unique_ptr<WatchNode> moved;
    if ((event.mask & IN_MOVED_TO) != 0)
    {
        moved = arrivals(*node.root, event.cookie);
    }
    if (moved != nullptr && adopt(node, path, std::move(moved)))
    {
        return;
    }
    WatchNode* child = WatchTree::childOf(node, event.name);
    _walker.walkSoon(child != nullptr ? *child : WatchTree::addChild(node, event.name));
}

void WatchTracker::onFile(WatchNode& node, const RelativePath& path, const InotifyEvent& event)
{
    HintTiming timing = HintTiming::Settled;
    if ((event.mask & IN_MOVED_FROM) != 0)
    {
        depart(node, path, HintScope::Entry, event.cookie, nullptr);
        return;
    }
    if ((event.mask & IN_MOVED_TO) != 0)
    {
        giveUp(_moves.take(event.cookie));
    }
    if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0)
    {
        if (std::unique_ptr<WatchNode> gone = takeIfGone(node, path))
        {
            _walker.forget(std::move(gone));
        }
    }
    if ((event.mask & IN_MODIFY) != 0 ||
        ((event.mask & IN_CREATE) != 0 && _port.willBeClosed(node.root->path, path)))
    {
        timing = HintTiming::Writing;
    }
    hint(node, path, HintScope::Entry, timing);
}

std::unique_ptr<WatchNode> WatchTracker::arrivals(const WatchRoot& root, std::uint32_t cookie)
{
    std::unique_ptr<WatchNode> moved;
    std::vector<Departure> departures = _moves.take(cookie);
    for (Departure& departure : departures)
    {
        // Between shares the rules differ, so there the folder is walked as a new one.
        if (departure.node != nullptr && departure.node->root == &root && moved == nullptr)
        {
            moved = std::move(departure.node);
        }
    }
    giveUp(std::move(departures));
    return moved;
}

bool WatchTracker::adopt(WatchNode& parent,
                         const RelativePath& path,
                         std::unique_ptr<WatchNode> node)
{
    const WatchRoot& root = *parent.root;
    const bool isWatched = node->wd >= 0;
    if (isShut(root, path) || !isWatched || placeOf(*node, path, parent) != Place::Same)
    {
        _walker.forget(std::move(node));
        return false;
    }
    if (WatchNode* displaced = WatchTree::childOf(parent, path.name()))
    {
        _walker.forgetChild(*displaced);
    }
    WatchNode& moved = *node;
    WatchTree::attach(parent, path.name(), std::move(node));
    if (moved.isDisturbed || root.hasIgnored)
    {
        moved.isDisturbed = false;
        _walker.walkAll(moved);
    }
    hint(parent, path, HintScope::Subtree, HintTiming::Settled);
    return true;
}

WatchTracker::Place
WatchTracker::placeOf(const WatchNode& node, const RelativePath& path, WatchNode& parent)
{
    FolderInfo info;
    const LookResult result = _port.look(parent.root->path, path, parent.inode, info);
    if (result == LookResult::Behind)
    {
        _walker.walkLater(parent);
    }
    if (result != LookResult::Folder)
    {
        return Place::None;
    }
    const FolderInfo known{parent.root->info.device, node.inode, 0};
    return info.isSame(known) ? Place::Same : Place::Other;
}

std::unique_ptr<WatchNode> WatchTracker::takeIfGone(WatchNode& parent, const RelativePath& path)
{
    // The event can be older than what the tree knows of the name: then the folder stays.
    WatchNode* child = WatchTree::childOf(parent, path.name());
    const Place place = child == nullptr ? Place::Same : placeOf(*child, path, parent);
    if (place == Place::Same)
    {
        return nullptr;
    }
    std::unique_ptr<WatchNode> gone = WatchTree::detach(*child);
    if (place == Place::Other)
    {
        _walker.walkSoon(WatchTree::addChild(parent, path.name()));
    }
    return gone;
}

void WatchTracker::depart(const WatchNode& parent,
                          const RelativePath& path,
                          HintScope scope,
                          std::uint32_t cookie,
                          std::unique_ptr<WatchNode> node)
{
    _moves.depart(cookie,
                  _clock.steady() + _options.moveExpiry,
                  {parent.root->id, path, scope, std::move(node)});
}

void WatchTracker::giveUp(std::vector<Departure> departures)
{
    for (Departure& departure : departures)
    {
        _hints.add(departure.watch, departure.path, departure.scope, HintTiming::Settled);
        if (departure.node != nullptr)
        {
            _walker.forget(std::move(departure.node));
        }
    }
}

void WatchTracker::hint(const WatchNode& node,
                        const RelativePath& path,
                        HintScope scope,
                        HintTiming timing)
{
    _hints.add(node.root->id, path, scope, timing);
}

void WatchTracker::onMounts(std::string_view mountinfo)
{
    _mounts = parseMounts(mountinfo);
    for (const auto& [id, root] : _roots)
    {
        std::vector<Mount> mounts = mountsAround(_mounts, root->path);
        if (mounts != root->mounts)
        {
            root->mounts = std::move(mounts);
            rebuild(*root);
        }
    }
}

void WatchTracker::rescanSoon()
{
    if (!_rescanDue)
    {
        const SteadyTime now = _clock.steady();
        _rescanDue = _lastRescan ? std::max(now, *_lastRescan + _options.rescanPause) : now;
    }
}

void WatchTracker::rescanIfDue()
{
    const SteadyTime now = _clock.steady();
    const bool isBuilding =
        std::ranges::any_of(_roots, [](const auto& entry) { return entry.second->isBuilding; });
    if (!_rescanDue || now < *_rescanDue || isBuilding)
    {
        return;
    }
    _rescanDue.reset();
    _lastRescan = now;
    for (const auto& [id, root] : _roots)
    {
        rebuild(*root);
    }
}

void WatchTracker::rebuild(WatchRoot& root)
{
    if (!root.isLost)
    {
        root.isBuilding = true;
        root.hintWhenBuilt = true;
        _walker.walkAll(*root.top);
    }
}

void WatchTracker::step()
{
    giveUp(_moves.takeExpired(_clock.steady()));
    rescanIfDue();
    _walker.step();
    for (const auto& [id, root] : _roots)
    {
        if (root->isBuilding && root->due == 0)
        {
            root->isBuilding = false;
            if (root->hintWhenBuilt)
            {
                root->hintWhenBuilt = false;
                _hints.add(id, RelativePath(), HintScope::Subtree, HintTiming::Settled);
            }
        }
    }
}

std::optional<SteadyTime> WatchTracker::deadline() const
{
    if (_walker.hasWork())
    {
        return SteadyTime::min();
    }
    std::optional<SteadyTime> first;
    for (const auto& next : {_moves.deadline(), _walker.nextPoll(), _rescanDue})
    {
        if (next && (!first || *next < *first))
        {
            first = next;
        }
    }
    return first;
}

bool WatchTracker::isComplete(WatchId id) const
{
    const auto found = _roots.find(id);
    return found == _roots.end() || !found->second->isBuilding;
}

WatchCoverage WatchTracker::coverage(WatchId id) const
{
    WatchCoverage coverage;
    const auto found = _roots.find(id);
    if (found == _roots.end())
    {
        return coverage;
    }
    const WatchRoot& root = *found->second;
    coverage.watched = root.watched;
    coverage.polled = root.polled;
    coverage.rootLost = root.isLost;
    if (root.isLost)
    {
        coverage.problem = rootLostProblem(root.path);
    }
    else if (root.polled > 0)
    {
        std::uint64_t polled = 0;
        for (const auto& [other, each] : _roots)
        {
            polled += each->polled;
        }
        coverage.problem = shortageProblem({root.shortage,
                                            _walker.tree().watchCount(),
                                            _walker.budget(),
                                            polled,
                                            _walker.pollCycle()});
    }
    return coverage;
}

} // namespace tidewire
