// The linear space that Data operations address.

#pragma once

#include "shared/model/Entry.h"

namespace tidewire {

/// Where a Data operation begins. Bytes [frame * kFrameBytes, ...) belong to that frame; only a
/// full frame has bytes right before the next one, so what is adjacent here is adjacent in content.
[[nodiscard]] inline std::uint64_t addressOf(const Op& op)
{
    return op.frame * kFrameBytes + op.offset;
}

/// The Data operation that begins at `address`.
[[nodiscard]] inline Op dataAt(std::uint64_t address, std::uint64_t length)
{
    return {OpKind::Data, address / kFrameBytes, address % kFrameBytes, length};
}

/// `op` without its first `count` bytes (fewer than it has).
[[nodiscard]] inline Op withoutFirst(const Op& op, std::uint64_t count)
{
    if (op.kind == OpKind::Data)
    {
        return dataAt(addressOf(op) + count, op.length - count);
    }
    const std::uint64_t offset = op.kind == OpKind::Copy ? op.offset + count : 0;
    return {op.kind, 0, offset, op.length - count};
}

} // namespace tidewire
