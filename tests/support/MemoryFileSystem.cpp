// A FileSystem wholly in memory, for simulation, fault injection and power cuts.

#include "tests/support/MemoryFileSystem.h"

#include "shared/base/Errors.h"
#include "shared/fs/PosixConvert.h"
#include "tests/support/MemoryFile.h"

#include <cerrno>
#include <utility>
#include <vector>

namespace tidewire {

namespace {

[[noreturn]] void fail(std::string_view operation, const RelativePath& path, int code)
{
    throw StorageError(operation, path.isRoot() ? "." : std::string_view(path.text()), code);
}

} // namespace

MemoryFileSystem::MemoryFileSystem(TimeSource timeSource):
    _disk(std::make_shared<MemoryDisk>(std::move(timeSource)))
{
}

void MemoryFileSystem::crash()
{
    const std::unique_lock lock(_disk->mutex);
    _disk->crash();
}

void MemoryFileSystem::createOther(const RelativePath& path)
{
    const std::unique_lock lock(_disk->mutex);
    create("createOther", path, FileKind::Other, 0644);
}

void MemoryFileSystem::mount(const RelativePath& path, std::uint64_t device)
{
    const std::unique_lock lock(_disk->mutex);
    entryAt("mount", path).device = device;
}

void MemoryFileSystem::setFreeBytes(std::uint64_t bytes)
{
    const std::unique_lock lock(_disk->mutex);
    _disk->freeBytes = bytes;
}

MemoryFileSystem::Folder MemoryFileSystem::resolve(std::string_view path) const
{
    MemoryNode* node = &_disk->root();
    while (!path.empty())
    {
        const std::size_t slash = path.find('/');
        const auto child = node->children.find(path.substr(0, slash));
        if (child == node->children.end())
        {
            return {nullptr, ENOENT};
        }
        node = child->second.get();
        if (node->kind != FileKind::Directory)
        {
            return {nullptr, node->kind == FileKind::Symlink ? ELOOP : ENOTDIR};
        }
        if (node->device != MemoryDisk::kDevice)
        {
            return {nullptr, EXDEV};
        }
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    }
    return {node, 0};
}

MemoryNode& MemoryFileSystem::folderAt(std::string_view operation, const RelativePath& path) const
{
    const Folder folder = resolve(path.text());
    if (folder.error != 0)
    {
        fail(operation, path, folder.error);
    }
    return *folder.node;
}

MemoryNode* MemoryFileSystem::find(std::string_view operation, const RelativePath& path) const
{
    const Folder folder = resolve(path.folder());
    if (folder.error == EXDEV)
    {
        fail(operation, path, folder.error);
    }
    if (folder.error != 0 || path.isRoot())
    {
        return folder.node;
    }
    const auto child = folder.node->children.find(path.name());
    return child == folder.node->children.end() ? nullptr : child->second.get();
}

MemoryNode& MemoryFileSystem::entryAt(std::string_view operation, const RelativePath& path) const
{
    const Folder folder = resolve(path.folder());
    MemoryNode* node = folder.error == 0 ? find(operation, path) : nullptr;
    if (node == nullptr)
    {
        fail(operation, path, folder.error == 0 ? ENOENT : folder.error);
    }
    return *node;
}

MemoryNode& MemoryFileSystem::ownEntryAt(std::string_view operation, const RelativePath& path) const
{
    MemoryNode& node = entryAt(operation, path);
    if (node.device != MemoryDisk::kDevice)
    {
        fail(operation, path, EXDEV);
    }
    return node;
}

MemoryNode& MemoryFileSystem::fileAt(std::string_view operation, const RelativePath& path) const
{
    MemoryNode& node = ownEntryAt(operation, path);
    if (node.kind != FileKind::File)
    {
        fail(operation, path, openErrorOf(node.kind));
    }
    return node;
}

std::optional<FileStat> MemoryFileSystem::stat(const RelativePath& path)
{
    _disk->runHook("stat", path);
    const std::unique_lock lock(_disk->mutex);
    const MemoryNode* node = find("stat", path);
    return node == nullptr ? std::nullopt : std::optional(node->stat());
}

void MemoryFileSystem::list(const RelativePath& folder,
                            const std::function<bool(std::string_view, FileKind)>& each)
{
    _disk->runHook("list", folder);
    std::vector<std::pair<std::string, FileKind>> entries;
    {
        const std::unique_lock lock(_disk->mutex);
        for (const auto& [name, node] : folderAt("list", folder).children)
        {
            entries.emplace_back(name, node->kind);
        }
    }
    for (const auto& [name, kind] : entries)
    {
        if (!each(name, kind))
        {
            return;
        }
    }
}

std::unique_ptr<File> MemoryFileSystem::openRead(const RelativePath& path)
{
    _disk->runHook("openRead", path);
    const std::unique_lock lock(_disk->mutex);
    MemoryNode& node = fileAt("openRead", path);
    return std::make_unique<MemoryFile>(
        _disk, node.shared_from_this(), path, MemoryFile::Access::Read);
}

std::unique_ptr<File> MemoryFileSystem::openWrite(const RelativePath& path)
{
    _disk->runHook("openWrite", path);
    const std::unique_lock lock(_disk->mutex);
    MemoryNode& node = fileAt("openWrite", path);
    if (node.guards > 0)
    {
        fail("openWrite", path, EAGAIN);
    }
    return std::make_unique<MemoryFile>(
        _disk, node.shared_from_this(), path, MemoryFile::Access::ReadWrite);
}

MemoryNode& MemoryFileSystem::create(std::string_view operation,
                                     const RelativePath& path,
                                     FileKind kind,
                                     std::uint32_t mode)
{
    const Folder folder = resolve(path.folder());
    if (folder.error != 0)
    {
        fail(operation, path, folder.error);
    }
    if (path.isRoot() || folder.node->children.contains(path.name()))
    {
        fail(operation, path, EEXIST);
    }
    const std::shared_ptr<MemoryNode> node = _disk->makeNode(kind, mode);
    _disk->attach({folder.node, std::string(path.name())}, node);
    return *node;
}

std::unique_ptr<File> MemoryFileSystem::createFile(const RelativePath& path, std::uint32_t mode)
{
    _disk->runHook("createFile", path);
    const std::unique_lock lock(_disk->mutex);
    MemoryNode& node = create("createFile", path, FileKind::File, mode);
    return std::make_unique<MemoryFile>(
        _disk, node.shared_from_this(), path, MemoryFile::Access::ReadWrite);
}

std::string MemoryFileSystem::readSymlink(const RelativePath& path)
{
    _disk->runHook("readSymlink", path);
    const std::unique_lock lock(_disk->mutex);
    const MemoryNode& node = entryAt("readSymlink", path);
    if (node.kind != FileKind::Symlink)
    {
        fail("readSymlink", path, EINVAL);
    }
    return node.now.target;
}

void MemoryFileSystem::createSymlink(const RelativePath& path, std::string_view target)
{
    _disk->runHook("createSymlink", path);
    const std::unique_lock lock(_disk->mutex);
    if (target.find('\0') != std::string_view::npos)
    {
        fail("createSymlink", path, EINVAL);
    }
    if (target.empty() || target.size() > kMaxPathBytes)
    {
        fail("createSymlink", path, target.empty() ? ENOENT : ENAMETOOLONG);
    }
    MemoryNode& node = create("createSymlink", path, FileKind::Symlink, 0777);
    node.now.target = target;
    node.durable.target = target;
}

void MemoryFileSystem::createDirectory(const RelativePath& path, std::uint32_t mode)
{
    _disk->runHook("createDirectory", path);
    const std::unique_lock lock(_disk->mutex);
    create("createDirectory", path, FileKind::Directory, mode);
}

void MemoryFileSystem::remove(std::string_view operation,
                              const RelativePath& path,
                              MemoryNode& node)
{
    if (path.isRoot() || node.device != MemoryDisk::kDevice)
    {
        fail(operation, path, EBUSY);
    }
    _disk->detach(node);
}

void MemoryFileSystem::removeDirectory(const RelativePath& path)
{
    _disk->runHook("removeDirectory", path);
    const std::unique_lock lock(_disk->mutex);
    MemoryNode& node = entryAt("removeDirectory", path);
    if (node.kind != FileKind::Directory)
    {
        fail("removeDirectory", path, ENOTDIR);
    }
    if (!node.children.empty())
    {
        fail("removeDirectory", path, ENOTEMPTY);
    }
    remove("removeDirectory", path, node);
}

void MemoryFileSystem::removeFile(const RelativePath& path)
{
    _disk->runHook("removeFile", path);
    const std::unique_lock lock(_disk->mutex);
    MemoryNode& node = entryAt("removeFile", path);
    if (node.kind == FileKind::Directory)
    {
        fail("removeFile", path, EISDIR);
    }
    remove("removeFile", path, node);
}

RenameOutcome MemoryFileSystem::renameNoReplace(const RelativePath& from, const RelativePath& to)
{
    _disk->runHook("renameNoReplace", from);
    const std::unique_lock lock(_disk->mutex);
    if (resolve(from.folder()).error != 0)
    {
        // EXDEV is thrown.
        static_cast<void>(find("renameNoReplace", from));
        return RenameOutcome::SourceMissing;
    }
    MemoryNode& folder = folderAt("renameNoReplace", to.parent());
    MemoryNode* const source = find("renameNoReplace", from);
    if (source == nullptr)
    {
        return RenameOutcome::SourceMissing;
    }
    if (from.isRoot() || to.isRoot() || source->device != MemoryDisk::kDevice)
    {
        fail("renameNoReplace", from, EBUSY);
    }
    if (folder.children.contains(to.name()))
    {
        return RenameOutcome::TargetExists;
    }
    if (to.isWithin(from))
    {
        fail("renameNoReplace", from, EINVAL);
    }
    const std::shared_ptr<MemoryNode> node = source->shared_from_this();
    _disk->detach(*node);
    _disk->attach({&folder, std::string(to.name())}, node);
    return RenameOutcome::Done;
}

RenameOutcome MemoryFileSystem::exchange(const RelativePath& a, const RelativePath& b)
{
    _disk->runHook("exchange", a);
    const std::unique_lock lock(_disk->mutex);
    MemoryNode* const first = find("exchange", a);
    MemoryNode* const second = find("exchange", b);
    if (first == nullptr || second == nullptr)
    {
        return RenameOutcome::SourceMissing;
    }
    if (a.isRoot() || b.isRoot() || first->device != MemoryDisk::kDevice ||
        second->device != MemoryDisk::kDevice)
    {
        fail("exchange", a, EBUSY);
    }
    if (first == second)
    {
        return RenameOutcome::Done;
    }
    if (a.isWithin(b) || b.isWithin(a))
    {
        fail("exchange", a, EINVAL);
    }
    const MemoryNode::Place firstPlace = first->place;
    const MemoryNode::Place secondPlace = second->place;
    const std::shared_ptr<MemoryNode> one = first->shared_from_this();
    const std::shared_ptr<MemoryNode> other = second->shared_from_this();
    _disk->attach(secondPlace, one);
    _disk->attach(firstPlace, other);
    return RenameOutcome::Done;
}

void MemoryFileSystem::setMode(const RelativePath& path, std::uint32_t mode)
{
    _disk->runHook("setMode", path);
    const std::unique_lock lock(_disk->mutex);
    MemoryNode& node = ownEntryAt("setMode", path);
    if (node.kind == FileKind::Symlink || node.kind == FileKind::Other)
    {
        fail("setMode", path, openErrorOf(node.kind));
    }
    node.now.mode = mode & 07777U;
    _disk->touchInode(node);
}

void MemoryFileSystem::setMtime(const RelativePath& path, FileTime mtime)
{
    _disk->runHook("setMtime", path);
    const std::unique_lock lock(_disk->mutex);
    MemoryNode& node = ownEntryAt("setMtime", path);
    if (mtime.nanoseconds >= 1'000'000'000)
    {
        fail("setMtime", path, EINVAL);
    }
    node.now.mtime = mtime;
    _disk->touchInode(node);
}

void MemoryFileSystem::syncDirectory(const RelativePath& folder)
{
    _disk->runHook("syncDirectory", folder);
    const std::unique_lock lock(_disk->mutex);
    _disk->syncNames(folderAt("syncDirectory", folder));
}

void MemoryFileSystem::syncAll()
{
    _disk->runHook("syncAll", RelativePath());
    const std::unique_lock lock(_disk->mutex);
    _disk->syncAll();
}

std::uint64_t MemoryFileSystem::freeBytes()
{
    _disk->runHook("freeBytes", RelativePath());
    const std::unique_lock lock(_disk->mutex);
    return _disk->freeBytes;
}

} // namespace tidewire
