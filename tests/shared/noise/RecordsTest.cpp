// Records: whatever happens to the stream between the sides, nothing wrong comes out of it.

#include "shared/noise/Records.h"

#include "shared/base/Errors.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <tuple>
#include <vector>

using namespace tidewire;

namespace {

CipherState sameCipher()
{
    CipherKey key;
    key.bytes()[0] = 7;
    return CipherState(key);
}

Bytes plainOf(std::size_t size, std::uint8_t seed)
{
    Bytes plain(size);
    std::uint8_t next = seed;
    std::generate(plain.begin(), plain.end(), [&] {
        return next = static_cast<std::uint8_t>(next * 5U + 1U);
    });
    return plain;
}

Bytes sealed(RecordWriter& writer, ByteView plain)
{
    Bytes wire(kRecordHeadBytes + plain.size());
    std::copy(plain.begin(), plain.end(), wire.begin() + kRecordHeadBytes);
    writer.seal(wire, 0);
    return wire;
}

/// Feeds `wire` in pieces of `chunk` and gives back all plain bytes.
Bytes readAll(RecordReader& reader, const Bytes& wire, std::size_t chunk)
{
    Bytes result;
    for (std::size_t at = 0; at < wire.size(); at += chunk)
    {
        Bytes piece(wire.begin() + static_cast<std::ptrdiff_t>(at),
                    wire.begin() + static_cast<std::ptrdiff_t>(std::min(at + chunk, wire.size())));
        MutableByteView bytes = piece;
        for (ByteView plain = reader.next(bytes); !plain.empty(); plain = reader.next(bytes))
        {
            result.insert(result.end(), plain.begin(), plain.end());
        }
    }
    return result;
}

/// Three records and what they hold.
struct Stream
{
    Stream()
    {
        RecordWriter writer(sameCipher());
        for (const std::size_t size : {1U, 30U, 5U})
        {
            const Bytes one = plainOf(size, static_cast<std::uint8_t>(size));
            plain.insert(plain.end(), one.begin(), one.end());
            records.push_back(sealed(writer, one));
        }
    }

    [[nodiscard]] static Bytes joined(const std::vector<Bytes>& pieces)
    {
        Bytes wire;
        for (const Bytes& piece : pieces)
        {
            wire.insert(wire.end(), piece.begin(), piece.end());
        }
        return wire;
    }

    std::vector<Bytes> records;
    Bytes plain;
};

/// What comes out before the reader refuses, and whether it does.
Bytes readUntilRefused(const Bytes& wire, bool& refused)
{
    RecordReader reader(sameCipher());
    Bytes result;
    refused = false;
    try
    {
        Bytes copy = wire;
        MutableByteView bytes = copy;
        for (ByteView plain = reader.next(bytes); !plain.empty(); plain = reader.next(bytes))
        {
            result.insert(result.end(), plain.begin(), plain.end());
        }
    }
    catch (const ProtocolError&)
    {
        refused = true;
    }
    return result;
}

bool isPrefix(const Bytes& part, const Bytes& whole)
{
    return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

} // namespace

TEST_CASE("Records: the sizes of reads never matter", "[noise]")
{
    const auto chunk = GENERATE(std::size_t{1},
                                std::size_t{2},
                                std::size_t{3},
                                std::size_t{17},
                                std::size_t{20},
                                std::size_t{1000},
                                std::size_t{200000});
    CAPTURE(chunk);
    RecordWriter writer(sameCipher());
    RecordReader reader(sameCipher());
    Bytes wire;
    Bytes plain;
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{400}, kMaxRecordPlainBytes, std::size_t{2}})
    {
        const Bytes one = plainOf(size, 3);
        const Bytes record = sealed(writer, one);
        CHECK(record.size() == kRecordHeadBytes + size + kTagBytes);
        plain.insert(plain.end(), one.begin(), one.end());
        wire.insert(wire.end(), record.begin(), record.end());
    }

    CHECK(readAll(reader, wire, chunk) == plain);
    CHECK_FALSE(reader.isCut());
}

TEST_CASE("Records: nothing comes out of a record with any bit changed, nor after it", "[noise]")
{
    const Stream stream;
    const Bytes wire = Stream::joined(stream.records);
    for (std::size_t bit = 0; bit < wire.size() * 8; ++bit)
    {
        Bytes changed = wire;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        bool refused = false;
        const Bytes result = readUntilRefused(changed, refused);
        CAPTURE(bit);
        CHECK(isPrefix(result, stream.plain));
        CHECK(result.size() < stream.plain.size());
        // A length that grew makes the reader wait for bytes that would fail then.
        const bool isLength =
            bit / 8 < 2 || (bit / 8 >= 19 && bit / 8 < 21) || (bit / 8 >= 67 && bit / 8 < 69);
        CHECK((refused || isLength));
    }
}

TEST_CASE("Records: a stream that is cut gives whole records only, and is known to be cut",
          "[noise]")
{
    const Stream stream;
    const Bytes wire = Stream::joined(stream.records);
    for (std::size_t size = 0; size <= wire.size(); ++size)
    {
        RecordReader reader(sameCipher());
        const Bytes result = readAll(
            reader, Bytes(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(size)), 1000);
        const bool isWhole = size == 0 || size == 19 || size == 67 || size == wire.size();
        CAPTURE(size);
        CHECK(isPrefix(result, stream.plain));
        CHECK(reader.isCut() != isWhole);
    }
}

TEST_CASE("Records: records that are repeated, left out or change places are refused", "[noise]")
{
    const Stream stream;
    const Bytes& first = stream.records[0];
    const Bytes& second = stream.records[1];
    const Bytes& third = stream.records[2];
    const auto [wire, expected] = GENERATE_REF(table<std::vector<Bytes>, std::size_t>({
        {{first, first}, 1},
        {{first, third}, 1},
        {{second, first}, 0},
        {{first, second, second}, 31},
        {{first, second, first}, 31},
    }));
    bool refused = false;

    const Bytes result = readUntilRefused(Stream::joined(wire), refused);

    CHECK(refused);
    CHECK(result.size() == expected);
    CHECK(isPrefix(result, stream.plain));
}

TEST_CASE("Records: an empty record is refused as soon as its length is there", "[noise]")
{
    const auto length = GENERATE(std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{16});
    RecordReader reader(sameCipher());
    Bytes head{length, 0};
    MutableByteView bytes = head;

    CHECK_THROWS_AS(reader.next(bytes), ProtocolError);
}

TEST_CASE("Records: both sides change the key after the same record", "[noise]")
{
    RecordWriter writer(sameCipher());
    RecordReader reader(sameCipher());
    CipherState oldKey = sameCipher();
    CipherState newKey = sameCipher();
    newKey.rekey();
    for (std::uint64_t i = 0; i < 2 * kRekeyRecords + 2; ++i)
    {
        Bytes wire = sealed(writer, plainOf(1, 1));
        if (i == kRekeyRecords - 1 || i == kRekeyRecords)
        {
            CipherState& right = i < kRekeyRecords ? oldKey : newKey;
            Bytes copy(wire.begin() + kRecordHeadBytes, wire.end());
            CHECK(right.decrypt({}, copy).size() == 1);
        }
        else if (i < kRekeyRecords)
        {
            Bytes unused(1 + kTagBytes);
            oldKey.encrypt({}, unused);
        }
        if (i < kRekeyRecords)
        {
            Bytes unused(1 + kTagBytes);
            newKey.encrypt({}, unused);
        }
        MutableByteView bytes = wire;
        REQUIRE(reader.next(bytes).size() == 1);
    }
}
