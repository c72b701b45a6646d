// Which frames a receiver still has: the sender's side of a frame window.

#pragma once

#include "shared/wire/Messages.h"

#include <deque>
#include <span>
#include <vector>

namespace tidewire {

/// The last kFrameWindow frames that were sent down a connection for one use, oldest first.
///
/// The receiver keeps the same list by counting the same FRAME messages.
class SentFrames
{
public:
    struct Key
    {
        ShareNumber share = 0;
        FrameId id = 0;

        friend bool operator==(const Key&, const Key&) = default;
    };

    [[nodiscard]] bool contains(const Key& key) const;

    /// The frame that the next push() puts out, or null while there is room.
    [[nodiscard]] const Key* next() const;

    /// A FRAME was sent.
    void push(const Key& key);

    /// Frames of `needed` (at most kFrameWindow different ones of one share) that have to be sent, in order, so that all of them stand in the
    /// window afterwards; push() has been done for them.
    [[nodiscard]] std::vector<FrameId> bringIn(ShareNumber share, std::span<const FrameId> needed);

private:
    std::deque<Key> _keys;
};

} // namespace tidewire
