// What a file system in memory consists of: nodes, and what of them would survive a power cut.

#include "tests/support/MemoryDisk.h"

#include <utility>

namespace tidewire {

namespace {

/// Every change gets a time of its own, one nanosecond after the one before.
MemoryDisk::TimeSource risingTime()
{
    return [next = std::uint64_t{1'700'000'000'000'000'000}]() mutable {
        const std::uint64_t value = next++;
        return FileTime{static_cast<std::int64_t>(value / 1'000'000'000),
                        static_cast<std::uint32_t>(value % 1'000'000'000)};
    };
}

} // namespace

MemoryNode::~MemoryNode()
{
    for (const auto& [name, child] : durableChildren)
    {
        if (child->durablePlace.parent == this)
        {
            child->durablePlace = {};
        }
    }
}

FileStat MemoryNode::stat() const
{
    FileStat result;
    result.kind = kind;
    result.mode = now.mode;
    result.size = kind == FileKind::Symlink ? now.target.size() : now.content.size();
    result.mtime = now.mtime;
    result.ctime = now.ctime;
    result.device = device;
    result.inode = inode;
    return result;
}

MemoryDisk::MemoryDisk(TimeSource timeSource):
    _timeSource(timeSource ? std::move(timeSource) : risingTime()),
    _root(makeNode(FileKind::Directory, 0755))
{
}

std::shared_ptr<MemoryNode> MemoryDisk::makeNode(FileKind kind, std::uint32_t mode)
{
    auto node = std::make_shared<MemoryNode>();
    node->kind = kind;
    node->device = kDevice;
    node->inode = ++_lastInode;
    node->now.mode = mode & 07777U;
    touchContent(*node);
    node->durable = node->now;
    return node;
}

void MemoryDisk::attach(const MemoryNode::Place& place, const std::shared_ptr<MemoryNode>& node)
{
    place.parent->children[place.name] = node;
    node->place = place;
    touchContent(*place.parent);
    touchInode(*node);
}

void MemoryDisk::detach(MemoryNode& node)
{
    const std::shared_ptr<MemoryNode> alive = node.shared_from_this();
    const MemoryNode::Place place = std::exchange(node.place, {});
    place.parent->children.erase(place.name);
    touchContent(*place.parent);
    touchInode(node);
}

void MemoryDisk::touchContent(MemoryNode& node)
{
    node.now.mtime = _timeSource();
    node.now.ctime = node.now.mtime;
}

void MemoryDisk::touchInode(MemoryNode& node)
{
    node.now.ctime = _timeSource();
}

void MemoryDisk::syncNames(MemoryNode& folder)
{
    folder.durable = folder.now;
    // Copies, for settling changes the maps.
    const MemoryNode::Children before = folder.durableChildren;
    const MemoryNode::Children after = folder.children;
    for (const auto& [name, node] : before)
    {
        settle(node);
    }
    for (const auto& [name, node] : after)
    {
        settle(node);
    }
}

/// Makes the place where the node stands its durable one, and with it every earlier step without
/// which that would lose another node.
void MemoryDisk::settle(const std::shared_ptr<MemoryNode>& node)
{
    if (node->place == node->durablePlace)
    {
        return;
    }
    const std::shared_ptr<MemoryNode> alive = node;
    const MemoryNode::Place old = std::exchange(alive->durablePlace, {});
    if (old.parent != nullptr)
    {
        old.parent->durableChildren.erase(old.name);
    }
    const MemoryNode::Place place = alive->place;
    if (place.parent == nullptr)
    {
        // Removed: what was in it durably had been removed or moved away before.
        const MemoryNode::Children gone = alive->durableChildren;
        for (const auto& [name, child] : gone)
        {
            settle(child);
        }
        return;
    }
    if (const auto there = place.parent->durableChildren.find(place.name);
        there != place.parent->durableChildren.end())
    {
        settle(std::shared_ptr<MemoryNode>(there->second));
    }
    place.parent->durableChildren[place.name] = alive;
    alive->durablePlace = place;
    if (old.parent != nullptr)
    {
        // It was safe before: it must not have moved into a folder that a power cut takes away.
        for (MemoryNode* folder = place.parent; folder->place.parent != nullptr;
             folder = folder->place.parent)
        {
            settle(folder->shared_from_this());
        }
    }
}

void MemoryDisk::syncAll()
{
    persist(*_root);
}

void MemoryDisk::persist(MemoryNode& node)
{
    node.durable = node.now;
    node.durablePlace = node.place;
    node.durableChildren = node.children;
    for (const auto& [name, child] : node.children)
    {
        persist(*child);
    }
}

void MemoryDisk::crash()
{
    ++_generation;
    restore(*_root);
}

void MemoryDisk::restore(MemoryNode& node)
{
    node.now = node.durable;
    node.place = node.durablePlace;
    node.children = node.durableChildren;
    node.writers = 0;
    node.isLocked = false;
    for (const auto& [name, child] : node.children)
    {
        restore(*child);
    }
}

void MemoryDisk::setHook(Hook hook)
{
    const std::unique_lock lock(mutex);
    _hook = hook ? std::make_shared<const Hook>(std::move(hook)) : nullptr;
}

void MemoryDisk::runHook(std::string_view operation, const RelativePath& path)
{
    std::shared_ptr<const Hook> hook;
    {
        const std::unique_lock lock(mutex);
        hook = _hook;
    }
    if (hook)
    {
        (*hook)(operation, path);
    }
}

} // namespace tidewire
