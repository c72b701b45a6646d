// RevisionQueue: what waits, in memory for as long as there is room, else in the index.

#include "agent/sync/RevisionQueue.h"

#include <algorithm>
#include <utility>

namespace tidewire {

namespace {

constexpr std::size_t kLoadPage = 256;
constexpr std::string_view kFirstName = "\x01"; // no name comes before it

} // namespace

void RevisionQueue::unpark(Item& item)
{
    if (item.state == State::Retry)
    {
        _postponed.erase({item.retryAt, item.revision.path});
    }
    else if (item.state == State::Delayed)
    {
        _delayed.erase({item.revision.seq, item.revision.path});
    }
    else if (item.state == State::Waiting)
    {
        _waiting.erase({item.revision.seq, item.revision.path});
    }
}

/// What could not be put into its folder before may find it now.
void RevisionQueue::wakeInFolder(const RelativePath& folder)
{
    const auto first = RelativePath::join(folder, kFirstName);
    if (!first)
    {
        return;
    }
    for (auto place = _items.lower_bound(*first);
         place != _items.end() && place->first.folder() == folder.text();
         ++place)
    {
        if (place->second.state == State::Retry)
        {
            toDecide(place->second);
        }
    }
    if (_revisit && _share.index.hasPendingIn(_share.record.id, folder))
    {
        loadFromStart();
    }
}

void RevisionQueue::wait(Item& item)
{
    detach(item);
    unpark(item);
    item.state = State::Waiting;
    _waiting.emplace(item.revision.seq, item.revision.path);
}

RevisionQueue::Item* RevisionQueue::findOrLoad(const RelativePath& path)
{
    Item* item = find(path);
    if (item == nullptr && hasUnloaded())
    {
        if (const auto pending = _share.index.pending(_share.record.id, path))
        {
            item = &loaded(*pending);
            toDecide(*item);
        }
    }
    return item;
}

RevisionQueue::Item* RevisionQueue::recall(const RelativePath& path)
{
    Item* item = find(path);
    if (item == nullptr && _waitingLeft)
    {
        if (const auto pending = _share.index.pending(_share.record.id, path))
        {
            item = &loaded(*pending);
            item->state = State::Waiting;
            _waiting.emplace(item->revision.seq, path);
        }
    }
    return item != nullptr && item->state == State::Waiting ? item : nullptr;
}

void RevisionQueue::recallAll()
{
    while (!_waiting.empty())
    {
        toDecide(*find(_waiting.begin()->second));
    }
    if (_waitingLeft)
    {
        loadFromStart();
    }
}

void RevisionQueue::postpone(Item& item, SteadyTime until)
{
    detach(item);
    unpark(item);
    item.state = State::Retry;
    item.retryAt = until;
    _postponed.emplace(until, item.revision.path);
}

void RevisionQueue::delay(Item& item)
{
    detach(item);
    unpark(item);
    item.state = State::Delayed;
    _delayed.emplace(item.revision.seq, item.revision.path);
}

RevisionQueue::Item* RevisionQueue::wakeDelayed(const std::function<bool(const Revision&)>& fits)
{
    for (const auto& [seq, path] : _delayed)
    {
        Item* item = find(path);
        if (fits(item->revision))
        {
            toDecide(*item);
            return item;
        }
    }
    return nullptr;
}

void RevisionQueue::wakeAllDelayed()
{
    while (wakeDelayed([](const Revision&) { return true; }) != nullptr)
    {
    }
}

void RevisionQueue::refill(SteadyTime now)
{
    while (!_postponed.empty() && _postponed.begin()->first <= now)
    {
        toDecide(*find(_postponed.begin()->second));
    }
    evictPostponed();
    evictWaiting();
    if ((_revisit && *_revisit <= now) || (_largeLeft && _delayed.size() <= _maxParked / 2) ||
        (_waitingLeft && _waiting.size() <= _maxParked / 2))
    {
        loadFromStart();
    }
    if (canLoad())
    {
        load();
    }
}

/// What fails again and again must not fill the memory: those whose turn is last wait in the index alone.
void RevisionQueue::evictPostponed()
{
    while (_postponed.size() > _maxParked)
    {
        const auto [until, path] = *_postponed.rbegin();
        evict(path);
        _revisit = std::min(_revisit.value_or(until), until);
    }
}

/// The local side may take its time, or never come to it: a file that cannot be read. What the relay has judged stays, since
/// the index does not know of that; its path is in somebody's hands, and soon free.
void RevisionQueue::evictWaiting()
{
    for (auto place = _waiting.end(); _waiting.size() > _maxParked && place != _waiting.begin();)
    {
        --place;
        const RelativePath path = place->second;
        if (!find(path)->judged)
        {
            ++place;
            evict(path);
            _waitingLeft = true;
        }
    }
}

void RevisionQueue::evict(const RelativePath& path)
{
    Item& item = *find(path);
    _share.index.putPending(_share.record.id, {item.revision, item.failures});
    letGo(item);
    _items.erase(path);
}

void RevisionQueue::loadFromStart()
{
    _revisit.reset();
    _largeLeft = false;
    _waitingLeft = false;
    _spilled = true;
    _loadedUpTo = {};
}

RevisionQueue::Item& RevisionQueue::loaded(const Index::Pending& pending)
{
    Item item;
    item.revision = pending.revision;
    item.failures = pending.failures;
    item.pending = true;
    if (auto newer = isLarge(item.revision)
                         ? _share.index.following(_share.record.id, item.revision.path)
                         : std::nullopt)
    {
        item.next = std::make_unique<Item>();
        item.next->revision = std::move(newer->revision);
        item.next->pending = true;
    }
    return _items.emplace(pending.revision.path, std::move(item)).first->second;
}

void RevisionQueue::load()
{
    const auto page = _share.index.pendingAfter(_share.record.id, _loadedUpTo, kLoadPage);
    for (const Index::Pending& pending : page)
    {
        _loadedUpTo = {pending.revision.seq, pending.revision.path};
        if (_items.contains(pending.revision.path))
        {
            continue;
        }
        if (isLarge(pending.revision) && _delayed.size() >= _maxParked)
        {
            _largeLeft = true;
            continue;
        }
        toDecide(loaded(pending));
    }
    if (page.size() < kLoadPage)
    {
        _spilled = false;
        _loadedUpTo = {};
    }
}

std::optional<SteadyTime> RevisionQueue::nextDue() const
{
    if (_postponed.empty())
    {
        return _revisit;
    }
    return std::min(_postponed.begin()->first, _revisit.value_or(_postponed.begin()->first));
}

} // namespace tidewire
