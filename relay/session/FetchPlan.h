// The operations that are left of a fetch, cut where frames end.

#pragma once

#include "relay/store/Store.h"

#include <optional>

namespace tidewire {

/// Walks a delta from front to back in pieces of at most one frame.
class FetchPlan
{
public:
    /// What makes the content of revision `seq` from `offset` on, copying from `base` when the store still knows it.
    /// Nothing when the revision is gone. Throws ProtocolError when `offset` lies behind the end.
    [[nodiscard]] static std::optional<FetchPlan>
    make(const Store& store, Seq seq, Seq base, std::uint64_t offset);

    [[nodiscard]] bool isDone() const { return _next == _ops.size(); }

    /// Operations that are held in memory.
    [[nodiscard]] std::size_t opCount() const { return _ops.size(); }

    /// The next piece: a whole Copy or Zero, or what Data reads of one frame, with offset < kFrameBytes. Not when isDone().
    [[nodiscard]] Op piece() const;

    /// The piece was sent.
    void advance();

    /// Bytes of a frame that the next operations read; looks 256 operations ahead.
    [[nodiscard]] std::uint64_t wanted(FrameId frame) const;

    /// At most `bytes` bytes are left, in a few operations.
    [[nodiscard]] bool isSmall(std::uint64_t bytes) const;

private:
    explicit FetchPlan(Delta ops): _ops(std::move(ops)) {}

    Delta _ops;
    std::size_t _next = 0;   // the operation under way
    std::uint64_t _done = 0; // bytes of it that were sent
};

} // namespace tidewire
