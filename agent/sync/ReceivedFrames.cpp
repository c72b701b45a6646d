#include "agent/sync/ReceivedFrames.h"

#include "shared/wire/FrameCodec.h"

#include <algorithm>

namespace tidewire {

SharedFrame ReceivedFrames::find(ShareNumber share, FrameId id) const
{
    const auto item = std::find_if(_frames.rbegin(), _frames.rend(), [&](const Item& frame) {
        return frame.share == share && frame.id == id;
    });
    return item == _frames.rend() ? nullptr : item->frame;
}

std::shared_ptr<const Bytes> ReceivedFrames::raw(ShareNumber share, FrameId id)
{
    const auto item = std::find_if(_frames.rbegin(), _frames.rend(), [&](const Item& frame) {
        return frame.share == share && frame.id == id;
    });
    if (item == _frames.rend())
    {
        return nullptr;
    }
    if (!item->raw)
    {
        item->raw = std::make_shared<const Bytes>(unpackFrame(*item->frame));
    }
    return item->raw;
}

} // namespace tidewire
