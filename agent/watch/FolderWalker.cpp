// Puts watches on folders: finds new ones, shares out the budget, polls the rest in turn.

#include "agent/watch/FolderWalker.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <vector>

namespace tidewire {

namespace {

constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();

// The kernel's queue holds 16384 events (fs.inotify.max_queued_events); watches that ended longer
// ago than that have no unread events.
constexpr std::size_t kMaxEnded = 65536;

// Times on a disk can be anything; these are kept within a range that arithmetic can bear.
constexpr std::int64_t kLongAgoSeconds = 4'000'000'000;

} // namespace

bool isShut(const WatchRoot& root, const RelativePath& folder)
{
    return !folder.isRoot() && (folder.isPrivate() || (root.ignored && root.ignored(folder)));
}

FolderWalker::FolderWalker(WatchPort& port,
                           const Clock& clock,
                           const WalkLimits& limits,
                           HintBatch& hints):
    _port(port),
    _clock(clock),
    _limits(limits),
    _hints(hints)
{
}

void FolderWalker::walkSoon(WatchNode& node)
{
    enqueue(node, WatchNode::Queue::Walk, kFirst);
}

void FolderWalker::walkAll(WatchNode& top)
{
    std::int64_t rank = 0;
    for (WatchNode* node : WatchTree::subtreeOf(top))
    {
        enqueue(*node, WatchNode::Queue::Walk, rank++);
    }
}

void FolderWalker::walkLater(WatchNode& node)
{
    enqueue(node, WatchNode::Queue::Later, kFirst);
}

void FolderWalker::forgetChild(WatchNode& node)
{
    forget(WatchTree::detach(node));
}

void FolderWalker::forget(std::unique_ptr<WatchNode> top)
{
    dismantle(*top);
}

void FolderWalker::onWatchEnded(int wd)
{
    for (WatchNode* node : _tree.ownersOf(wd))
    {
        (void)_tree.unbind(*node);
        walkSoon(*node);
    }
    _ended.erase(wd);
}

void FolderWalker::loseRoot(WatchRoot& root)
{
    dismantle(*root.top);
    root.isLost = true;
    root.isBuilding = false;
    _hints.add(root.id, RelativePath(), HintScope::Subtree, HintTiming::Settled);
}

void FolderWalker::onDrained()
{
    for (WatchNode* node : std::vector<WatchNode*>(_later.begin(), _later.end()))
    {
        walkSoon(*node);
    }
}

void FolderWalker::step()
{
    takePollTurn();
    for (std::size_t i = 0; i < _limits.batch && !_walk.empty(); ++i)
    {
        WatchNode& node = **_walk.begin();
        dequeue(node);
        walk(node);
    }
    hintFresh();
}

SteadyTime FolderWalker::pollCycle() const
{
    return std::max(_limits.pollCycle, _limits.pollStep * static_cast<std::int64_t>(_poll.size()));
}

void FolderWalker::enqueue(WatchNode& node, WatchNode::Queue queue, std::int64_t rank)
{
    dequeue(node);
    node.queue = queue;
    node.rank = rank;
    switch (queue)
    {
    case WatchNode::Queue::None:
        return;
    case WatchNode::Queue::Walk:
        _walk.insert(&node);
        ++node.root->due;
        return;
    case WatchNode::Queue::Later:
        _later.insert(&node);
        ++node.root->due;
        return;
    case WatchNode::Queue::Poll:
        _poll.insert(&node);
        ++node.root->polled;
        return;
    }
}

void FolderWalker::dequeue(WatchNode& node)
{
    switch (node.queue)
    {
    case WatchNode::Queue::None:
        return;
    case WatchNode::Queue::Walk:
        _walk.erase(&node);
        --node.root->due;
        break;
    case WatchNode::Queue::Later:
        _later.erase(&node);
        --node.root->due;
        break;
    case WatchNode::Queue::Poll:
        _poll.erase(&node);
        --node.root->polled;
        break;
    }
    node.queue = WatchNode::Queue::None;
}

void FolderWalker::poll(WatchNode& node, int why)
{
    node.root->shortage = why;
    if (_poll.empty())
    {
        _lastPoll = _clock.steady();
    }
    enqueue(node, WatchNode::Queue::Poll, ++_turn);
}

std::optional<SteadyTime> FolderWalker::nextPoll() const
{
    if (_poll.empty())
    {
        return std::nullopt;
    }
    return _lastPoll + pollCycle() / static_cast<std::int64_t>(_poll.size());
}

void FolderWalker::takePollTurn()
{
    const SteadyTime now = _clock.steady();
    const auto next = nextPoll();
    if (next && now >= *next)
    {
        _lastPoll = now;
        _coldest.reset();
        walkSoon(**_poll.begin());
    }
}

void FolderWalker::walk(WatchNode& node)
{
    WatchRoot& root = *node.root;
    const auto path = WatchTree::pathOf(node);
    if (!path)
    {
        WatchTree::topOf(node).isDisturbed = true;
        return;
    }
    if (isShut(root, *path))
    {
        root.hasIgnored = true;
        forgetChild(node);
        return;
    }
    node.isDenied = false;
    const OpenedFolder opened =
        _port.open(root.path, *path, node.parent == nullptr ? 0 : node.parent->inode);
    switch (opened.result)
    {
    case LookResult::Folder:
        take(node, *opened.folder, *path);
        return;
    case LookResult::Behind:
        // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): the root has nothing before it
        walkLater(*node.parent);
        return;
    case LookResult::Gone:
        if (path->isRoot())
        {
            loseRoot(root);
            return;
        }
        _hints.add(root.id, *path, HintScope::Subtree, HintTiming::Settled);
        forgetChild(node);
        return;
    case LookResult::Denied:
        // The watch, when there is one, goes on. A change of permissions will be told by it, or by
        // that of the folder above.
        node.isDenied = true;
        if (node.parent != nullptr)
        {
            node.parent->isDenied = true;
        }
        _fresh.insert(&node);
        return;
    case LookResult::Failed:
        poll(node, opened.error);
        _fresh.insert(&node);
        return;
    }
}

void FolderWalker::take(WatchNode& node, WatchableFolder& folder, const RelativePath& path)
{
    WatchRoot& root = *node.root;
    const FolderInfo info = folder.info();
    if (path.isRoot() && !info.isSame(root.info))
    {
        loseRoot(root);
        return;
    }
    if (info.device != root.info.device)
    {
        forgetChild(node);
        return;
    }
    if (node.inode != info.inode)
    {
        // What is known below belongs to another folder that stood here.
        for (WatchNode* child : WatchTree::childrenOf(node))
        {
            forgetChild(*child);
        }
        unwatch(node);
        node.inode = info.inode;
    }
    warm(node, info);
    _fresh.insert(&node);
    if (node.wd < 0 && !makeRoom(node))
    {
        poll(node, ENOSPC);
        return;
    }
    const int wd = folder.watch();
    if (wd < 0)
    {
        unwatch(node);
        poll(node, -wd);
        return;
    }
    if (wd != node.wd)
    {
        unwatch(node);
        _tree.bind(node, wd);
        _ended.erase(wd);
        _coldest = _coldest ? std::min(*_coldest, node.lastActive) : _coldest;
    }
    list(node, folder, path);
}

void FolderWalker::list(WatchNode& node, WatchableFolder& folder, const RelativePath& path)
{
    for (const auto& child : node.children)
    {
        child->isSeen = false;
    }
    const int code = folder.list(
        [&](std::string_view name, const FolderInfo& info) { meetChild(node, path, name, info); });
    if (code == EACCES)
    {
        // As above: what is known below stays, and a change of permissions will be told.
        node.isDenied = true;
        return;
    }
    if (code != 0)
    {
        poll(node, code);
        return;
    }
    for (WatchNode* child : WatchTree::childrenOf(node))
    {
        if (!child->isSeen)
        {
            forgetChild(*child);
        }
    }
}

void FolderWalker::meetChild(WatchNode& node,
                             const RelativePath& path,
                             std::string_view name,
                             const FolderInfo& info)
{
    const auto childPath = RelativePath::join(path, name);
    if (!childPath || childPath->isPrivate() || info.device != node.root->info.device)
    {
        return;
    }
    if (isShut(*node.root, *childPath))
    {
        node.root->hasIgnored = true;
        return;
    }
    WatchNode* child = WatchTree::childOf(node, name);
    if (child == nullptr)
    {
        child = &WatchTree::addChild(node, name);
    }
    child->isSeen = true;
    const bool isRight = child->wd >= 0 && child->inode == info.inode;
    if (!isRight && child->queue == WatchNode::Queue::None)
    {
        enqueue(*child,
                WatchNode::Queue::Walk,
                -std::clamp(info.mtimeSeconds, -kLongAgoSeconds, kLongAgoSeconds));
    }
}

bool FolderWalker::makeRoom(const WatchNode& node)
{
    if (_tree.watchCount() >= _budget)
    {
        _budget = _port.budget();
    }
    if (_tree.watchCount() < _budget)
    {
        return true;
    }
    const SteadyTime warmEnough = node.lastActive - _limits.coldMargin;
    if (_coldest && *_coldest >= warmEnough)
    {
        return false;
    }
    WatchNode* victim = _tree.coldestLeaf();
    _coldest = victim == nullptr ? SteadyTime::max() : victim->lastActive;
    if (*_coldest >= warmEnough)
    {
        return false;
    }
    unwatch(*victim);
    poll(*victim, ENOSPC);
    return true;
}

void FolderWalker::warm(WatchNode& node, const FolderInfo& info) const
{
    const std::int64_t mtime = std::clamp(info.mtimeSeconds, -kLongAgoSeconds, kLongAgoSeconds);
    const auto age = std::max<std::int64_t>(0, _clock.wallSeconds() - mtime);
    const SteadyTime changed = _clock.steady() - std::chrono::seconds(age);
    node.lastActive = node.wd < 0 ? changed : std::max(node.lastActive, changed);
}

void FolderWalker::unwatch(WatchNode& node)
{
    if (const auto wd = _tree.unbind(node))
    {
        _port.unwatch(*wd);
        if (_ended.size() >= kMaxEnded)
        {
            _ended.clear();
        }
        _ended.insert(*wd);
    }
}

void FolderWalker::dismantle(WatchNode& top)
{
    // Children first and without recursion: a tree can be deeper than the stack.
    std::vector<WatchNode*> nodes = WatchTree::subtreeOf(top);
    std::ranges::reverse(nodes);
    for (WatchNode* node : nodes)
    {
        dequeue(*node);
        unwatch(*node);
        _fresh.erase(node);
        node->children.clear();
    }
}

void FolderWalker::hintFresh()
{
    for (const WatchNode* node : _fresh)
    {
        const bool isCovered = node->parent != nullptr && _fresh.contains(node->parent);
        const auto path = WatchTree::pathOf(*node);
        if (!isCovered && path && !node->root->isBuilding)
        {
            _hints.add(node->root->id, *path, HintScope::Subtree, HintTiming::Settled);
        }
    }
    _fresh.clear();
}

} // namespace tidewire
