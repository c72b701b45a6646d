// The revisions that were received and are not on the disk yet, and how far the cursor may move.

#pragma once

#include "agent/sync/Fetcher.h"
#include "agent/sync/ShareContext.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace tidewire {

/// One revision a path: a newer one takes the place of an older one.
///
/// The cursor moves past a message once each of its revisions is finished or stands in the index as pending. What
/// takes long (large contents, conflicts, failures) is made pending, so that it holds nothing up and survives a restart. When
/// the queue is full, further ones go to the index at once and are loaded in the order of the journal when there is
/// room; meanwhile only changes in folders that are there already go past them.
///
/// Memory: ShareOptions::maxRevisions items; an eighth of them at most wait for a download, as many for another try, and as many
/// for the local side; what is beyond that waits in the index.
/// Thread: sync.
class RevisionQueue
{
public:
    /// A content of more than this is made in turns with others, in a file of its own.
    static constexpr std::uint64_t kLargeBytes = 256 << 10;

    enum class State : std::uint8_t
    {
        New,      ///< to be decided on
        Waiting,  ///< for the local side
        Delayed,  ///< until a download ends, or there is a connection
        Ready,    ///< a task is made
        Fetching, ///< its content is on its way or in the making
        Applying, ///< on its way to the disk
        Retry,    ///< after retryAt
    };

    struct Item
    {
        Revision revision;
        State state = State::New;
        bool judged = false;    ///< our own change was refused
        bool keepLocal = false; ///< what is on the disk becomes a conflict copy
        bool beside = false;    ///< goes to a conflict name, since a directory keeps the name
        bool noTwin = false;    ///< local files with that content did not do
        bool noBase = false;    ///< nor did the old content
        unsigned failures = 0;
        SteadyTime retryAt{};
        Seq source = 0;                       ///< revision that Copy operations of `content` read
        std::optional<InlineContent> content; ///< see setContent()
        std::optional<Signature> signature;   ///< of the finished download
        bool downloaded = false;
        std::unique_ptr<Item> next; ///< came while this one was being applied, or follows it

        // The queue's own.
        bool pending = false;
        std::optional<std::uint64_t> arrival;
    };

    explicit RevisionQueue(ShareContext& share):
        _share(share),
        _maxItems(share.options.maxRevisions),
        _maxParked(_maxItems / 8)
    {
    }

    /// A message came; the revisions that are added next belong to it.
    void beginMessage(Seq cursor, std::uint64_t tag);
    void endMessage();

    /// False when the path has this revision, or a newer one, already. Replaces an older one: end its work first; one
    /// that is being applied stays, and finish() hands the newer one over.
    bool add(Item item);

    /// Has a newer revision of the path wait until the item is finished, in the index as well: its cursor is not held up.
    void follow(Item& first, Item newer);

    /// The same for what came while the item was being applied, which is to be tried again.
    void letFollow(Item& first);

    [[nodiscard]] static bool isLarge(const Revision& revision);

    /// The item of the path; when it is in the index alone it is loaded for a decision.
    Item* findOrLoad(const RelativePath& path);

    [[nodiscard]] Item* find(const RelativePath& path);
    [[nodiscard]] const Item* find(const RelativePath& path) const;

    /// True when there is an item for a path below `folder`.
    [[nodiscard]] bool hasBelow(const RelativePath& folder) const;

    /// Hands the item its content, or takes it away.
    void setContent(Item& item, std::optional<InlineContent> content);

    /// Bytes of content that wait in items.
    [[nodiscard]] std::size_t heldBytes() const { return _heldBytes; }

    /// The cursor was set back, or the connection has ended: what came so far no longer moves it, it comes again.
    void restart();

    /// The item came again.
    void rejoin(Item& item);

    /// Forgets all, in the index too: another store counts its revisions anew.
    void clear();

    /// Marks the item for a decision, in the order of the journal.
    void toDecide(Item& item);

    [[nodiscard]] bool hasDecisions() const { return !_decisions.empty(); }

    /// The next item to decide on; null when there is none.
    Item* nextToDecide();

    /// Makes the item pending: it no longer holds the cursor up.
    void detach(Item& item);

    /// The local side comes first: nothing happens until toDecide(). The item may be gone from memory after the next refill(), and
    /// come back by recall().
    void wait(Item& item);

    /// The item is on its way to the disk.
    void apply(Item& item);

    /// The item of the path when it waits for the local side, here or in the index; null when there is none.
    Item* recall(const RelativePath& path);

    /// All that waits for the local side is to be decided on again.
    void recallAll();

    /// The item is done. What was put off in a folder is to be decided on again with it. Returns what came in the meantime.
    std::unique_ptr<Item> finish(const RelativePath& path);

    /// Puts the item off. It may be gone from memory after the next refill().
    void postpone(Item& item, SteadyTime until);

    /// Puts the item off until one of the two below.
    void delay(Item& item);

    /// The first of the delayed items that `fits` is to be decided on again; null when there is none.
    Item* wakeDelayed(const std::function<bool(const Revision&)>& fits);

    /// There is a connection again: all of them are.
    void wakeAllDelayed();

    /// Items whose time has come are to be decided on again; loads from the index what there is room for.
    void refill(SteadyTime now);
    [[nodiscard]] std::optional<SteadyTime> nextDue() const;

    /// True when the index may hold revisions that are not here.
    [[nodiscard]] bool hasUnloaded() const
    {
        return _spilled || _largeLeft || _waitingLeft || _revisit;
    }

    /// True when refill() would load more at once.
    [[nodiscard]] bool canLoad() const { return _spilled && _items.size() < _maxItems / 2; }

    [[nodiscard]] bool isEmpty() const { return _items.empty() && !hasUnloaded(); }
    [[nodiscard]] std::size_t size() const { return _items.size(); }

    /// All items, for decisions anew after a disconnection.
    template <typename Each>
    void forEach(Each each)
    {
        for (auto& [path, item] : _items)
        {
            each(item);
        }
    }

private:
    struct Message
    {
        Seq cursor = 0;
        std::uint64_t tag = 0;
        std::size_t open = 0;
    };

    [[nodiscard]] bool mustSpill(const Item& item) const;
    void spill(Item& item);
    void evictPostponed();
    void evictWaiting();
    void evict(const RelativePath& path);
    void wakeInFolder(const RelativePath& folder);
    void loadFromStart();
    void unpark(Item& item);
    void letGo(Item& item);
    bool addBehind(Item& first, Item item);
    void joinMessage(Item& item);
    void leaveMessage(Item& item);
    void moveCursor();
    Item& loaded(const Index::Pending& pending);
    void load();

    ShareContext& _share;
    const std::size_t _maxItems;
    const std::size_t _maxParked;
    std::map<RelativePath, Item> _items;
    std::set<std::pair<Seq, RelativePath>> _decisions;
    std::set<std::pair<SteadyTime, RelativePath>> _postponed;
    std::set<std::pair<Seq, RelativePath>> _delayed;
    std::set<std::pair<Seq, RelativePath>> _waiting;
    std::deque<Message> _messages;
    std::uint64_t _firstMessage = 0; // number of _messages.front()
    std::size_t _heldBytes = 0;
    bool _filling = false; // between beginMessage() and endMessage()
    bool _spilled = true;  // the index may hold pending revisions that are not here
    Index::PendingPosition _loadedUpTo;
    bool _largeLeft = false;            // loading passed over large ones
    bool _waitingLeft = false;          // some that wait for the local side were evicted
    std::optional<SteadyTime> _revisit; // when what was evicted is loaded again
};

} // namespace tidewire
