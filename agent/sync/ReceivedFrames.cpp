#include "agent/sync/ReceivedFrames.h"

#include "shared/wire/FrameCodec.h"

namespace tidewire {

SharedFrame ReceivedFrames::find(ShareNumber share, FrameId id) const
{
    for (auto item = _frames.rbegin(); item != _frames.rend(); ++item)
    {
        if (item->share == share && item->id == id)
        {
            return item->frame;
        }
    }
    return nullptr;
}

std::shared_ptr<const Bytes> ReceivedFrames::raw(ShareNumber share, FrameId id)
{
    for (auto item = _frames.rbegin(); item != _frames.rend(); ++item)
    {
        if (item->share == share && item->id == id)
        {
            if (!item->raw)
            {
                item->raw = std::make_shared<const Bytes>(unpackFrame(*item->frame));
            }
            return item->raw;
        }
    }
    return nullptr;
}

} // namespace tidewire
