// Writing a content: what it refuses, how it resumes, and that it buffers.

#include "tests/shared/delta/DeltaTools.h"

#include <catch2/catch.hpp>

namespace tidewire {

TEST_CASE("ContentWriter: operations beyond the base or the size are refused")
{
    VectorFile base(Random(1).bytes(1000));
    VectorFile out;
    ContentWriter writer(out, 500, &base);
    CHECK_THROWS_AS(writer.copy(0, 501), CorruptError);
    CHECK_THROWS_AS(writer.copy(900, 101), CorruptError);
    CHECK_THROWS_AS(writer.copy(UINT64_MAX, 2), CorruptError);
    CHECK_THROWS_AS(writer.copy(1001, 1), CorruptError);
    CHECK_THROWS_AS(writer.data(Bytes(501)), CorruptError);
    CHECK_THROWS_AS(writer.zero(501), CorruptError);
    CHECK_THROWS_AS(writer.zero(UINT64_MAX), CorruptError);
    CHECK(writer.position() == 0);
    writer.zero(500);
    CHECK_THROWS_AS(writer.zero(1), CorruptError);
}

TEST_CASE("ContentWriter: a copy without a base is refused")
{
    VectorFile out;
    ContentWriter writer(out, 500, nullptr);
    CHECK_THROWS_AS(writer.copy(0, 1), CorruptError);
}

TEST_CASE("ContentWriter: does not finish before all bytes have come")
{
    VectorFile out;
    ContentWriter writer(out, 3, nullptr);
    writer.data(Bytes(2));
    CHECK_FALSE(writer.finish());
    writer.data(Bytes(1));
    CHECK(writer.finish());
}

TEST_CASE("ContentWriter: an empty content has the hash of nothing")
{
    VectorFile out;
    const auto written = ContentWriter(out, 0, nullptr).finish();
    REQUIRE(written);
    CHECK(written->first == signatureOf({}).hash);
}

TEST_CASE("ContentWriter: can resume wherever it was stopped after a flush")
{
    const std::uint64_t seed = GENERATE(range(0U, 30U));
    CAPTURE(seed);
    Random random(seed);
    VectorFile base(random.bytes(400000));
    const Bytes content = base.content();
    const std::uint64_t size = 400000;
    const std::uint64_t stop = random.below(size + 1);
    VectorFile out;
    {
        ContentWriter writer(out, size, &base);
        writer.data(ByteView(content).first(static_cast<std::size_t>(stop / 2)));
        writer.copy(stop / 2, stop - stop / 2);
        writer.flush();
        CHECK(writer.position() == stop);
        if (seed % 2 == 0)
        {
            out.write(stop + 5, Bytes(1000, 0xee));
        }
    }
    ContentWriter writer(out, size, &base, stop);
    CHECK_FALSE(writer.readBack());
    CHECK(writer.position() == stop);
    writer.copy(stop, size - stop);
    const auto written = writer.finish();
    REQUIRE(written);
    CHECK(written->first == signatureOf(content).hash);
    CHECK(written->second == signatureOf(content).signature);
    CHECK(out.content() == content);
}

TEST_CASE("ContentWriter: resumes behind a hole, and zeros over what a torn attempt left")
{
    VectorFile out;
    {
        ContentWriter writer(out, 100000, nullptr);
        writer.data(Bytes(10, 1));
        writer.zero(50000);
        writer.flush();
    }
    out.write(60000, Bytes(5000, 0xee));
    ContentWriter writer(out, 100000, nullptr, 50010);
    CHECK_FALSE(writer.readBack());
    writer.zero(49980);
    writer.data(Bytes(10, 2));
    Bytes expected(100000);
    std::fill_n(expected.begin(), 10, std::uint8_t{1});
    std::fill_n(expected.end() - 10, 10, std::uint8_t{2});
    const auto written = writer.finish();
    REQUIRE(written);
    CHECK(written->first == signatureOf(expected).hash);
    CHECK(out.content() == expected);
    CHECK(out.allocatedBytes() == 2 * 4096);
}

TEST_CASE("ContentWriter: a long beginning is read back in small parts")
{
    const Bytes content = Random(3).bytes(3 << 20);
    const std::uint64_t stop = content.size() - 17;
    VectorFile out(Bytes(content.begin(), content.end() - 17));
    ContentWriter writer(out, content.size(), nullptr, stop);
    std::uint64_t last = 0;
    bool isMore = true;
    while (isMore)
    {
        isMore = writer.readBack();
        CHECK(writer.position() - last <= 1 << 20);
        last = writer.position();
    }
    CHECK(last == stop);
    writer.data(ByteView(content).subspan(static_cast<std::size_t>(stop)));
    CHECK_FALSE(writer.readBack());
    const auto written = writer.finish();
    REQUIRE(written);
    CHECK(written->first == signatureOf(content).hash);
    CHECK(written->second == signatureOf(content).signature);
}

TEST_CASE("ContentWriter: cannot resume behind the end")
{
    VectorFile out;
    CHECK_THROWS_AS(ContentWriter(out, 10, nullptr, 11), CorruptError);
}

TEST_CASE("ContentWriter: tiny operations become few writes")
{
    VectorFile base(Random(2).bytes(100000));
    const Bytes content = base.content();
    VectorFile out;
    ContentWriter writer(out, 100000, &base);
    for (std::uint64_t i = 0; i < 100000; i += 10)
    {
        if (i % 20 == 0)
        {
            writer.copy(i, 10);
        }
        else
        {
            writer.data(ByteView(content).subspan(static_cast<std::size_t>(i), 10));
        }
    }
    REQUIRE(writer.finish());
    CHECK(out.content() == content);
    CHECK(out.writes == 1);
}

TEST_CASE("ContentWriter: what was written of a long content is dropped from the cache, after its "
          "writing was begun")
{
    class CachedFile: public VectorFile
    {
    public:
        std::uint64_t begun = 0;
        std::uint64_t dropped = 0;

        void startWriteback(std::uint64_t offset, std::uint64_t length) override
        {
            CHECK(offset == begun);
            begun = offset + length;
        }
        void dropFromCache(std::uint64_t offset, std::uint64_t length) override
        {
            CHECK(offset == dropped);
            dropped = offset + length;
            CHECK(dropped < begun);
        }
    };
    const std::uint64_t size = GENERATE(kUncachedBytes - 1, kUncachedBytes);
    const Bytes part(1 << 20, 7);
    CachedFile out;
    ContentWriter writer(out, size, nullptr);
    while (writer.position() < size)
    {
        const std::uint64_t left = size - writer.position();
        writer.data(ByteView(part).first(std::min<std::uint64_t>(left, part.size())));
    }
    CHECK(writer.finish());
    CHECK(out.begun > kUncachedBytes * 9 / 10);
    CHECK((size < kUncachedBytes ? out.dropped == 0 : out.dropped > kUncachedBytes * 3 / 4));
}

TEST_CASE("ContentWriter: holes of the base stay holes where they are copied")
{
    VectorFile base;
    base.write(1000000, Random(3).bytes(10000));
    base.truncate(3000000);
    VectorFile out;
    ContentWriter writer(out, 2999900, &base);
    writer.copy(100, 2999900);
    const auto written = writer.finish();
    REQUIRE(written);
    const Bytes content = base.content();
    CHECK(out.content() == Bytes(content.begin() + 100, content.end()));
    CHECK(out.allocatedBytes() <= base.allocatedBytes() + 2 * 4096);
    CHECK(base.bytesRead <= 3 * 4096 + 4096 + content.size());
}

} // namespace tidewire
