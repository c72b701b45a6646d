// The stream reader: pieces of any size, and headers that lie.

#include "shared/base/ByteWriter.h"
#include "shared/base/Errors.h"
#include "tests/shared/wire/SampleMessages.h"

#include <catch2/catch.hpp>

using namespace tidewire;

namespace {

Bytes header(std::uint32_t length, std::uint8_t type)
{
    Bytes out;
    ByteWriter writer(out);
    writer.u32(length);
    writer.u8(type);
    return out;
}

} // namespace

TEST_CASE("MessageReader: the sizes of the pieces do not matter", "[wire]")
{
    const std::size_t piece = GENERATE(as<std::size_t>{}, 1, 2, 3, 7, 15, 100, 10000);
    Bytes stream;
    std::vector<Bytes> sent;
    for (const SampleMessage& sample : sampleMessages())
    {
        sent.push_back(encodeMessage(sample.message));
        stream.insert(stream.end(), sent.back().begin(), sent.back().end());
    }
    CAPTURE(piece);

    MessageReader reader;
    std::vector<Bytes> got;
    for (std::size_t at = 0; at < stream.size(); at += piece)
    {
        reader.feed(ByteView(stream).subspan(at, std::min(piece, stream.size() - at)));
        Message message;
        std::size_t wireBytes = 0;
        while (reader.next(message, wireBytes))
        {
            got.push_back(encodeMessage(message));
            CHECK(wireBytes == got.back().size());
        }
    }

    CHECK(got == sent);
}

TEST_CASE("MessageReader: a length over the limit of its type is refused with the header", "[wire]")
{
    for (std::uint8_t type = 1; type <= 17; ++type)
    {
        CAPTURE(static_cast<int>(type));
        const auto limit = static_cast<std::uint32_t>(maxBodyBytes(type));
        MessageReader good;
        MessageReader bad;
        MessageReader compressed;
        CHECK_NOTHROW(good.feed(header(limit + 1, type)));
        CHECK_THROWS_AS(bad.feed(header(limit + 2, type)), ProtocolError);
        CHECK_THROWS_AS(
            compressed.feed(header(limit + 2, static_cast<std::uint8_t>(type | kCompressedBit))),
            ProtocolError);
    }
}

TEST_CASE("MessageReader: unknown types and empty lengths are refused", "[wire]")
{
    const std::uint8_t type = GENERATE(as<std::uint8_t>{}, 0, 18, 127, 128, 255);
    MessageReader reader;
    MessageReader empty;

    CHECK_THROWS_AS(reader.feed(header(1, type)), ProtocolError);
    CHECK_THROWS_AS(empty.feed(header(0, 4)), ProtocolError);
}

TEST_CASE("MessageReader: a bad header behind a good message is found at once", "[wire]")
{
    Bytes stream = encodeMessage(PingMessage{1});
    const Bytes bad = header(0xFFFFFFFF, 6);
    stream.insert(stream.end(), bad.begin(), bad.end());
    MessageReader reader;

    CHECK_THROWS_AS(reader.feed(stream), ProtocolError);
}
