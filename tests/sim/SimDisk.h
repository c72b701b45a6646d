// A file system that tells a watcher what is changed through it, and lets a test step in before each call.

#pragma once

#include "tests/sim/SimWatcher.h"
#include "tests/support/MemoryFileSystem.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tidewire {

/// One way to the tree of a MemoryFileSystem: the agent has one, the user of the board another.
///
/// Ownership: borrows `files` and `watcher`.
class SimDisk: public FileSystem
{
public:
    /// Called before each operation that takes a path; may change the tree by another SimDisk, and throw.
    using Before = std::function<void(std::string_view operation, const RelativePath& path)>;

    SimDisk(MemoryFileSystem& files, SimWatcher& watcher): _files(files), _watcher(watcher) {}

    void setBefore(Before before) { _before = std::move(before); }

    /// Changes of the tree outside of the private folder.
    [[nodiscard]] std::uint64_t changes() const { return _changes; }

    [[nodiscard]] std::optional<FileStat> stat(const RelativePath& path) override;
    void list(const RelativePath& folder,
              const std::function<bool(std::string_view name, FileKind hint)>& each) override;
    [[nodiscard]] std::unique_ptr<File> openRead(const RelativePath& path) override;
    [[nodiscard]] std::unique_ptr<File> openWrite(const RelativePath& path) override;
    [[nodiscard]] std::unique_ptr<File> createFile(const RelativePath& path,
                                                   std::uint32_t mode) override;
    [[nodiscard]] std::string readSymlink(const RelativePath& path) override;
    void createSymlink(const RelativePath& path, std::string_view target) override;
    void createDirectory(const RelativePath& path, std::uint32_t mode) override;
    void removeDirectory(const RelativePath& path) override;
    void removeFile(const RelativePath& path) override;
    [[nodiscard]] RenameOutcome renameNoReplace(const RelativePath& from,
                                                const RelativePath& to) override;
    [[nodiscard]] RenameOutcome exchange(const RelativePath& a, const RelativePath& b) override;
    void setMode(const RelativePath& path, std::uint32_t mode) override;
    void setMtime(const RelativePath& path, FileTime mtime) override;
    void syncDirectory(const RelativePath& folder) override;
    void syncAll() override;
    [[nodiscard]] std::uint64_t freeBytes() override;

private:
    class OpenFile;

    void before(std::string_view operation, const RelativePath& path);
    void changed(const RelativePath& path, HintTiming timing = HintTiming::Settled);
    void moved(const RelativePath& path);

    MemoryFileSystem& _files;
    SimWatcher& _watcher;
    Before _before;
    std::uint64_t _changes = 0;
};

} // namespace tidewire
