// Puts finished entries in their place so that no local write can be lost.

#pragma once

#include "agent/sync/ApplyTask.h"
#include "shared/base/Errors.h"
#include "shared/fs/FileSystem.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire {

/// Permission bits that may come from, and go to, others.
struct ModePolicy
{
    bool specialBits = false; ///< setuid, setgid and sticky too

    [[nodiscard]] std::uint32_t mask() const { return specialBits ? 07777 : 0777; }
};

/// Changes the tree for one task at a time.
///
/// A new version is exchanged with what is at the path (renameat2, RENAME_EXCHANGE) or put where nothing is (RENAME_NOREPLACE); then what came out is
/// compared with what the index promised. If it is something else, a person wrote it at that very
/// moment, and it becomes a conflict copy. Deletions move the entry out first and look at it in the same way.
///
/// Thread:  one at a time for the paths of a task.
/// Errors:  none are thrown; they are outcomes.
class Placement
{
public:
    /// `name` for a conflict copy of a path; attempt counts up from 0 until a name is free.
    using ConflictNamer = std::function<RelativePath(const RelativePath& path, unsigned attempt)>;

    Placement(FileSystem& files, ModePolicy modes, ConflictNamer namer);

    /// Carries the task out. A file content that is needed stands finished and durable in task.temporary (MoveOf: is still at
    /// its source). Sets the out part of the task.
    void place(ApplyTask& task);

    /// Moves `from` to a free conflict name for `path`; nothing when it has vanished.
    std::optional<RelativePath> keepAsConflict(const RelativePath& from, const RelativePath& path);

private:
    static void fail(ApplyTask& task, const StorageError& error);
    void placeOnce(ApplyTask& task);
    void placeInReadOnlyFolders(ApplyTask& task);
    void openFolder(const RelativePath& folder,
                    std::vector<std::pair<RelativePath, std::uint32_t>>& opened);
    static bool isNew(const ApplyTask& task);
    void placeNew(ApplyTask& task);
    void placeEntry(ApplyTask& task);
    bool bring(ApplyTask& task, const RelativePath& out);
    RenameOutcome replace(const RelativePath& out, ApplyTask& task);
    void takeBack(ApplyTask& task, const RelativePath& out);
    void placeDirectory(ApplyTask& task);
    void settleMode(ApplyTask& task);
    std::unique_ptr<File> openToKeep(const RelativePath& path, FileKind kind);
    void placeMetadata(ApplyTask& task);
    void remove(ApplyTask& task);
    void removeDirectory(ApplyTask& task);
    bool moveSource(ApplyTask& task, const RelativePath& out);
    void putBack(ApplyTask& task, const RelativePath& from, const RelativePath& home);
    std::optional<RelativePath> setAside(const RelativePath& from, Seq seq);
    bool isBeingWritten(const RelativePath& path);
    FileStat asPlaced(const RelativePath& path, const FileStat& finished);
    [[nodiscard]] static bool asExpected(const ApplyTask& task, const std::optional<FileStat>& now);
    void settleDisplaced(ApplyTask& task, const RelativePath& out);
    void letGo(ApplyTask& task, const RelativePath& out, const FileStat& stat, bool isBeingWritten);
    void
    setPermissions(const RelativePath& path, File* file, const Entry& entry, const FileStat& now);

    FileSystem& _files;
    const ModePolicy _modes;
    const ConflictNamer _namer;
};

} // namespace tidewire
