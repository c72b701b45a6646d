// Frames with zlib, and the guess whether it is worth trying.

#include "shared/wire/FrameCodec.h"

#include "shared/base/Errors.h"
#include "shared/delta/StrongSum.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace tidewire {

namespace {

// Frames are compressed by the boards, once, and then stored and sent many times. Measured in
// frames of 128 KiB, zlib 1.2.13 on one x86 core (ratio, MB/s), C++ sources | log lines | a shared
// library:
//   level 1   0.212 134 | 0.217 166 | 0.385 75
//   level 3   0.191 112 | 0.204 109 | 0.371 56
//   level 4   0.175  91 | 0.191 104 | 0.358 52
//   level 5   0.165  72 | 0.180  75 | 0.350 40
//   level 6   0.161  47 | 0.179  59 | 0.347 25
// 4, the first one with lazy matching, gives most of what there is to gain at twice the speed of 6;
// 1 is for when the processor is what is short.
constexpr int kLevel = 4;
constexpr int kQuickLevel = 1;

constexpr std::size_t kSampleParts = 16;
constexpr std::size_t kSamplePartBytes = 256;

using ByteCounts = std::array<std::uint32_t, 256>;

/// Counts the bytes of parts all over `raw`; returns how many there are.
std::uint64_t countSample(ByteView raw, ByteCounts& counts)
{
    constexpr std::size_t kWhole = kSampleParts * kSamplePartBytes;
    const std::size_t part = raw.size() <= kWhole ? raw.size() : kSamplePartBytes;
    const std::size_t step = raw.size() <= kWhole ? raw.size() : raw.size() / kSampleParts;
    std::uint64_t total = 0;
    for (std::size_t begin = 0; begin + part <= raw.size() && total < kWhole; begin += step)
    {
        for (const std::uint8_t byte : raw.subspan(begin, part))
        {
            ++counts[byte];
        }
        total += part;
    }
    return total;
}

} // namespace

// The collision (Renyi) entropy of the bytes: how many pairs of the sample are equal, against the
// one in 256 of random bytes. Unlike the usual estimate of Shannon's it is right for short samples
// too, and needs no logarithms. A quarter more, beyond chance, is 7.7 bits in a byte.
bool looksRandom(ByteView raw)
{
    ByteCounts counts{};
    const std::uint64_t total = countSample(raw, counts);
    std::uint64_t equalPairs = 0;
    for (const std::uint64_t count : counts)
    {
        equalPairs += count * (count - (count != 0 ? 1 : 0)) / 2;
    }
    const std::uint64_t pairs = total * (total - 1) / 2;
    const std::uint64_t expected = pairs / 256;
    // Below: equalPairs <= expected * 1.25 + 3 standard deviations (the root of expected).
    const std::uint64_t excess = equalPairs - std::min(equalPairs, expected + expected / 4);
    return excess * excess <= 9 * expected;
}

namespace {

// Small files share frames, photographs among texts: what is random is passed through in between.
constexpr std::size_t kPartBytes = 1024;
constexpr std::size_t kPartSampleBytes = 256;

// Less is not worth the new Huffman codes that the next block begins with.
constexpr std::size_t kLeastRandomBytes = 2 * kPartBytes;

/// A stretch that is all random, or all not.
struct Stretch
{
    ByteView bytes;
    bool random = false;
};

/// The stretch that `rest` begins with.
Stretch nextStretch(ByteView rest)
{
    std::size_t randomFrom = 0; // of the random parts that were seen last
    std::size_t end = 0;
    while (end < rest.size())
    {
        const ByteView part = rest.subspan(end, std::min(kPartBytes, rest.size() - end));
        if (looksRandom(part.first(std::min(kPartSampleBytes, part.size()))))
        {
            end += part.size();
            continue;
        }
        if (end - randomFrom >= kLeastRandomBytes)
        {
            break;
        }
        end += part.size();
        randomFrom = end;
    }
    const bool hasRandom = end - randomFrom >= kLeastRandomBytes;
    const bool isRandom = hasRandom && randomFrom == 0;
    return {rest.first(hasRandom && !isRandom ? randomFrom : end), isRandom};
}

/// A deflate stream that ends with its scope.
class Deflater
{
public:
    Deflater(std::size_t rawBytes, PackEffort effort):
        _packLevel(effort == PackEffort::Usual ? kLevel : kQuickLevel),
        _level(_packLevel)
    {
        // A small frame needs no large window, and what zlib would clear for one costs more than
        // its bytes.
        int windowBits = 9;
        while (windowBits < MAX_WBITS && (std::size_t{1} << windowBits) < rawBytes)
        {
            ++windowBits;
        }
        const int memLevel = std::min(windowBits - 6, 8);
        if (deflateInit2(&_stream, _level, Z_DEFLATED, windowBits, memLevel, Z_DEFAULT_STRATEGY) !=
            Z_OK)
        {
            throw std::bad_alloc();
        }
    }
    ~Deflater() { deflateEnd(&_stream); }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;

    /// Fills `out` and returns how many bytes the stream takes, or 0 when it does not fit.
    std::size_t run(ByteView raw, MutableByteView out)
    {
        _stream.next_out = out.data();
        _stream.avail_out = static_cast<uInt>(out.size());
        while (!raw.empty())
        {
            const Stretch stretch = nextStretch(raw);
            raw = raw.subspan(stretch.bytes.size());
            const int level = stretch.random ? Z_NO_COMPRESSION : _packLevel;
            if (level != std::exchange(_level, level) &&
                deflateParams(&_stream, level, Z_DEFAULT_STRATEGY) != Z_OK)
            {
                return 0;
            }
            _stream.next_in =
                const_cast<Bytef*>(stretch.bytes.data()); // zlib's interface lacks the const
            _stream.avail_in = static_cast<uInt>(stretch.bytes.size());
            if (deflate(&_stream, Z_NO_FLUSH) != Z_OK || _stream.avail_in != 0)
            {
                return 0;
            }
        }
        return deflate(&_stream, Z_FINISH) == Z_STREAM_END ? out.size() - _stream.avail_out : 0;
    }

private:
    z_stream _stream{};
    const int _packLevel;
    int _level;
};

/// An inflate stream that ends with its scope.
class Inflater
{
public:
    Inflater()
    {
        if (inflateInit(&_stream) != Z_OK)
        {
            throw std::bad_alloc();
        }
    }
    ~Inflater() { inflateEnd(&_stream); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    /// True when `in` is exactly one stream that yields exactly the bytes that `out` has room for.
    bool run(ByteView in, MutableByteView out)
    {
        _stream.next_in = const_cast<Bytef*>(in.data()); // zlib's interface lacks the const
        _stream.avail_in = static_cast<uInt>(in.size());
        _stream.next_out = out.data();
        _stream.avail_out = static_cast<uInt>(out.size());
        return inflate(&_stream, Z_FINISH) == Z_STREAM_END && _stream.avail_in == 0 &&
               _stream.avail_out == 0;
    }

private:
    z_stream _stream{};
};

bool isWellFormed(const Frame& frame)
{
    if (frame.rawLength == 0 || frame.rawLength > kFrameBytes || frame.stored.empty())
    {
        return false;
    }
    switch (frame.encoding)
    {
    case FrameEncoding::Raw:
        return frame.stored.size() == frame.rawLength;
    case FrameEncoding::Zlib:
        return frame.stored.size() <= frame.rawLength;
    }
    return false;
}

} // namespace

Frame packFrame(ByteView raw, PackEffort effort)
{
    if (raw.empty() || raw.size() > kFrameBytes)
    {
        throw Error("a frame holds 1 to 131072 bytes");
    }
    Frame frame;
    frame.rawLength = static_cast<std::uint32_t>(raw.size());
    if (!looksRandom(raw))
    {
        frame.stored.resize(raw.size() - 1);
        frame.stored.resize(Deflater(raw.size(), effort).run(raw, frame.stored));
        frame.stored.shrink_to_fit();
    }
    frame.encoding = frame.stored.empty() ? FrameEncoding::Raw : FrameEncoding::Zlib;
    if (frame.encoding == FrameEncoding::Raw)
    {
        frame.stored.assign(raw.begin(), raw.end());
    }
    frame.checksum = strongSum(frame.stored);
    return frame;
}

Bytes unpackFrame(const Frame& frame)
{
    Bytes raw;
    const ByteView bytes = unpackFrame(frame, raw);
    if (frame.encoding == FrameEncoding::Raw)
    {
        raw.assign(bytes.begin(), bytes.end());
    }
    return raw;
}

ByteView unpackFrame(const Frame& frame, Bytes& buffer)
{
    if (!isWellFormed(frame))
    {
        throw CorruptError("frame: impossible lengths or encoding");
    }
    if (!hasGoodChecksum(frame))
    {
        throw CorruptError("frame: wrong checksum");
    }
    if (frame.encoding == FrameEncoding::Raw)
    {
        return frame.stored;
    }
    buffer.resize(frame.rawLength);
    if (!Inflater().run(frame.stored, buffer))
    {
        throw CorruptError("frame: not one zlib stream of its length");
    }
    return buffer;
}

bool hasGoodChecksum(const Frame& frame)
{
    return strongSum(frame.stored) == frame.checksum;
}

} // namespace tidewire
