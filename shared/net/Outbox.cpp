// What waits to be sent on one connection, in two lanes.

#include "shared/net/Outbox.h"

#include <algorithm>

namespace tidewire {

void Outbox::push(std::shared_ptr<const Bytes> message, Lane lane)
{
    if (message->empty())
    {
        return;
    }
    _queued[lane] += message->size();
    queue(lane).push_back(std::move(message));
    choose();
}

ByteView Outbox::front() const
{
    const Queue& messages = queue(_current);
    return messages.empty() ? ByteView{} : ByteView(*messages.front()).subspan(_done);
}

std::size_t Outbox::front(std::span<ByteView> views) const
{
    if (empty() || views.empty())
    {
        return 0;
    }
    views[0] = front();
    std::size_t count = 1;
    for (const Lane lane : {Lane::Urgent, Lane::Bulk})
    {
        const Queue& messages = queue(lane);
        const std::size_t first = lane == _current ? 1 : 0;
        for (std::size_t i = first; i < messages.size() && count < views.size(); ++i)
        {
            views[count++] = *messages[i];
        }
    }
    return count;
}

void Outbox::take(std::size_t count)
{
    while (count > 0)
    {
        const std::size_t part = std::min(count, front().size());
        takeFront(part);
        count -= part;
    }
}

void Outbox::takeFront(std::size_t count)
{
    _done += count;
    _queued[_current] -= count;
    if (_done == queue(_current).front()->size())
    {
        queue(_current).pop_front();
        _done = 0;
    }
    choose();
}

void Outbox::dropBulk()
{
    Queue& bulk = queue(Lane::Bulk);
    const std::size_t begun = _current == Lane::Bulk && _done > 0 ? 1 : 0;
    while (bulk.size() > begun)
    {
        _queued.bulk -= bulk.back()->size();
        bulk.pop_back();
    }
    choose();
}

void Outbox::choose()
{
    if (_done == 0)
    {
        _current = queue(Lane::Urgent).empty() ? Lane::Bulk : Lane::Urgent;
    }
}

} // namespace tidewire
