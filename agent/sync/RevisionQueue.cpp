#include "agent/sync/RevisionQueue.h"

#include <algorithm>
#include <utility>

namespace tidewire {

namespace {

constexpr std::size_t kForgetPage = 256;

} // namespace

void RevisionQueue::beginMessage(Seq cursor, std::uint64_t tag)
{
    // The message itself counts as open while revisions are added to it.
    _messages.push_back({cursor, tag, 1});
    _filling = true;
}

void RevisionQueue::endMessage()
{
    _filling = false;
    --_messages.back().open;
    moveCursor();
}

bool RevisionQueue::add(Item item)
{
    const RelativePath path = item.revision.path;
    const auto known = _items.find(path);
    if (known != _items.end() && known->second.revision.seq >= item.revision.seq)
    {
        return false;
    }
    if (known != _items.end() && known->second.state == State::Applying)
    {
        return addBehind(known->second, std::move(item));
    }
    if (known == _items.end() && mustSpill(item))
    {
        spill(item);
        return true;
    }
    bool hasOlder = hasUnloaded();
    if (known != _items.end())
    {
        hasOlder = hasOlder || known->second.pending;
        letGo(known->second);
        _items.erase(known);
    }
    if (hasOlder && !item.pending)
    {
        // An older pending revision of the path must not come back.
        _share.index.removePending(_share.record.id, path);
    }
    joinMessage(item);
    std::optional<InlineContent> content = std::exchange(item.content, std::nullopt);
    Item& place = _items.emplace(path, std::move(item)).first->second;
    setContent(place, std::move(content));
    toDecide(place);
    return true;
}

bool RevisionQueue::isLarge(const Revision& revision)
{
    return revision.entry.kind == EntryKind::File && revision.entry.size > kLargeBytes;
}

/// True when there is no room, or when what was put off to the index has to come first: a parent folder may be among it, or
/// the children of a folder that goes.
bool RevisionQueue::mustSpill(const Item& item) const
{
    if (item.judged)
    {
        return false;
    }
    if (_items.size() >= _maxItems || (isLarge(item.revision) && _delayed.size() >= _maxParked))
    {
        return true;
    }
    const RelativePath parent = item.revision.path.parent();
    return _spilled && (item.revision.entry.kind == EntryKind::Tombstone ||
                        (!parent.isRoot() && !_share.index.get(_share.record.id, parent)));
}

void RevisionQueue::spill(Item& item)
{
    leaveMessage(item);
    _share.index.putPending(_share.record.id, {item.revision, 0});
    _spilled = true;
    _loadedUpTo = std::min(_loadedUpTo, Index::PendingPosition{item.revision.seq, {}});
}

/// What is on its way to the disk cannot be replaced. The newer one holds its own message open until its turn has come.
bool RevisionQueue::addBehind(Item& first, Item item)
{
    if (first.next && first.next->revision.seq >= item.revision.seq)
    {
        rejoin(*first.next);
        return false;
    }
    joinMessage(item);
    if (first.next)
    {
        leaveMessage(*first.next);
    }
    first.next = std::make_unique<Item>(std::move(item));
    return true;
}

void RevisionQueue::follow(Item& first, Item newer)
{
    if (first.next && first.next->revision.seq >= newer.revision.seq)
    {
        rejoin(*first.next);
        return;
    }
    if (first.next)
    {
        leaveMessage(*first.next);
    }
    first.next = std::make_unique<Item>(std::move(newer));
    first.next->pending = false;
    letFollow(first);
}

void RevisionQueue::letFollow(Item& first)
{
    if (!first.next || first.next->pending)
    {
        return;
    }
    Item& newer = *first.next;
    detach(first);
    leaveMessage(newer);
    _share.index.putFollowing(_share.record.id, {newer.revision, 0});
    newer.pending = true;
    newer.content.reset();
}

RevisionQueue::Item* RevisionQueue::find(const RelativePath& path)
{
    const auto found = _items.find(path);
    return found == _items.end() ? nullptr : &found->second;
}

const RevisionQueue::Item* RevisionQueue::find(const RelativePath& path) const
{
    const auto found = _items.find(path);
    return found == _items.end() ? nullptr : &found->second;
}

bool RevisionQueue::hasBelow(const RelativePath& folder) const
{
    return std::ranges::any_of(_items, [&](const auto& place) {
        const auto& [path, item] = place;
        return path != folder && path.isWithin(folder) &&
               item.revision.entry.kind != EntryKind::Tombstone;
    });
}

void RevisionQueue::setContent(Item& item, std::optional<InlineContent> content)
{
    _heldBytes -= item.content ? item.content->bytes.size() : 0;
    item.content = std::move(content);
    _heldBytes += item.content ? item.content->bytes.size() : 0;
}

void RevisionQueue::restart()
{
    for (auto& [path, item] : _items)
    {
        item.arrival.reset();
        if (item.next)
        {
            item.next->arrival.reset();
        }
    }
    _firstMessage += _messages.size();
    _messages.clear();
    _filling = false;
}

void RevisionQueue::rejoin(Item& item)
{
    if (!item.pending)
    {
        joinMessage(item);
    }
}

void RevisionQueue::clear()
{
    _items.clear();
    _decisions.clear();
    _postponed.clear();
    _delayed.clear();
    _waiting.clear();
    _messages.clear();
    _heldBytes = 0;
    _spilled = false;
    _largeLeft = false;
    _waitingLeft = false;
    _revisit.reset();
    _loadedUpTo = {};
    for (;;)
    {
        const auto page = _share.index.pendingAfter(_share.record.id, {}, kForgetPage);
        for (const Index::Pending& pending : page)
        {
            _share.index.removePending(_share.record.id, pending.revision.path);
        }
        if (page.size() < kForgetPage)
        {
            return;
        }
    }
}

void RevisionQueue::toDecide(Item& item)
{
    unpark(item);
    item.state = State::New;
    _decisions.emplace(item.revision.seq, item.revision.path);
}

RevisionQueue::Item* RevisionQueue::nextToDecide()
{
    while (!_decisions.empty())
    {
        const auto first = *_decisions.begin();
        _decisions.erase(_decisions.begin());
        Item* item = find(first.second);
        if (item != nullptr && item->state == State::New && item->revision.seq == first.first)
        {
            return item;
        }
    }
    return nullptr;
}

void RevisionQueue::detach(Item& item)
{
    if (!item.pending)
    {
        _share.index.putPending(_share.record.id, {item.revision, item.failures});
        item.pending = true;
    }
    leaveMessage(item);
}

/// The item is about to go.
void RevisionQueue::letGo(Item& item)
{
    setContent(item, std::nullopt);
    unpark(item);
    leaveMessage(item);
}

/// The item counts towards the message that is being taken in.
void RevisionQueue::joinMessage(Item& item)
{
    if (_filling && !item.arrival)
    {
        item.arrival = _firstMessage + _messages.size() - 1;
        ++_messages.back().open;
    }
}

/// The item no longer counts towards the message that it came with.
void RevisionQueue::leaveMessage(Item& item)
{
    if (item.arrival)
    {
        --_messages[static_cast<std::size_t>(*item.arrival - _firstMessage)].open;
        item.arrival.reset();
        moveCursor();
    }
}

std::unique_ptr<RevisionQueue::Item> RevisionQueue::finish(const RelativePath& path)
{
    const auto found = _items.find(path);
    Item& item = found->second;
    if (item.pending)
    {
        _share.index.removePending(_share.record.id, path);
    }
    letGo(item);
    std::unique_ptr<Item> next = std::move(item.next);
    if (next && next->pending)
    {
        _share.index.putPending(_share.record.id, {next->revision, next->failures});
    }
    const bool isFolder = item.revision.entry.kind == EntryKind::Directory;
    _items.erase(found);
    if (isFolder)
    {
        wakeInFolder(path);
    }
    return next;
}

void RevisionQueue::apply(Item& item)
{
    unpark(item);
    item.state = State::Applying;
}

void RevisionQueue::moveCursor()
{
    Seq& cursor = _share.comparison ? _share.comparison->cursor : _share.record.cursor;
    std::uint64_t& tag = _share.comparison ? _share.comparison->tag : _share.record.tag;
    const Seq before = cursor;
    while (!_messages.empty() && _messages.front().open == 0)
    {
        if (_messages.front().cursor > cursor)
        {
            cursor = _messages.front().cursor;
            tag = _messages.front().tag;
        }
        _messages.pop_front();
        ++_firstMessage;
    }
    if (cursor != before && !_share.comparison)
    {
        // What was applied is on the medium before it is recorded.
        static_cast<void>(_share.raiseDurable(cursor));
        _share.index.putShare(_share.record);
    }
}

} // namespace tidewire
