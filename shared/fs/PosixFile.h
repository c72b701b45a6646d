// An open regular file of the real disk.

#pragma once

#include "shared/base/UniqueFd.h"
#include "shared/fs/FileSystem.h"

#include <string>

namespace tidewire {

/// File over a descriptor, by pread(2) and pwrite(2).
class PosixFile: public File
{
public:
    /// `path` is for messages.
    PosixFile(UniqueFd fd, std::string path);

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
    void dropFromCache(std::uint64_t offset, std::uint64_t length) override;
    [[nodiscard]] bool isOpenForWriting() override;
    [[nodiscard]] bool keepWritersOut() override;
    [[nodiscard]] LockOutcome tryLock() override;

private:
    const UniqueFd _fd;
    const std::string _path;
};

} // namespace tidewire
