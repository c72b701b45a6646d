// A FileSystem wholly in memory, for simulation, fault injection and power cuts.

#pragma once

#include "shared/fs/FileSystem.h"
#include "tests/support/MemoryDisk.h"

namespace tidewire {

/// Behaves as PosixFileSystem does on a local filesystem, with rights that allow everything.
/// Inode numbers rise and are never used again; the link count is always 1.
///
/// Open files keep the disk alive and stay valid after unlink and rename, as on Linux.
///
/// Thread: all methods may be called from any thread.
class MemoryFileSystem: public FileSystem
{
public:
    /// Called before each operation, without a lock held, so it may use the file system itself (it
    /// is called again then); may throw StorageError to let the operation fail. `operation` is the
    /// name of the method of FileSystem or File; those of File that FileSystem has, too, are
    /// "fileStat", "fileSetMode" and "fileSetMtime". For a rename the path is the first one.
    using Hook = MemoryDisk::Hook;

    /// Gives the time of each change.
    using TimeSource = MemoryDisk::TimeSource;

    /// Without a time source every change is one nanosecond after the one before.
    explicit MemoryFileSystem(TimeSource timeSource = {});

    void setHook(Hook hook) { _disk->setHook(std::move(hook)); }

    /// A power cut: the tree becomes what was durable (see MemoryDisk). Files that are still open
    /// give ESTALE.
    void crash();

    /// Makes a FIFO.
    void createOther(const RelativePath& path);

    /// From now on the entry reports `device`, and nothing below it can be reached (EXDEV).
    void mount(const RelativePath& path, std::uint64_t device);

    /// What freeBytes() tells; writes are not counted against it.
    void setFreeBytes(std::uint64_t bytes);

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
    /// A folder, or the errno that says why there is none.
    struct Folder
    {
        MemoryNode* node = nullptr;
        int error = 0;
    };

    [[nodiscard]] Folder resolve(std::string_view path) const;
    [[nodiscard]] MemoryNode& folderAt(std::string_view operation, const RelativePath& path) const;
    [[nodiscard]] MemoryNode* find(std::string_view operation, const RelativePath& path) const;
    [[nodiscard]] MemoryNode& entryAt(std::string_view operation, const RelativePath& path) const;
    [[nodiscard]] MemoryNode& ownEntryAt(std::string_view operation,
                                         const RelativePath& path) const;
    [[nodiscard]] MemoryNode& fileAt(std::string_view operation, const RelativePath& path) const;
    MemoryNode&
    create(std::string_view operation, const RelativePath& path, FileKind kind, std::uint32_t mode);
    void remove(std::string_view operation, const RelativePath& path, MemoryNode& node);

    const std::shared_ptr<MemoryDisk> _disk;
};

} // namespace tidewire
