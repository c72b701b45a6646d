#include "relay/store/SegmentFormat.h"

#include "shared/base/ByteReader.h"
#include "shared/base/ByteWriter.h"

#include <xxhash.h>

#include <algorithm>

namespace tidewire {

namespace {

constexpr std::array<std::uint8_t, 8> kSegmentMagic{'T', 'W', 'S', 'E', 'G', 'M', 0, 1};
constexpr std::array<std::uint8_t, 4> kRecordMagic{'T', 'W', 'F', 'R'};
constexpr std::size_t kCheckedBytes = kRecordHeaderBytes - 8;

bool areLengthsValid(FrameEncoding encoding, std::uint64_t stored, std::uint32_t raw)
{
    return raw >= 1 && raw <= kFrameBytes && stored >= 1 && stored <= raw &&
           (encoding != FrameEncoding::Raw || stored == raw);
}

} // namespace

bool isWellFormed(const Frame& frame)
{
    return (frame.encoding == FrameEncoding::Raw || frame.encoding == FrameEncoding::Zlib) &&
           areLengthsValid(frame.encoding, frame.stored.size(), frame.rawLength);
}

Bytes encodeSegmentHeader(const std::array<std::uint8_t, 16>& incarnation, std::uint32_t number)
{
    Bytes out;
    out.reserve(kSegmentHeaderBytes);
    ByteWriter writer(out);
    writer.raw(kSegmentMagic);
    writer.raw(incarnation);
    writer.u32(number);
    writer.u32(0);
    return out;
}

void encodeRecordHeader(FrameId id, const Frame& frame, Bytes& out)
{
    out.clear();
    out.reserve(kRecordHeaderBytes);
    ByteWriter writer(out);
    for (const std::uint8_t byte : kRecordMagic)
    {
        writer.u8(byte);
    }
    writer.u32(static_cast<std::uint32_t>(frame.encoding));
    writer.u32(static_cast<std::uint32_t>(frame.stored.size()));
    writer.u32(frame.rawLength);
    writer.u64(id);
    writer.u64(frame.checksum);
    writer.u64(XXH3_64bits(out.data(), out.size()));
}

void encodeRecord(FrameId id, const Frame& frame, Bytes& out)
{
    out.reserve(kRecordHeaderBytes + frame.stored.size());
    encodeRecordHeader(id, frame, out);
    ByteWriter(out).raw(frame.stored);
}

std::optional<RecordHeader> decodeRecordHeader(ByteView bytes)
{
    ByteReader reader(bytes);
    const ByteView magic = reader.raw(kRecordMagic.size());
    const std::uint32_t encoding = reader.u32();
    RecordHeader header;
    header.storedLength = reader.u32();
    header.rawLength = reader.u32();
    header.id = reader.u64();
    header.checksum = reader.u64();
    const std::uint64_t check = reader.u64();
    if (!reader.ok() || !std::ranges::equal(magic, kRecordMagic) ||
        encoding > static_cast<std::uint32_t>(FrameEncoding::Zlib) ||
        check != XXH3_64bits(bytes.data(), kCheckedBytes))
    {
        return std::nullopt;
    }
    header.encoding = static_cast<FrameEncoding>(encoding);
    if (!areLengthsValid(header.encoding, header.storedLength, header.rawLength))
    {
        return std::nullopt;
    }
    return header;
}

} // namespace tidewire
