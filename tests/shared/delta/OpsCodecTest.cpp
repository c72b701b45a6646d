// The compact form of operations: round trips, its length, and hostile bytes.

#include "shared/delta/Recipe.h"
#include "tests/shared/delta/DeltaTools.h"

#include <catch2/catch.hpp>

namespace tidewire {

namespace {

Bytes encoded(const Delta& ops)
{
    Bytes bytes;
    ByteWriter writer(bytes);
    encodeOps(writer, ops);
    return bytes;
}

std::optional<Delta> decoded(ByteView bytes)
{
    ByteReader reader(bytes);
    Delta ops = decodeOps(reader);
    if (!reader.ok() || !reader.atEnd())
    {
        return std::nullopt;
    }
    return ops;
}

Delta randomOps(Random& random)
{
    Delta ops;
    std::uint64_t total = 0;
    for (std::uint64_t i = random.below(40); i > 0; --i)
    {
        Op op;
        op.kind = static_cast<OpKind>(random.below(3));
        op.length = random.below(std::uint64_t{1} << random.below(50)) + 1;
        if (op.kind == OpKind::Copy)
        {
            op.offset = random.below(2) == 0 ? total : random.below(std::uint64_t{1} << 62U);
        }
        else if (op.kind == OpKind::Data)
        {
            op.frame = random.below(std::uint64_t{1} << (random.below(46) + 1));
            op.offset = random.below(2) == 0 ? 0 : random.below(kFrameBytes);
        }
        total += op.length;
        appendOp(ops, op);
    }
    return ops;
}

} // namespace

TEST_CASE("OpsCodec: operations come back")
{
    const std::uint64_t seed = GENERATE(range(0U, 300U));
    CAPTURE(seed);
    Random random(seed);
    const Delta ops = randomOps(random);
    CHECK(decoded(encoded(ops)) == ops);
}

TEST_CASE("OpsCodec: the extremes come back")
{
    const Delta largestCopy{{OpKind::Copy, 0, 0, kMaxContentBytes}};
    const Delta lastByte{{OpKind::Copy, 0, kMaxContentBytes - 1, 1}};
    const Delta lastFrame{{OpKind::Data, kMaxFrameId, kFrameBytes - 1, 1}, {OpKind::Data, 0, 0, 1}};
    for (const Delta& ops : {Delta{}, largestCopy, lastByte, lastFrame})
    {
        CHECK(decoded(encoded(ops)) == ops);
    }
}

TEST_CASE("OpsCodec: the example of the header has the bytes of the header")
{
    const Delta ops{
        {OpKind::Copy, 0, 0, 1000}, {OpKind::Data, 7, 5, 20}, {OpKind::Copy, 0, 1020, 3}};
    CHECK(encoded(ops) == Bytes{0x03, 0xc0, 0x3e, 0xa5, 0x01, 0x0e, 0x05, 0x18});
}

TEST_CASE("OpsCodec: operations that continue each other are written as one")
{
    const Delta ops{{OpKind::Data, 1, kFrameBytes - 1, 1}, {OpKind::Data, 2, 0, 1}};
    CHECK(decoded(encoded(ops)) == Delta{{OpKind::Data, 1, kFrameBytes - 1, 2}});
}

TEST_CASE("OpsCodec: an edit in place costs a few bytes for each place")
{
    Delta ops;
    for (std::uint64_t i = 0; i < 1000; ++i)
    {
        appendOp(ops, {OpKind::Copy, 0, i * 100000, 98976});
        appendOp(ops, {OpKind::Data, 500000, i * 1024, 1024});
    }
    CHECK(encoded(ops).size() <= 6 * 1000 + 16);
}

TEST_CASE("OpsCodec: what breaks a limit is refused")
{
    const auto refused = [](const Delta& ops) {
        return !decoded(encoded(ops));
    };
    CHECK(refused({{OpKind::Copy, 0, 1, kMaxContentBytes}}));
    CHECK(refused({{OpKind::Copy, 0, kMaxContentBytes, 1}}));
    CHECK(refused({{OpKind::Copy, 0, UINT64_MAX, 1}}));
    CHECK(refused({{OpKind::Zero, 0, 0, kMaxContentBytes + 1}}));
    CHECK(refused({{OpKind::Zero, 0, 0, kMaxContentBytes}, {OpKind::Copy, 0, 0, 1}}));
    CHECK(refused({{OpKind::Data, kMaxFrameId + 1, 0, 1}}));
}

TEST_CASE("OpsCodec: malformed bytes are refused")
{
    CHECK_FALSE(decoded({}));
    CHECK_FALSE(decoded(Bytes{1}));                         // an operation is missing
    CHECK_FALSE(decoded(Bytes{1, 0x00}));                   // length 0
    CHECK_FALSE(decoded(Bytes{1, 0x08 | 3}));               // kind 3
    CHECK_FALSE(decoded(Bytes{1, 0x08 | 2 | 4, 0}));        // Zero with a place
    CHECK_FALSE(decoded(Bytes{1, 0x88, 0x00}));             // a length rest of 0
    CHECK_FALSE(decoded(Bytes{1, 0x88}));                   // the length rest is missing
    CHECK_FALSE(decoded(Bytes{1, 0x0c}));                   // the place is missing
    CHECK_FALSE(decoded(Bytes{1, 0x0d, 0x02}));             // the offset in the frame is missing
    CHECK_FALSE(decoded(Bytes{1, 0x0d, 0, 0x80, 0x80, 8})); // offset 131072
    CHECK_FALSE(decoded(Bytes{1, 0x0d, 1, 0}));             // frame -1
    CHECK_FALSE(decoded(Bytes{1, 0x0c, 1}));                // Copy from -1
    CHECK_FALSE(decoded(Bytes{0x81, 0x80, 0x04, 0x08}));    // 65537 operations
    CHECK(decoded(Bytes{1, 0x08}) == Delta{{OpKind::Copy, 0, 0, 1}});
}

TEST_CASE("OpsCodec: a count alone takes no memory")
{
    CHECK_FALSE(decoded(Bytes{0x80, 0x80, 0x04}));
}

TEST_CASE("OpsCodec: damaged input is refused or keeps to the limits")
{
    const std::uint64_t seed = GENERATE(range(0U, 300U));
    CAPTURE(seed);
    Random random(seed);
    Bytes bytes = encoded(randomOps(random));
    for (std::uint64_t i = random.below(4) + 1; i > 0; --i)
    {
        bytes[static_cast<std::size_t>(random.below(bytes.size()))] =
            static_cast<std::uint8_t>(random.below(256));
    }
    bytes.resize(bytes.size() - static_cast<std::size_t>(random.below(2)));
    if (const std::optional<Delta> ops = decoded(bytes))
    {
        CHECK(totalLength(*ops));
        CHECK(ops->size() <= kMaxPieces);
        CHECK(decoded(encoded(*ops)) == *ops);
    }
}

TEST_CASE("OpsCodec: random bytes do no harm")
{
    Random random(99);
    for (int i = 0; i < 20000; ++i)
    {
        const Bytes bytes = random.bytes(random.below(60));
        ByteReader reader(bytes);
        const Delta ops = decodeOps(reader);
        REQUIRE(ops.size() <= bytes.size());
    }
}

} // namespace tidewire
