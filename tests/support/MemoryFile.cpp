// An open file of a file system in memory.

#include "tests/support/MemoryFile.h"

#include "shared/base/Errors.h"

#include <cerrno>
#include <limits>

namespace tidewire {

MemoryFile::MemoryFile(std::shared_ptr<MemoryDisk> disk,
                       std::shared_ptr<MemoryNode> node,
                       RelativePath path,
                       Access access):
    _disk(std::move(disk)),
    _node(std::move(node)),
    _path(std::move(path)),
    _access(access),
    _generation(_disk->generation())
{
    _node->writers += _access == Access::ReadWrite ? 1 : 0;
}

MemoryFile::~MemoryFile()
{
    const std::unique_lock lock(_disk->mutex);
    if (_access == Access::ReadWrite && _generation == _disk->generation())
    {
        --_node->writers;
    }
    _node->guards -= _keepsOut ? 1U : 0U;
    _node->isLocked = _node->isLocked && !(_hasLock && _generation == _disk->generation());
}

std::unique_lock<std::mutex> MemoryFile::begin(std::string_view operation)
{
    _disk->runHook(operation, _path);
    std::unique_lock lock(_disk->mutex);
    if (_generation != _disk->generation())
    {
        throw StorageError(operation, _path.text(), ESTALE);
    }
    return lock;
}

void MemoryFile::requireWritable(std::string_view operation, int code) const
{
    if (_access != Access::ReadWrite)
    {
        throw StorageError(operation, _path.text(), code);
    }
}

void MemoryFile::requireRange(std::string_view operation,
                              std::uint64_t offset,
                              std::uint64_t length) const
{
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (offset > kMax || length > kMax - offset)
    {
        throw StorageError(operation, _path.text(), EFBIG);
    }
}

FileStat MemoryFile::stat()
{
    const auto lock = begin("fileStat");
    return _node->stat();
}

std::size_t MemoryFile::read(std::uint64_t offset, MutableByteView buffer)
{
    const auto lock = begin("read");
    requireRange("read", offset, 0);
    return _node->now.content.read(offset, buffer);
}

void MemoryFile::write(std::uint64_t offset, ByteView data)
{
    const auto lock = begin("write");
    requireWritable("write", EBADF);
    requireRange("write", offset, data.size());
    if (!data.empty())
    {
        _node->now.content.write(offset, data);
        _disk->touchContent(*_node);
    }
}

void MemoryFile::truncate(std::uint64_t size)
{
    const auto lock = begin("truncate");
    requireWritable("truncate", EINVAL);
    requireRange("truncate", size, 0);
    _node->now.content.truncate(size);
    _disk->touchContent(*_node);
}

std::optional<std::uint64_t> MemoryFile::nextData(std::uint64_t offset)
{
    const auto lock = begin("nextData");
    requireRange("nextData", offset, 0);
    return _node->now.content.nextData(offset);
}

std::uint64_t MemoryFile::nextHole(std::uint64_t offset)
{
    const auto lock = begin("nextHole");
    requireRange("nextHole", offset, 0);
    return _node->now.content.nextHole(offset);
}

void MemoryFile::setMode(std::uint32_t mode)
{
    const auto lock = begin("fileSetMode");
    _node->now.mode = mode & 07777U;
    _disk->touchInode(*_node);
}

void MemoryFile::setMtime(FileTime mtime)
{
    const auto lock = begin("fileSetMtime");
    if (mtime.nanoseconds >= 1'000'000'000)
    {
        throw StorageError("fileSetMtime", _path.text(), EINVAL);
    }
    _node->now.mtime = mtime;
    _disk->touchInode(*_node);
}

void MemoryFile::sync()
{
    const auto lock = begin("sync");
    _node->durable = _node->now;
}

void MemoryFile::startWriteback(std::uint64_t, std::uint64_t)
{
    const auto lock = begin("startWriteback");
}

bool MemoryFile::isOpenForWriting()
{
    const auto lock = begin("isOpenForWriting");
    return _node->writers > 0;
}

bool MemoryFile::keepWritersOut()
{
    const auto lock = begin("keepWritersOut");
    const bool isFree = _node->writers == 0;
    _node->guards += isFree && !_keepsOut ? 1U : 0U;
    _keepsOut = _keepsOut || isFree;
    return isFree;
}

LockOutcome MemoryFile::tryLock()
{
    const auto lock = begin("tryLock");
    if (_node->isLocked && !_hasLock)
    {
        return LockOutcome::Busy;
    }
    _node->isLocked = true;
    _hasLock = true;
    return LockOutcome::Locked;
}

} // namespace tidewire
