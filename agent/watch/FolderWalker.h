// Puts watches on folders: finds new ones, shares out the budget, polls the rest in turn.

#pragma once

#include "agent/watch/HintBatch.h"
#include "agent/watch/WatchTree.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <unordered_set>

namespace tidewire {

/// What bounds the work of a FolderWalker.
struct WalkLimits
{
    std::size_t batch = 64;                               ///< folders walked per step
    SteadyTime pollCycle = std::chrono::seconds(30);      ///< shortest time between two looks
    SteadyTime pollStep = std::chrono::milliseconds(100); ///< shortest time from folder to folder
    SteadyTime coldMargin = std::chrono::seconds(60);     ///< how much colder an evicted one is
};

/// Walks folders in small steps, so that events are read in between.
///
/// To walk a folder is to open it, watch it, list it, and queue what is new in it, in this order:
/// what is made after the listing is told by the watch. The folder changed last goes first, so
/// when the budget ends, it is the coldest subtrees that are without watches. Each of these is
/// one node, which is walked again in its turn: that hints at it with all that is below, and
/// gives it a watch when there is room now or when it has become warmer than a watched leaf.
///
/// Nothing that the tree believes is trusted: a folder is reached through the folder above it,
/// which must be the one that the tree knows. When it is not, the tree is behind the disk, the
/// events that will tell are still unread, and the folder above is walked after they were read.
///
/// Thread:    the watcher's own.
/// Ownership: borrows everything it is given.
/// Cost:      memory for the watched folders and the border to the polled ones.
class FolderWalker
{
public:
    FolderWalker(WatchPort& port, const Clock& clock, const WalkLimits& limits, HintBatch& hints);

    [[nodiscard]] const WatchTree& tree() const { return _tree; }

    /// Walks the node in one of the next steps, before all that was found by listing.
    void walkSoon(WatchNode& node);

    /// Walks the node and all that is known below it.
    void walkAll(WatchNode& top);

    /// Walks the node after the events that are in the queue now.
    void walkLater(WatchNode& node);

    /// Ends all watches of the subtree. The first form takes it out of its parent.
    void forgetChild(WatchNode& node);
    void forget(std::unique_ptr<WatchNode> top);

    /// The kernel ended this watch by itself: the folder is gone, or another one is in its place.
    void onWatchEnded(int wd);

    /// True when `wd` was ended here and its last events were still to come.
    [[nodiscard]] bool isKnownToBeEnded(int wd) const { return _ended.contains(wd); }

    /// The root is not there any more: one hint, no watches, no deletions.
    void loseRoot(WatchRoot& root);

    /// The event queue was seen empty.
    void onDrained();

    /// Walks some folders.
    void step();

    [[nodiscard]] bool hasWork() const { return !_walk.empty() || !_later.empty(); }

    /// When the next polled folder has its turn.
    [[nodiscard]] std::optional<SteadyTime> nextPoll() const;

    /// At the latest after this time a polled folder is looked at again.
    [[nodiscard]] SteadyTime pollCycle() const;

    /// Most watches that may be taken, as last looked up.
    [[nodiscard]] std::uint64_t budget() const { return _budget; }

private:
    struct ByRank
    {
        bool operator()(const WatchNode* a, const WatchNode* b) const
        {
            return a->rank != b->rank ? a->rank < b->rank : a < b;
        }
    };
    using NodeQueue = std::set<WatchNode*, ByRank>;

    void enqueue(WatchNode& node, WatchNode::Queue queue, std::int64_t rank);
    void dequeue(WatchNode& node);
    void poll(WatchNode& node, int why);
    void takePollTurn();
    void walk(WatchNode& node);
    void take(WatchNode& node, WatchableFolder& folder, const RelativePath& path);
    void list(WatchNode& node, WatchableFolder& folder, const RelativePath& path);
    void meetChild(WatchNode& node,
                   const RelativePath& path,
                   std::string_view name,
                   const FolderInfo& info);
    [[nodiscard]] bool makeRoom(const WatchNode& node);
    void warm(WatchNode& node, const FolderInfo& info) const;
    void unwatch(WatchNode& node);
    void dismantle(WatchNode& top);
    void hintFresh();

    WatchPort& _port;
    const Clock& _clock;
    const WalkLimits _limits;
    HintBatch& _hints;

    WatchTree _tree;
    NodeQueue _walk;
    NodeQueue _poll;
    std::unordered_set<WatchNode*> _later;
    std::unordered_set<WatchNode*> _fresh; // walked in this step
    std::unordered_set<int> _ended;
    std::int64_t _turn = 0;
    SteadyTime _lastPoll{0};
    std::uint64_t _budget = 0;
    std::optional<SteadyTime> _coldest; // no spare leaf is colder than this
};

/// True for a folder that is not synchronised.
[[nodiscard]] bool isShut(const WatchRoot& root, const RelativePath& folder);

} // namespace tidewire
