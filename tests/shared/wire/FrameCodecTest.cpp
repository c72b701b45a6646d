// Frames: round trips, what is worth compressing, and hostile bytes.

#include "shared/wire/FrameCodec.h"

#include "shared/base/Errors.h"
#include "shared/delta/StrongSum.h"

#include <catch2/catch.hpp>
#include <zlib.h>

#include <random>

namespace tidewire {

namespace {

Bytes randomBytes(std::size_t count, unsigned alphabet = 256)
{
    std::mt19937 engine(static_cast<unsigned>(count));
    Bytes result(count);
    for (std::uint8_t& byte : result)
    {
        byte = static_cast<std::uint8_t>(engine() % alphabet);
    }
    return result;
}

Bytes text(std::size_t count)
{
    Bytes result;
    for (std::size_t i = 0; result.size() < count; ++i)
    {
        const std::string line = "2024-05-17 kitchen: temperature " + std::to_string(i * i % 977) +
                                 " status ok, next in " + std::to_string(i % 61) + " s\n";
        result.insert(result.end(), line.begin(), line.end());
    }
    result.resize(count);
    return result;
}

/// A frame with a right checksum, whatever is in it.
Frame forged(FrameEncoding encoding, std::uint32_t rawLength, Bytes stored)
{
    Frame frame;
    frame.encoding = encoding;
    frame.rawLength = rawLength;
    frame.checksum = strongSum(stored);
    frame.stored = std::move(stored);
    return frame;
}

Bytes zlibOf(const Bytes& raw)
{
    uLongf length = compressBound(static_cast<uLong>(raw.size()));
    Bytes result(length);
    REQUIRE(compress(result.data(), &length, raw.data(), static_cast<uLong>(raw.size())) == Z_OK);
    result.resize(length);
    return result;
}

} // namespace

TEST_CASE("FrameCodec: what is packed comes back")
{
    const std::size_t size =
        GENERATE(1U, 2U, 9U, 31U, 100U, 511U, 512U, 513U, 4096U, 4097U, 100000U, kFrameBytes);
    const int kind = GENERATE(0, 1, 2, 3);
    CAPTURE(size, kind);
    const Bytes raw = kind == 0   ? randomBytes(size)
                      : kind == 1 ? text(size)
                      : kind == 2 ? Bytes(size, 'x')
                                  : randomBytes(size, 64);
    const Frame frame = packFrame(raw);
    CHECK(frame.rawLength == size);
    CHECK(frame.stored.size() <= size);
    CHECK((frame.encoding == FrameEncoding::Raw) == (frame.stored.size() == size));
    CHECK(hasGoodChecksum(frame));
    CHECK(unpackFrame(frame) == raw);
    Bytes buffer(7, 'x');
    const ByteView unpacked = unpackFrame(frame, buffer);
    CHECK(std::equal(unpacked.begin(), unpacked.end(), raw.begin(), raw.end()));
}

TEST_CASE("FrameCodec: text gets smaller, even a few lines of it")
{
    CHECK(packFrame(text(kFrameBytes)).stored.size() < kFrameBytes / 5);
    CHECK(packFrame(text(300)).stored.size() < 220);
    CHECK(packFrame(randomBytes(kFrameBytes, 64)).encoding == FrameEncoding::Zlib);
    CHECK(packFrame(Bytes(kFrameBytes)).stored.size() < 300);
}

TEST_CASE("FrameCodec: random bytes are stored as they are")
{
    const std::size_t size = GENERATE(8U, 64U, 200U, 1024U, 4096U, 70000U, kFrameBytes);
    const Frame frame = packFrame(randomBytes(size));
    CHECK(frame.encoding == FrameEncoding::Raw);
    CHECK(frame.stored == randomBytes(size));
}

TEST_CASE("FrameCodec: a frame that is text in part is compressed")
{
    Bytes raw = randomBytes(kFrameBytes);
    const Bytes part = text(kFrameBytes / 2);
    std::copy(part.begin(), part.end(), raw.begin());
    CHECK(packFrame(raw).stored.size() < kFrameBytes * 7 / 10);
}

TEST_CASE("FrameCodec: texts among random bytes come back, and are as small as by themselves")
{
    const std::size_t part = GENERATE(700U, 1024U, 3000U, 4096U, 5001U, 20000U);
    CAPTURE(part);
    const Bytes texts = text(kFrameBytes / 2);
    const Bytes noise = randomBytes(kFrameBytes / 2);
    Bytes raw;
    for (std::size_t begin = 0; begin < texts.size(); begin += part)
    {
        const auto from = static_cast<std::ptrdiff_t>(begin);
        const auto to = static_cast<std::ptrdiff_t>(std::min(begin + part, texts.size()));
        raw.insert(raw.end(), texts.begin() + from, texts.begin() + to);
        raw.insert(raw.end(), noise.begin() + from, noise.begin() + to);
    }
    const Frame frame = packFrame(raw);
    CHECK(unpackFrame(frame) == raw);
    CHECK(frame.stored.size() < noise.size() + texts.size() * 2 / 5);
}

TEST_CASE("FrameCodec: no frame is empty or longer than a frame")
{
    CHECK_THROWS_AS(packFrame({}), Error);
    CHECK_THROWS_AS(packFrame(Bytes(kFrameBytes + 1)), Error);
}

TEST_CASE("FrameCodec: impossible lengths and encodings are refused")
{
    const Bytes raw = text(1000);
    const Bytes stored = zlibOf(raw);
    const auto lacking = static_cast<std::uint32_t>(stored.size() - 1);
    CHECK(unpackFrame(forged(FrameEncoding::Zlib, 1000, stored)) == raw);
    CHECK_THROWS_AS(unpackFrame(forged(FrameEncoding::Zlib, 999, stored)), CorruptError);
    CHECK_THROWS_AS(unpackFrame(forged(FrameEncoding::Zlib, 1001, stored)), CorruptError);
    CHECK_THROWS_AS(unpackFrame(forged(FrameEncoding::Zlib, 0, stored)), CorruptError);
    CHECK_THROWS_AS(unpackFrame(forged(FrameEncoding::Zlib, lacking, stored)), CorruptError);
    CHECK_THROWS_AS(unpackFrame(forged(FrameEncoding::Zlib, UINT32_MAX, stored)), CorruptError);
    CHECK_THROWS_AS(unpackFrame(forged(FrameEncoding::Zlib, 10, {})), CorruptError);
    CHECK_THROWS_AS(unpackFrame(forged(FrameEncoding::Raw, 0, {})), CorruptError);
    CHECK_THROWS_AS(unpackFrame(forged(FrameEncoding::Raw, 9, Bytes(10))), CorruptError);
    CHECK_THROWS_AS(unpackFrame(forged(FrameEncoding::Raw, 11, Bytes(10))), CorruptError);
    CHECK_THROWS_AS(
        unpackFrame(forged(FrameEncoding::Raw, kFrameBytes + 1, Bytes(kFrameBytes + 1))),
        CorruptError);
    CHECK_THROWS_AS(unpackFrame(forged(FrameEncoding{2}, 10, Bytes(10))), CorruptError);
}

TEST_CASE("FrameCodec: a stream that is longer than it says is refused at its length")
{
    const Bytes bomb = zlibOf(Bytes(50 << 20));
    REQUIRE(bomb.size() < kFrameBytes);
    CHECK_THROWS_AS(unpackFrame(forged(FrameEncoding::Zlib, kFrameBytes, bomb)), CorruptError);
}

TEST_CASE("FrameCodec: a stream that is cut, or followed by anything, is refused")
{
    const Bytes stored = zlibOf(text(5000));
    for (std::size_t cut = 0; cut < stored.size(); ++cut)
    {
        const Bytes part(stored.begin(), stored.begin() + static_cast<std::ptrdiff_t>(cut));
        REQUIRE_THROWS_AS(unpackFrame(forged(FrameEncoding::Zlib, 5000, part)), CorruptError);
    }
    Bytes more = stored;
    more.push_back(0);
    CHECK_THROWS_AS(unpackFrame(forged(FrameEncoding::Zlib, 5000, more)), CorruptError);
}

TEST_CASE("FrameCodec: no damaged byte goes unnoticed")
{
    Frame frame = packFrame(text(2000));
    for (std::size_t i = 0; i < frame.stored.size(); ++i)
    {
        frame.stored[i] ^= 0x10U;
        REQUIRE_FALSE(hasGoodChecksum(frame));
        REQUIRE_THROWS_AS(unpackFrame(frame), CorruptError);
        frame.checksum = strongSum(frame.stored);
        REQUIRE_THROWS_AS(unpackFrame(frame), CorruptError);
        frame.stored[i] ^= 0x10U;
        frame.checksum = strongSum(frame.stored);
    }
}

} // namespace tidewire
