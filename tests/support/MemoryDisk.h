// What a file system in memory consists of: nodes, and what of them would survive a power cut.

#pragma once

#include "shared/fs/FileSystem.h"
#include "tests/support/SparseContent.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tidewire {

/// A file, folder, link or special file.
struct MemoryNode: std::enable_shared_from_this<MemoryNode>
{
    using Children = std::map<std::string, std::shared_ptr<MemoryNode>, std::less<>>;

    /// What a sync of the node makes durable.
    struct Inode
    {
        std::uint32_t mode = 0;
        FileTime mtime;
        FileTime ctime;
        SparseContent content;
        std::string target;
    };

    /// Where the node stands; no parent for the root and for what was removed.
    struct Place
    {
        MemoryNode* parent = nullptr;
        std::string name;

        friend bool operator==(const Place&, const Place&) = default;
    };

    MemoryNode() = default;
    /// What is durable only in this node is so nowhere.
    ~MemoryNode();
    MemoryNode(const MemoryNode&) = delete;
    MemoryNode& operator=(const MemoryNode&) = delete;

    [[nodiscard]] FileStat stat() const;

    FileKind kind = FileKind::File;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    unsigned writers = 0;
    unsigned guards = 0; ///< open files that keep writers out
    bool isLocked = false;

    Inode now;
    Place place;
    Children children;

    // What a power cut would leave.
    Inode durable;
    Place durablePlace;
    Children durableChildren;
};

/// Nodes, time and the durability model. Shared by the file system and its open files.
///
/// Durability is pessimistic: a name is durable once its folder was synced, content and metadata
/// once the file was. A rename is one step, as with any journaling filesystem: syncing either
/// folder makes it durable in both, and a node never gets lost or doubled by a power cut.
///
/// Thread: hold `mutex` for everything but runHook().
class MemoryDisk
{
public:
    using Hook = std::function<void(std::string_view operation, const RelativePath& path)>;
    using TimeSource = std::function<FileTime()>;

    static constexpr std::uint64_t kDevice = 1;

    explicit MemoryDisk(TimeSource timeSource);

    [[nodiscard]] MemoryNode& root() { return *_root; }
    std::shared_ptr<MemoryNode> makeNode(FileKind kind, std::uint32_t mode);

    void attach(const MemoryNode::Place& place, const std::shared_ptr<MemoryNode>& node);
    void detach(MemoryNode& node);

    void touchContent(MemoryNode& node);
    void touchInode(MemoryNode& node);

    /// Makes the names in a folder durable.
    void syncNames(MemoryNode& folder);
    void syncAll();

    /// Goes back to what is durable. Nodes that were opened before are stale from now on.
    void crash();

    [[nodiscard]] std::uint64_t generation() const { return _generation; }

    void setHook(Hook hook);
    void runHook(std::string_view operation, const RelativePath& path);

    std::mutex mutex;
    std::uint64_t freeBytes = std::uint64_t{1} << 40U;

private:
    void settle(const std::shared_ptr<MemoryNode>& node);
    static void persist(MemoryNode& node);
    static void restore(MemoryNode& node);

    // Guarded by mutex.
    TimeSource _timeSource;
    std::shared_ptr<const Hook> _hook;
    std::uint64_t _lastInode = 0;
    std::uint64_t _generation = 0;
    std::shared_ptr<MemoryNode> _root;
};

} // namespace tidewire
