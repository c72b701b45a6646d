// An open file of a file system in memory.

#pragma once

#include "tests/support/MemoryDisk.h"

namespace tidewire {

/// Stays usable when the file is renamed or removed; after a crash every call gives ESTALE.
class MemoryFile: public File
{
public:
    enum class Access
    {
        Read,
        ReadWrite
    };

    /// Call with the disk's mutex held.
    MemoryFile(std::shared_ptr<MemoryDisk> disk,
               std::shared_ptr<MemoryNode> node,
               RelativePath path,
               Access access);
    ~MemoryFile() override;
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    [[nodiscard]] FileStat stat() override;
    std::size_t read(std::uint64_t offset, MutableByteView buffer) override;
    void write(std::uint64_t offset, ByteView data) override;
    void truncate(std::uint64_t size) override;
    [[nodiscard]] std::optional<std::uint64_t> nextData(std::uint64_t offset) override;
    [[nodiscard]] std::uint64_t nextHole(std::uint64_t offset) override;
    void setMode(std::uint32_t mode) override;
    void setMtime(FileTime mtime) override;
    void sync() override;
    void startWriteback(std::uint64_t offset, std::uint64_t length) override;
    [[nodiscard]] bool isOpenForWriting() override;
    [[nodiscard]] bool keepWritersOut() override;
    [[nodiscard]] LockOutcome tryLock() override;

private:
    [[nodiscard]] std::unique_lock<std::mutex> begin(std::string_view operation);
    void requireWritable(std::string_view operation, int code) const;
    void requireRange(std::string_view operation, std::uint64_t offset, std::uint64_t length) const;

    const std::shared_ptr<MemoryDisk> _disk;
    const std::shared_ptr<MemoryNode> _node;
    const RelativePath _path;
    const Access _access;
    const std::uint64_t _generation;
    bool _keepsOut = false;
    bool _hasLock = false;
};

} // namespace tidewire
