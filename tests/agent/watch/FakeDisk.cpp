// A folder tree in memory that reports its changes as inotify does, for tests of the watch tree.

#include "tests/agent/watch/FakeDisk.h"

#include <sys/inotify.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace tidewire {

namespace {

std::string nameOf(const std::string& path)
{
    return path.substr(path.rfind('/') + 1);
}

std::string folderOf(const std::string& path)
{
    return path.substr(0, path.rfind('/'));
}

FolderInfo infoOf(const FakeDisk::Node& node)
{
    return {node.device, node.inode, node.mtime};
}

std::string textOf(const FakeDisk::Node& node)
{
    return node.isFolder ? "folder" : "file " + std::to_string(node.version);
}

void collect(const FakeDisk::Node& node, const std::string& path, MirrorState& state)
{
    for (const auto& [name, child] : node.children)
    {
        const std::string below = path.empty() ? name : path + "/" + name;
        state[below] = textOf(*child);
        collect(*child, below, state);
    }
}

class FakeFolder: public WatchableFolder
{
public:
    FakeFolder(FakeDisk& disk, std::shared_ptr<FakeDisk::Node> node):
        _disk(disk),
        _node(std::move(node))
    {
    }

    [[nodiscard]] FolderInfo info() const override { return infoOf(*_node); }
    [[nodiscard]] int watch() override { return _disk.watch(_node); }

    [[nodiscard]] int
    list(const std::function<void(std::string_view name, const FolderInfo& info)>& each) override
    {
        if (_node->isSealed)
        {
            return _node->children.empty() ? 0 : EACCES;
        }
        for (const auto& [name, child] : _node->children)
        {
            if (child->isFolder)
            {
                each(name, infoOf(*child));
            }
        }
        return _node->isBroken ? EIO : 0;
    }

private:
    FakeDisk& _disk;
    std::shared_ptr<FakeDisk::Node> _node;
};

} // namespace

Bytes rawEvent(int wd, std::uint32_t mask, std::uint32_t cookie, std::string_view name)
{
    inotify_event header{};
    header.wd = wd;
    header.mask = mask;
    header.cookie = cookie;
    // As the kernel does: a NUL, then up to the next multiple of the header's size.
    const std::size_t padded = name.empty() ? 0 : (name.size() / sizeof header + 1) * sizeof header;
    header.len = static_cast<std::uint32_t>(padded);
    Bytes raw(sizeof header + padded);
    std::memcpy(raw.data(), &header, sizeof header);
    if (!name.empty())
    {
        std::memcpy(raw.data() + sizeof header, name.data(), name.size());
    }
    return raw;
}

std::shared_ptr<FakeDisk::Node> FakeDisk::makeTop()
{
    auto top = std::make_shared<Node>();
    top->isFolder = true;
    top->inode = 1;
    return top;
}

std::shared_ptr<FakeDisk::Node> FakeDisk::find(const std::string& path) const
{
    std::shared_ptr<Node> at = _top;
    std::size_t begin = 1;
    while (at != nullptr && begin < path.size())
    {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const auto child = at->children.find(path.substr(begin, end - begin));
        at = child == at->children.end() ? nullptr : child->second;
        begin = end + 1;
    }
    return at;
}

std::shared_ptr<FakeDisk::Node> FakeDisk::holderOf(const std::string& path) const
{
    auto holder = find(folderOf(path));
    if (holder == nullptr || !holder->isFolder)
    {
        throw std::logic_error("no folder for " + path);
    }
    return holder;
}

std::shared_ptr<FakeDisk::Node> FakeDisk::place(const std::string& path, bool isFolder)
{
    auto node = std::make_shared<Node>();
    const auto holder = holderOf(path);
    node->isFolder = isFolder;
    node->inode = _nextInode++;
    node->device = holder->device;
    if (!holder->children.emplace(nameOf(path), node).second)
    {
        throw std::logic_error("exists: " + path);
    }
    return node;
}

void FakeDisk::makeFolder(const std::string& path)
{
    place(path, true);
    report(holderOf(path), IN_CREATE | IN_ISDIR, nameOf(path));
}

void FakeDisk::makeFolders(const std::string& path)
{
    if (!path.empty() && !exists(path))
    {
        makeFolders(folderOf(path));
        makeFolder(path);
    }
}

void FakeDisk::makeFile(const std::string& path)
{
    place(path, false)->version = _nextVersion++;
    report(holderOf(path), IN_CREATE, nameOf(path));
    report(holderOf(path), IN_CLOSE_WRITE, nameOf(path));
}

void FakeDisk::writeFile(const std::string& path)
{
    find(path)->version = _nextVersion++;
    report(holderOf(path), IN_MODIFY, nameOf(path));
    report(holderOf(path), IN_CLOSE_WRITE, nameOf(path));
}

void FakeDisk::changeMode(const std::string& path)
{
    const auto node = find(path);
    report(holderOf(path), IN_ATTRIB | (node->isFolder ? IN_ISDIR : 0U), nameOf(path));
    report(node, IN_ATTRIB | IN_ISDIR);
}

void FakeDisk::remove(const std::string& path)
{
    const auto node = find(path);
    if (!node->children.empty())
    {
        throw std::logic_error("not empty: " + path);
    }
    holderOf(path)->children.erase(nameOf(path));
    report(node, IN_DELETE_SELF);
    endWatch(node);
    report(holderOf(path), IN_DELETE | (node->isFolder ? IN_ISDIR : 0U), nameOf(path));
}

void FakeDisk::rename(const std::string& from, const std::string& to)
{
    const auto source = holderOf(from);
    const auto target = holderOf(to);
    const auto node = find(from);
    const auto replaced = find(to);
    const std::uint32_t kind = node->isFolder ? IN_ISDIR : 0U;
    source->children.erase(nameOf(from));
    target->children[nameOf(to)] = node;
    const std::uint32_t cookie = _nextCookie++;
    report(source, IN_MOVED_FROM | kind, nameOf(from), cookie);
    report(target, IN_MOVED_TO | kind, nameOf(to), cookie);
    report(node, IN_MOVE_SELF);
    if (replaced != nullptr)
    {
        report(replaced, IN_DELETE_SELF);
        endWatch(replaced);
    }
}

void FakeDisk::exchange(const std::string& a, const std::string& b)
{
    const auto holderA = holderOf(a);
    const auto holderB = holderOf(b);
    std::swap(holderA->children[nameOf(a)], holderB->children[nameOf(b)]);
    const std::uint32_t kindA = find(b)->isFolder ? IN_ISDIR : 0U;
    const std::uint32_t kindB = find(a)->isFolder ? IN_ISDIR : 0U;
    const std::uint32_t cookie = _nextCookie;
    _nextCookie += 2;
    report(holderA, IN_MOVED_FROM | kindA, nameOf(a), cookie);
    report(holderB, IN_MOVED_TO | kindA, nameOf(b), cookie);
    report(holderB, IN_MOVED_FROM | kindB, nameOf(b), cookie + 1);
    report(holderA, IN_MOVED_TO | kindB, nameOf(a), cookie + 1);
}

void FakeDisk::unmount(const std::string& path)
{
    const auto node = find(path);
    holderOf(path)->children.erase(nameOf(path));
    report(node, IN_UNMOUNT);
    endWatch(node);
}

void FakeDisk::mountOver(const std::string& path, std::uint64_t device)
{
    const auto holder = holderOf(path);
    holder->children.erase(nameOf(path));
    place(path, true)->device = device;
}

void FakeDisk::bind(const std::string& a, const std::string& b)
{
    holderOf(b)->children[nameOf(b)] = find(a);
}

Bytes FakeDisk::takeEvents(std::size_t count)
{
    Bytes raw;
    for (std::size_t i = 0; i < count && !_queue.empty(); ++i)
    {
        raw.insert(raw.end(), _queue.front().begin(), _queue.front().end());
        _hasOverflowed = _hasOverflowed && _queue.front() != rawEvent(-1, IN_Q_OVERFLOW);
        _queue.pop_front();
    }
    return raw;
}

std::vector<std::string> FakeDisk::unwatchedFolders(const std::string& root) const
{
    std::vector<std::string> found;
    MirrorState all;
    collect(*find(root), "", all);
    for (const auto& [path, text] : all)
    {
        if (text == "folder" && find(root + "/" + path)->wd < 0)
        {
            found.push_back(path);
        }
    }
    return found;
}

Mirror::Look FakeDisk::lookAt(const std::string& root) const
{
    return [this, root](const RelativePath& path, HintScope scope) {
        MirrorState state;
        const auto node = find(path.isRoot() ? root : root + "/" + path.text());
        if (node == nullptr)
        {
            return state;
        }
        if (!path.isRoot())
        {
            state[path.text()] = textOf(*node);
        }
        if (scope == HintScope::Subtree)
        {
            collect(*node, path.text(), state);
        }
        return state;
    };
}

OpenedFolder FakeDisk::open(const std::string& root, const RelativePath& path, std::uint64_t holder)
{
    ++openCalls;
    FolderInfo info;
    OpenedFolder opened;
    opened.result = look(root, path, holder, info);
    opened.error = opened.result == LookResult::Failed ? openError : ENOENT;
    if (opened.result == LookResult::Folder)
    {
        const auto node = find(path.isRoot() ? root : root + "/" + path.text());
        if (node->isDenied)
        {
            opened.result = LookResult::Denied;
            return opened;
        }
        opened.folder = std::make_unique<FakeFolder>(*this, node);
    }
    return opened;
}

LookResult FakeDisk::look(const std::string& root,
                          const RelativePath& path,
                          std::uint64_t holder,
                          FolderInfo& info)
{
    if (openError != 0)
    {
        return LookResult::Failed;
    }
    const std::string full = path.isRoot() ? root : root + "/" + path.text();
    if (!path.isRoot())
    {
        const auto above = find(folderOf(full));
        if (above == nullptr || !above->isFolder || above->inode != holder)
        {
            return LookResult::Behind;
        }
    }
    const auto node = find(full);
    if (!path.isRoot() && find(folderOf(full))->isSealed)
    {
        return LookResult::Denied;
    }
    if (node == nullptr || !node->isFolder)
    {
        return LookResult::Gone;
    }
    info = infoOf(*node);
    return LookResult::Folder;
}

bool FakeDisk::willBeClosed(const std::string& root, const RelativePath& path)
{
    const auto node = find(root + "/" + path.text());
    return node != nullptr && !node->isFolder;
}

void FakeDisk::unwatch(int wd)
{
    const auto found = _watches.find(wd);
    if (found == _watches.end())
    {
        return; // EINVAL
    }
    endWatch(std::shared_ptr<Node>(found->second));
}

int FakeDisk::watch(const std::shared_ptr<Node>& node)
{
    ++watchCalls;
    if (node->wd < 0)
    {
        if (_watches.size() >= kernelLimit)
        {
            return -ENOSPC;
        }
        node->wd = _nextWd++;
        _watches[node->wd] = node;
    }
    if (const auto hook = std::exchange(afterWatch, nullptr))
    {
        hook();
    }
    return node->wd;
}

void FakeDisk::push(Bytes event)
{
    if (_queue.size() < queueLimit)
    {
        _queue.push_back(std::move(event));
    }
    else if (!std::exchange(_hasOverflowed, true))
    {
        _queue.push_back(rawEvent(-1, IN_Q_OVERFLOW));
    }
}

void FakeDisk::report(const std::shared_ptr<Node>& node,
                      std::uint32_t mask,
                      const std::string& name,
                      std::uint32_t cookie)
{
    if (node->wd >= 0)
    {
        push(rawEvent(node->wd, mask, cookie, name));
    }
}

void FakeDisk::endWatch(const std::shared_ptr<Node>& node)
{
    if (node->wd >= 0)
    {
        push(rawEvent(node->wd, IN_IGNORED));
        _watches.erase(node->wd);
        node->wd = -1;
    }
}

} // namespace tidewire
