// The frames that came up for one share of a connection, and what the store calls them.

#pragma once

#include "relay/session/ShareWriter.h"

#include <deque>
#include <memory>

namespace tidewire {

/// The last kFrameWindow frames of an agent in one share.
class UpWindow
{
public:
    /// Takes the frame with the agent's number `id` in. Throws ProtocolError when it is not the next one.
    void push(FrameId id,
              FrameId storeId,
              std::uint32_t rawLength,
              std::shared_ptr<const BatchFate> fate);

    /// Gives the Data operations of `proposal` the store's frame numbers. Refusal::None when that worked; Malformed for a frame
    /// outside the window or a range outside a frame; StorageFull for a frame that could not be stored.
    [[nodiscard]] Refusal translate(Proposal& proposal) const;

private:
    struct Item
    {
        FrameId storeId = 0;
        std::uint32_t rawLength = 0;
        std::shared_ptr<const BatchFate> fate;
    };

    Refusal translate(const Op& op, Delta& result) const;
    [[nodiscard]] const Item* find(FrameId id) const;

    std::deque<Item> _items;
    FrameId _next = 0; // number of the frame that must come next
};

} // namespace tidewire
