// A file system that tells a watcher what is changed through it, and lets a test step in before each call.

#include "tests/sim/SimDisk.h"

#include <utility>

namespace tidewire {

/// Tells of writes as they happen, and of the close.
class SimDisk::OpenFile: public File
{
public:
    OpenFile(SimDisk& disk, std::unique_ptr<File> file, RelativePath path):
        _disk(disk),
        _file(std::move(file)),
        _path(std::move(path))
    {
    }

    ~OpenFile() override
    {
        _file.reset();
        if (_isWritten)
        {
            _disk.changed(_path);
        }
    }

    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;

    [[nodiscard]] FileStat stat() override { return _file->stat(); }

    std::size_t read(std::uint64_t offset, MutableByteView buffer) override
    {
        _disk.before("read", _path);
        return _file->read(offset, buffer);
    }

    void write(std::uint64_t offset, ByteView data) override
    {
        _disk.before("write", _path);
        _file->write(offset, data);
        written(HintTiming::Writing);
    }

    void truncate(std::uint64_t size) override
    {
        _file->truncate(size);
        written(HintTiming::Writing);
    }

    [[nodiscard]] std::optional<std::uint64_t> nextData(std::uint64_t offset) override
    {
        return _file->nextData(offset);
    }

    [[nodiscard]] std::uint64_t nextHole(std::uint64_t offset) override
    {
        return _file->nextHole(offset);
    }

    void setMode(std::uint32_t mode) override
    {
        _file->setMode(mode);
        written(HintTiming::Settled);
    }

    void setMtime(FileTime mtime) override
    {
        _file->setMtime(mtime);
        written(HintTiming::Settled);
    }

    void sync() override { _file->sync(); }

    void startWriteback(std::uint64_t offset, std::uint64_t length) override
    {
        _file->startWriteback(offset, length);
    }

    [[nodiscard]] bool isOpenForWriting() override { return _file->isOpenForWriting(); }

    [[nodiscard]] bool keepWritersOut() override { return _file->keepWritersOut(); }

    [[nodiscard]] LockOutcome tryLock() override { return _file->tryLock(); }

private:
    void written(HintTiming timing)
    {
        _isWritten = true;
        _disk.changed(_path, timing);
    }

    SimDisk& _disk;
    std::unique_ptr<File> _file;
    const RelativePath _path;
    bool _isWritten = false;
};

void SimDisk::before(std::string_view operation, const RelativePath& path)
{
    if (_before)
    {
        _before(operation, path);
    }
}

void SimDisk::changed(const RelativePath& path, HintTiming timing)
{
    _changes += path.isPrivate() ? 0U : 1U;
    _watcher.add(path, HintScope::Entry, timing);
}

/// A folder may have come with all that is in it.
void SimDisk::moved(const RelativePath& path)
{
    _changes += path.isPrivate() ? 0U : 1U;
    _watcher.add(path, HintScope::Subtree, HintTiming::Settled);
}

std::optional<FileStat> SimDisk::stat(const RelativePath& path)
{
    before("stat", path);
    return _files.stat(path);
}

void SimDisk::list(const RelativePath& folder,
                   const std::function<bool(std::string_view, FileKind)>& each)
{
    before("list", folder);
    _files.list(folder, each);
}

std::unique_ptr<File> SimDisk::openRead(const RelativePath& path)
{
    before("openRead", path);
    return std::make_unique<OpenFile>(*this, _files.openRead(path), path);
}

std::unique_ptr<File> SimDisk::openWrite(const RelativePath& path)
{
    before("openWrite", path);
    return std::make_unique<OpenFile>(*this, _files.openWrite(path), path);
}

std::unique_ptr<File> SimDisk::createFile(const RelativePath& path, std::uint32_t mode)
{
    before("createFile", path);
    auto file = std::make_unique<OpenFile>(*this, _files.createFile(path, mode), path);
    changed(path);
    return file;
}

std::string SimDisk::readSymlink(const RelativePath& path)
{
    before("readSymlink", path);
    return _files.readSymlink(path);
}

void SimDisk::createSymlink(const RelativePath& path, std::string_view target)
{
    before("createSymlink", path);
    _files.createSymlink(path, target);
    changed(path);
}

void SimDisk::createDirectory(const RelativePath& path, std::uint32_t mode)
{
    before("createDirectory", path);
    _files.createDirectory(path, mode);
    moved(path);
}

void SimDisk::removeDirectory(const RelativePath& path)
{
    before("removeDirectory", path);
    _files.removeDirectory(path);
    changed(path);
}

void SimDisk::removeFile(const RelativePath& path)
{
    before("removeFile", path);
    _files.removeFile(path);
    changed(path);
}

RenameOutcome SimDisk::renameNoReplace(const RelativePath& from, const RelativePath& to)
{
    before("renameNoReplace", from);
    const RenameOutcome outcome = _files.renameNoReplace(from, to);
    if (outcome == RenameOutcome::Done)
    {
        moved(from);
        moved(to);
    }
    return outcome;
}

RenameOutcome SimDisk::exchange(const RelativePath& a, const RelativePath& b)
{
    before("exchange", a);
    const RenameOutcome outcome = _files.exchange(a, b);
    if (outcome == RenameOutcome::Done)
    {
        moved(a);
        moved(b);
    }
    return outcome;
}

void SimDisk::setMode(const RelativePath& path, std::uint32_t mode)
{
    before("setMode", path);
    _files.setMode(path, mode);
    changed(path);
}

void SimDisk::setMtime(const RelativePath& path, FileTime mtime)
{
    before("setMtime", path);
    _files.setMtime(path, mtime);
    changed(path);
}

void SimDisk::syncDirectory(const RelativePath& folder)
{
    before("syncDirectory", folder);
    _files.syncDirectory(folder);
}

void SimDisk::syncAll()
{
    before("syncAll", {});
    _files.syncAll();
}

std::uint64_t SimDisk::freeBytes()
{
    return _files.freeBytes();
}

} // namespace tidewire
