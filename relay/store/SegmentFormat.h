// The bytes of a segment file: its header, and the record that every frame is kept in.

#pragma once

#include "shared/base/Bytes.h"
#include "shared/model/Entry.h"

#include <array>
#include <cstdint>
#include <optional>

namespace tidewire {

// A segment is a header and then records without gaps, all integers little-endian. Every record
// names its frame and carries checksums, so a segment can be verified, and the table of frames
// rebuilt, without the database.
//
//   segment  magic "TWSEGM\0\1" | incarnation 16 | number u32 | zero u32
//   record   magic "TWFR" | encoding u8 | zero 3 | stored length u32 | raw length u32 | id u64
//            | XXH3-64 of the stored bytes u64 | XXH3-64 of the 32 bytes before u64 | stored bytes

inline constexpr std::size_t kSegmentHeaderBytes = 32;
inline constexpr std::size_t kRecordHeaderBytes = 40;

/// What the header of a record tells.
struct RecordHeader
{
    FrameId id = 0;
    FrameEncoding encoding = FrameEncoding::Raw;
    std::uint32_t storedLength = 0; ///< 1..rawLength; Raw: rawLength
    std::uint32_t rawLength = 0;    ///< 1..kFrameBytes
    std::uint64_t checksum = 0;

    friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

/// True when the lengths and the encoding of a frame are what Frame allows; no checksum is taken.
[[nodiscard]] bool isWellFormed(const Frame& frame);

[[nodiscard]] Bytes encodeSegmentHeader(const std::array<std::uint8_t, 16>& incarnation,
                                        std::uint32_t number);

/// Replaces `out` by the header of the record of a frame; the stored bytes follow it.
void encodeRecordHeader(FrameId id, const Frame& frame, Bytes& out);

/// Replaces `out` by the record of a frame.
void encodeRecord(FrameId id, const Frame& frame, Bytes& out);

/// Nothing when the bytes are no such header: wrong magic, checksum or lengths.
[[nodiscard]] std::optional<RecordHeader> decodeRecordHeader(ByteView bytes);

} // namespace tidewire
