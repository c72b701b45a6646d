// The folders that are watched, as a tree, and the way from watch numbers to them.

#pragma once

#include "agent/watch/MountTable.h"
#include "agent/watch/WatchPort.h"
#include "agent/watch/Watcher.h"
#include "shared/base/Clock.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tidewire {

struct WatchNode;

/// One watched share.
struct WatchRoot
{
    WatchId id = 0;
    std::string path; ///< absolute, without symbolic links
    IgnorePredicate ignored;
    FolderInfo info; ///< what the root was when it was added
    std::unique_ptr<WatchNode> top;
    std::vector<Mount> mounts; ///< what is mounted on the way to it and below it

    std::uint64_t watched = 0; ///< nodes with a watch
    std::uint64_t polled = 0;  ///< nodes that are looked at in turn
    std::uint64_t due = 0;     ///< nodes that wait to be walked

    bool isBuilding = true; ///< hints about walked folders wait until all are walked
    bool hintWhenBuilt = false;
    bool hasIgnored = false; ///< an ignored folder was seen: renames may bring it to light
    bool isLost = false;
    int shortage = 0; ///< errno of the last watch that was not to be had; ENOSPC for our own limit
};

/// One folder. It has a watch (`wd`), or is looked at in turn, or is unreadable, or is about to be
/// walked. About 200 bytes with its name.
struct WatchNode
{
    /// What the node waits for.
    enum class Queue : std::uint8_t
    {
        None,
        Walk,  ///< to be opened, watched and listed
        Later, ///< the same, after the events that are there were read
        Poll,  ///< to be walked again in its turn
    };
    struct ByName
    {
        using is_transparent = void;
        bool operator()(const std::unique_ptr<WatchNode>& a,
                        const std::unique_ptr<WatchNode>& b) const
        {
            return a->name < b->name;
        }
        bool operator()(const std::unique_ptr<WatchNode>& a, std::string_view b) const
        {
            return a->name < b;
        }
        bool operator()(std::string_view a, const std::unique_ptr<WatchNode>& b) const
        {
            return a < b->name;
        }
    };

    WatchRoot* root = nullptr;
    WatchNode* parent = nullptr; ///< null for the root and for what was moved away a moment ago
    std::string name;
    std::set<std::unique_ptr<WatchNode>, ByName> children;
    std::uint64_t inode = 0;
    std::int64_t rank = 0; ///< place in the queue
    SteadyTime lastActive{0};
    int wd = -1;
    Queue queue = Queue::None;
    bool isSeen = false;      ///< found by the listing that is going on
    bool isDisturbed = false; ///< something happened below while it was moved
    bool isDenied = false;    ///< it, or a folder in it, could not be opened
};

/// Keeps the nodes and the index from watch numbers to nodes.
///
/// One watch number can have several nodes: the kernel watches inodes, and an inode is reached by
/// several paths through overlapping shares and bind mounts. A renamed folder changes its own
/// name and parent only, so a rename takes the same time whatever is below it.
class WatchTree
{
public:
    /// Path of the node; nothing while it, or a folder above it, is moved away, and when it is too
    /// long to be synchronised.
    [[nodiscard]] static std::optional<RelativePath> pathOf(const WatchNode& node);

    /// The root, or the moved folder that stands above the node.
    [[nodiscard]] static WatchNode& topOf(WatchNode& node);

    [[nodiscard]] static WatchNode* childOf(const WatchNode& node, std::string_view name);

    [[nodiscard]] static std::vector<WatchNode*> childrenOf(const WatchNode& node);

    /// The node and all below it, parents first.
    [[nodiscard]] static std::vector<WatchNode*> subtreeOf(WatchNode& node);

    static WatchNode& addChild(WatchNode& parent, std::string_view name);

    /// Takes the node out of its parent.
    [[nodiscard]] static std::unique_ptr<WatchNode> detach(WatchNode& node);

    /// Puts it below `parent`, which has no child `name`.
    static void attach(WatchNode& parent, std::string_view name, std::unique_ptr<WatchNode> node);

    /// Makes `wd` the watch of a node that has none.
    void bind(WatchNode& node, int wd);

    /// The watch to end, when the node was the last that it served.
    [[nodiscard]] std::optional<int> unbind(WatchNode& node);

    [[nodiscard]] std::vector<WatchNode*> ownersOf(int wd) const;
    [[nodiscard]] bool isOwner(int wd, const WatchNode* node) const;

    /// Watches in use.
    [[nodiscard]] std::uint64_t watchCount() const { return _owners.size(); }

    /// The leaf that has been quiet for longest and has a watch of its own; null when there is none.
    [[nodiscard]] WatchNode* coldestLeaf() const;

private:
    std::unordered_map<int, std::vector<WatchNode*>> _owners;
};

} // namespace tidewire
