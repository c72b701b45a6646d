// The FileSystem of the real disk, below one directory.

#pragma once

#include "shared/fs/BeneathOpen.h"
#include "shared/fs/FileSystem.h"

namespace tidewire {

/// Every path is resolved by BeneathOpen up to its folder; the entry itself is then reached by the
/// *at calls through that folder's descriptor and its one name, which no link can divert.
///
/// The root is held open: should the directory be renamed, the same one stays in use; should
/// another filesystem be mounted over it, the covered one does.
///
/// Files opened here never block in open(2): where another process holds a lease on the file
/// (Samba, NFS server), opening gives EAGAIN, which is transient.
///
/// Ownership: one descriptor for the root, at most three more during a call, one per open File.
class PosixFileSystem: public FileSystem
{
public:
    /// `root` is an absolute path and may lead through symbolic links.
    ///
    /// Errors: StorageError when it cannot be opened as a folder.
    explicit PosixFileSystem(const std::string& root, KernelCalls calls = KernelCalls::Newest);

    [[nodiscard]] std::optional<FileStat> stat(const RelativePath& path) override;
    void list(const RelativePath& folder,
              const std::function<bool(std::string_view name, FileKind hint)>& each) override;
    [[nodiscard]] std::unique_ptr<File> openRead(const RelativePath& path) override;
    [[nodiscard]] std::unique_ptr<File> openWrite(const RelativePath& path) override;

    /// Where `mode` cannot be set the empty file stays, with narrower rights.
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

    /// True when openat2(2) is in use.
    [[nodiscard]] bool usesOpenat2() const { return _opener.usesOpenat2(); }

private:
    /// An entry as the *at calls want it; "." in the root for the root.
    struct Place
    {
        UniqueFd folder;
        std::string name;
        std::string path; ///< for messages
    };

    static Place placeIn(UniqueFd folder, const RelativePath& path);

    /// Throws when the entry's folder cannot be reached; find() gives nothing when it is not there.
    [[nodiscard]] Place locate(std::string_view operation, const RelativePath& path) const;
    [[nodiscard]] std::optional<Place> find(std::string_view operation,
                                            const RelativePath& path) const;
    [[nodiscard]] UniqueFd openFolder(std::string_view operation, const RelativePath& path) const;
    [[nodiscard]] UniqueFd openFile(const RelativePath& path, int flags) const;
    void changeMode(const Place& place, std::uint32_t mode) const;
    static std::optional<FileStat> statAt(const Place& place);
    static RenameOutcome renameByLink(const Place& from, const Place& to);

    // Constant after construction.
    const KernelCalls _calls;
    const BeneathOpen _opener;
};

} // namespace tidewire
