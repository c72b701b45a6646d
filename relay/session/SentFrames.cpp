// The window as a queue, and what must be sent to fill it.

#include "relay/session/SentFrames.h"

#include <algorithm>

namespace tidewire {

bool SentFrames::contains(const Key& key) const
{
    return std::find(_keys.begin(), _keys.end(), key) != _keys.end();
}

const SentFrames::Key* SentFrames::next() const
{
    return _keys.size() < kFrameWindow ? nullptr : &_keys.front();
}

void SentFrames::push(const Key& key)
{
    if (_keys.size() == kFrameWindow)
    {
        _keys.pop_front();
    }
    _keys.push_back(key);
}

std::vector<FrameId> SentFrames::bringIn(ShareNumber share, std::span<const FrameId> needed)
{
    std::vector<FrameId> missing;
    std::copy_if(needed.begin(), needed.end(), std::back_inserter(missing), [&](FrameId id) {
        return !contains({share, id});
    });
    SentFrames after = *this;
    for (const FrameId id : missing)
    {
        after.push({share, id});
    }
    const bool complete = std::all_of(needed.begin(), needed.end(), [&](FrameId id) {
        return after.contains({share, id});
    });
    if (!complete)
    {
        // The missing ones push out others of the message: only the whole set fits for certain.
        missing.assign(needed.begin(), needed.end());
        after = *this;
        for (const FrameId id : missing)
        {
            after.push({share, id});
        }
    }
    *this = std::move(after);
    return missing;
}

} // namespace tidewire
