// Tests of ByteWriter and ByteReader: round trips, golden bytes, hostile input.

#include "shared/base/ByteReader.h"
#include "shared/base/ByteWriter.h"

#include <catch2/catch.hpp>

#include <limits>
#include <random>

using namespace tidewire;

namespace {

constexpr std::uint64_t kMax64 = std::numeric_limits<std::uint64_t>::max();

Bytes varintOf(std::uint64_t value)
{
    Bytes out;
    ByteWriter(out).varint(value);
    return out;
}

} // namespace

TEST_CASE("ByteWriter: fixed integers are little-endian", "[base]")
{
    Bytes out;
    ByteWriter writer(out);

    writer.u8(0x01);
    writer.u16(0x0203);
    writer.u32(0x04050607);
    writer.u64(0x08090A0B0C0D0E0F);

    CHECK(out == Bytes{0x01,
                       0x03,
                       0x02,
                       0x07,
                       0x06,
                       0x05,
                       0x04,
                       0x0F,
                       0x0E,
                       0x0D,
                       0x0C,
                       0x0B,
                       0x0A,
                       0x09,
                       0x08});
}

TEST_CASE("ByteWriter: varints have 7 bits a byte, low bits first", "[base]")
{
    CHECK(varintOf(0) == Bytes{0x00});
    CHECK(varintOf(127) == Bytes{0x7F});
    CHECK(varintOf(128) == Bytes{0x80, 0x01});
    CHECK(varintOf(300) == Bytes{0xAC, 0x02});
    CHECK(varintOf(kMax64) == Bytes{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01});
}

TEST_CASE("ByteReader: integers of every size come back", "[base]")
{
    std::mt19937_64 random(1);
    Bytes out;
    ByteWriter writer(out);
    for (int bits = 0; bits < 64; ++bits)
    {
        const std::uint64_t value = random() >> static_cast<unsigned>(bits);
        out.clear();
        writer.varint(value);
        writer.zigzag(static_cast<std::int64_t>(value));
        writer.zigzag(-static_cast<std::int64_t>(value / 2));
        writer.u64(value);
        ByteReader reader(out);

        REQUIRE(reader.varint() == value);
        REQUIRE(reader.zigzag() == static_cast<std::int64_t>(value));
        REQUIRE(reader.zigzag() == -static_cast<std::int64_t>(value / 2));
        REQUIRE(reader.u64() == value);
        REQUIRE(reader.ok());
        REQUIRE(reader.atEnd());
    }
}

TEST_CASE("ByteReader: the ends of the signed range come back", "[base]")
{
    const std::int64_t value = GENERATE(std::int64_t{0},
                                        std::int64_t{-1},
                                        std::int64_t{1},
                                        std::numeric_limits<std::int64_t>::min(),
                                        std::numeric_limits<std::int64_t>::max());
    Bytes out;
    ByteWriter(out).zigzag(value);

    CHECK(ByteReader(out).zigzag() == value);
}

TEST_CASE("ByteReader: strings and blobs come back, with whatever is in them", "[base]")
{
    Bytes out;
    ByteWriter writer(out);
    const std::string text("a\0\xff", 3);

    writer.string(text);
    writer.blob(Bytes{1, 2, 3});
    writer.string("");
    writer.raw(Bytes{9, 8});
    ByteReader reader(out);

    CHECK(reader.string(3) == text);
    const ByteView blob = reader.blob(100);
    CHECK(Bytes(blob.begin(), blob.end()) == Bytes{1, 2, 3});
    CHECK(reader.string(0).empty());
    CHECK(reader.remaining() == 2);
    CHECK(reader.rest().size() == 2);
    CHECK(reader.ok());
    CHECK(reader.atEnd());
}

TEST_CASE("ByteReader: a read past the end fails, and so does every one after it", "[base]")
{
    const Bytes bytes = {1, 2, 3};
    ByteReader reader(bytes);

    CHECK(reader.u32() == 0);
    CHECK_FALSE(reader.ok());
    CHECK(reader.u8() == 0);
    CHECK(reader.raw(1).empty());
    CHECK(reader.rest().empty());
    CHECK(reader.varint() == 0);
    CHECK_FALSE(reader.ok());
}

TEST_CASE("ByteReader: reading nothing at the end is no error", "[base]")
{
    ByteReader reader({});

    CHECK(reader.raw(0).empty());
    CHECK(reader.rest().empty());
    CHECK(reader.ok());
    CHECK(reader.atEnd());
}

TEST_CASE("ByteReader: a varint that does not fit into 64 bits is refused", "[base]")
{
    const Bytes bytes =
        GENERATE(Bytes{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02},
                 Bytes{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81},
                 Bytes{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01},
                 Bytes{0x80},
                 Bytes{0xFF, 0xFF},
                 Bytes{});
    ByteReader reader(bytes);

    CHECK(reader.varint() == 0);
    CHECK_FALSE(reader.ok());
}

TEST_CASE("ByteReader: a length above the limit or the input is refused", "[base]")
{
    const std::uint64_t length = GENERATE(std::uint64_t{4},
                                          std::uint64_t{1} << 31U,
                                          std::uint64_t{1} << 32U,
                                          (std::uint64_t{1} << 32U) + 1,
                                          kMax64);
    Bytes bytes = varintOf(length);
    bytes.insert(bytes.end(), {1, 2, 3});
    CAPTURE(length);

    ByteReader limited(bytes);
    CHECK(limited.blob(3).empty());
    CHECK_FALSE(limited.ok());
    ByteReader unlimited(bytes);
    CHECK(unlimited.blob(std::numeric_limits<std::size_t>::max()).empty());
    CHECK_FALSE(unlimited.ok());
}

TEST_CASE("ByteReader: fail() marks the input as bad", "[base]")
{
    const Bytes bytes = {1, 2};
    ByteReader reader(bytes);

    reader.fail();

    CHECK_FALSE(reader.ok());
    CHECK(reader.u8() == 0);
}

TEST_CASE("ByteReader: no input leads past its end", "[base]")
{
    const unsigned seed = GENERATE(range(1U, 11U));
    CAPTURE(seed);
    std::mt19937 random(seed);

    for (int round = 0; round < 300; ++round)
    {
        // Exactly as long as its content, so that the sanitizers see a byte too far.
        Bytes bytes(random() % 24);
        for (std::uint8_t& byte : bytes)
        {
            byte = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : random() % 6);
        }
        bytes.shrink_to_fit();
        ByteReader reader(bytes);
        std::size_t taken = 0;
        while (reader.ok() && !reader.atEnd())
        {
            const std::size_t before = reader.remaining();
            switch (random() % 5)
            {
            case 0:
                static_cast<void>(reader.varint());
                break;
            case 1:
                static_cast<void>(reader.u32());
                break;
            case 2:
                taken += reader.blob(10).size();
                break;
            case 3:
                static_cast<void>(reader.zigzag());
                break;
            default:
                taken += reader.string(3).size();
                break;
            }
            REQUIRE(reader.remaining() <= before);
        }
        REQUIRE(taken <= bytes.size());
    }
}
