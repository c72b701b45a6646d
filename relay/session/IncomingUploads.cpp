// Keeps the last frames of what is followed, and tells what became of it.

#include "relay/session/IncomingUploads.h"

#include <algorithm>

namespace tidewire {

std::uint64_t IncomingUpload::available() const
{
    return std::min<std::uint64_t>(std::uint64_t{frames} * kFrameBytes, file.size);
}

std::shared_ptr<const Frame> IncomingUpload::find(FrameId id) const
{
    const FrameId oldest = first + frames - recent.size();
    return id < oldest || id >= first + frames ? nullptr
                                               : recent[static_cast<std::size_t>(id - oldest)];
}

std::uint64_t IncomingUploads::open(ConnectionId origin, const UploadedFile& file, FrameId first)
{
    const auto older = std::ranges::find_if(_items, [&](const auto& item) {
        return item.second->origin == origin && item.second->file.path == file.path;
    });
    if (older != _items.end())
    {
        end(older->first);
    }
    if (_items.size() == kMaxIncoming)
    {
        return 0;
    }
    const auto item = std::make_shared<IncomingUpload>();
    item->number = _next++;
    item->origin = origin;
    item->file = file;
    item->first = first;
    _items.emplace(item->number, item);
    _untold.push_back(item);
    return item->number;
}

void IncomingUploads::add(std::uint64_t number, Frame&& frame)
{
    const auto found = _items.find(number);
    if (found == _items.end())
    {
        return;
    }
    IncomingUpload& upload = *found->second;
    ++upload.frames;
    const bool isFollowed = found->second.use_count() > 1;
    if (!isFollowed && upload.frames > kRecentFrames)
    {
        upload.recent.clear();
        return;
    }
    if (upload.recent.size() == kRecentFrames)
    {
        upload.recent.pop_front();
    }
    upload.recent.push_back(std::make_shared<const Frame>(std::move(frame)));
}

void IncomingUploads::propose(std::uint64_t number, std::uint64_t size, Seq seq)
{
    const auto found = _items.find(number);
    if (found != _items.end() && found->second->file.size == size)
    {
        auto node = _items.extract(found);
        node.mapped()->seq = seq;
        _proposed.insert(std::move(node));
    }
}

void IncomingUploads::end(std::uint64_t number)
{
    auto node = _items.extract(number);
    if (!node.empty())
    {
        node.mapped()->state = IncomingUpload::State::Ended;
    }
}

void IncomingUploads::settle(const std::vector<Accepted>& accepted)
{
    for (const auto& [number, item] : std::exchange(_proposed, {}))
    {
        const bool isAccepted = std::any_of(
            accepted.begin(), accepted.end(), [&, seq = item->seq](const Accepted& one) {
                return one.revision.seq == seq;
            });
        item->state = isAccepted ? IncomingUpload::State::Accepted : IncomingUpload::State::Ended;
        if (!isAccepted)
        {
            continue;
        }
        if (_accepted.size() == kMaxKnown)
        {
            _accepted.pop_front();
        }
        _accepted.emplace_back(number, item->seq);
    }
}

std::vector<std::shared_ptr<const IncomingUpload>> IncomingUploads::takeNew()
{
    std::vector<std::shared_ptr<const IncomingUpload>> result;
    for (const Item& item : std::exchange(_untold, {}))
    {
        if (item->state == IncomingUpload::State::Coming && _items.contains(item->number))
        {
            result.push_back(item);
        }
    }
    return result;
}

std::uint64_t IncomingUploads::numberOf(Seq seq) const
{
    const auto known =
        std::ranges::find(_accepted, seq, [](const auto& one) { return one.second; });
    return known == _accepted.end() ? 0 : known->first;
}

std::shared_ptr<const IncomingUpload> IncomingUploads::find(std::uint64_t number) const
{
    for (const auto* items : {&_items, &_proposed})
    {
        if (const auto found = items->find(number); found != items->end())
        {
            return found->second;
        }
    }
    const auto known =
        std::ranges::find(_accepted, number, [](const auto& one) { return one.first; });
    if (known == _accepted.end())
    {
        return nullptr;
    }
    auto ended = std::make_shared<IncomingUpload>();
    ended->number = number;
    ended->state = IncomingUpload::State::Accepted;
    ended->seq = known->second;
    return ended;
}

} // namespace tidewire
