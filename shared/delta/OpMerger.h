// Hands operations on to a DeltaSink, those that continue each other as one.

#pragma once

#include "shared/delta/ContentScan.h"
#include "shared/model/Entry.h"

#include <algorithm>

namespace tidewire {

/// Joins adjacent copies, and adjacent zeros; cuts literal into pieces of at most kFrameBytes.
class OpMerger
{
public:
    /// `sink` must outlive this.
    explicit OpMerger(DeltaSink& sink): _sink(sink) {}

    void copy(std::uint64_t offset, std::uint64_t length)
    {
        if (_kind != OpKind::Copy || _offset + _length != offset)
        {
            flush();
            _kind = OpKind::Copy;
            _offset = offset;
        }
        _length += length;
    }

    void zero(std::uint64_t length)
    {
        if (_kind != OpKind::Zero)
        {
            flush();
            _kind = OpKind::Zero;
        }
        _length += length;
    }

    void literal(ByteView bytes)
    {
        flush();
        while (!bytes.empty())
        {
            const ByteView piece = bytes.first(std::min<std::size_t>(bytes.size(), kFrameBytes));
            _sink.literal(piece);
            bytes = bytes.subspan(piece.size());
        }
    }

    /// To be called at the end: what is held back goes out.
    void flush()
    {
        if (_length > 0 && _kind == OpKind::Copy)
        {
            _sink.copy(_offset, _length);
        }
        else if (_length > 0)
        {
            _sink.zero(_length);
        }
        _length = 0;
    }

private:
    DeltaSink& _sink;
    OpKind _kind = OpKind::Zero;
    std::uint64_t _offset = 0;
    std::uint64_t _length = 0;
};

} // namespace tidewire
