// Collects frame ids from Data operations.

#include "relay/session/NamedFrames.h"

#include "shared/wire/Messages.h"

#include <algorithm>

namespace tidewire {

std::optional<std::vector<FrameId>> namedFrames(const Delta& ops)
{
    std::vector<FrameId> frames;
    for (const Op& op : ops)
    {
        if (op.kind != OpKind::Data)
        {
            continue;
        }
        const std::uint64_t count =
            (op.offset % kFrameBytes + op.length + kFrameBytes - 1) / kFrameBytes;
        if (count > kFrameWindow)
        {
            return std::nullopt;
        }
        for (std::uint64_t i = 0; i < count; ++i)
        {
            const FrameId id = op.frame + op.offset / kFrameBytes + i;
            if (std::find(frames.begin(), frames.end(), id) == frames.end())
            {
                frames.push_back(id);
            }
        }
        if (frames.size() > kFrameWindow)
        {
            return std::nullopt;
        }
    }
    return frames;
}

void addMissing(std::vector<FrameId>& frames, const std::vector<FrameId>& more)
{
    for (const FrameId id : more)
    {
        if (std::find(frames.begin(), frames.end(), id) == frames.end())
        {
            frames.push_back(id);
        }
    }
}

} // namespace tidewire
