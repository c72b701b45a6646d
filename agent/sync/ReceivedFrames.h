// The last frames that came down one way of a connection.

#pragma once

#include "agent/sync/DownloadJob.h"
#include "shared/wire/Messages.h"

#include <deque>
#include <memory>

namespace tidewire {

/// A FIFO of kFrameWindow frames, as the relay counts it (see kFrameWindow).
///
/// Memory: kFrameWindow frames, and of each the raw bytes once they were asked for: 2 MiB at the most.
class ReceivedFrames
{
public:
    void push(ShareNumber share, FrameId id, Frame frame)
    {
        if (_frames.size() == kFrameWindow)
        {
            _frames.pop_front();
        }
        _frames.push_back({share, id, std::make_shared<const Frame>(std::move(frame)), nullptr});
    }

    /// Null when it is not there.
    [[nodiscard]] SharedFrame find(ShareNumber share, FrameId id) const;

    /// The raw bytes, unpacked once for all who use the frame; null when it is not there. CorruptError as unpackFrame().
    [[nodiscard]] std::shared_ptr<const Bytes> raw(ShareNumber share, FrameId id);

    void clear() { _frames.clear(); }

private:
    struct Item
    {
        ShareNumber share;
        FrameId id;
        SharedFrame frame;
        std::shared_ptr<const Bytes> raw;
    };

    std::deque<Item> _frames;
};

} // namespace tidewire
