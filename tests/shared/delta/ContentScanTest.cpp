// Deltas of random edits lead to the new content, and are as short as they should be.

#include "shared/delta/RollingSum.h"
#include "tests/shared/delta/DeltaTools.h"

#include <catch2/catch.hpp>

namespace tidewire {

namespace {

/// Delta from `before` to `after`; proves that it yields `after`, its hash and its signature.
TakenDelta provenDelta(ByteView before, ByteView after)
{
    const Signature base = signatureOf(before).signature;
    VectorFile oldFile(before);
    VectorFile newFile(after);
    TakenDelta delta;
    const ScannedContent scanned = scan(newFile, &base, delta);
    const ScannedContent expected = signatureOf(after);
    REQUIRE(scanned.hash == expected.hash);
    REQUIRE(scanned.signature == expected.signature);
    REQUIRE(delta.wellFormed);
    VectorFile out;
    const auto written = apply(delta, after.size(), &oldFile, out);
    REQUIRE(written.has_value());
    REQUIRE(written->first == expected.hash);
    REQUIRE(written->second == expected.signature);
    REQUIRE(out.content() == Bytes(after.begin(), after.end()));
    return delta;
}

Bytes joined(std::initializer_list<ByteView> parts)
{
    Bytes result;
    for (const ByteView part : parts)
    {
        result.insert(result.end(), part.begin(), part.end());
    }
    return result;
}

constexpr std::size_t kBlock = 1024;

} // namespace

TEST_CASE("ContentScan: random edits of random content come back")
{
    const std::uint64_t seed = GENERATE(range(0U, 60U));
    CAPTURE(seed);
    Random random(seed);
    const unsigned alphabet = seed % 3 == 0 ? 2 : 256;
    const Bytes before = random.bytes(random.below(seed % 5 == 0 ? 900000 : 20000), alphabet);
    Bytes after = before;
    for (std::uint64_t edits = random.below(6) + 1; edits > 0; --edits)
    {
        after = editOnce(std::move(after), random, seed % 2 == 0 ? 300 : 5000, alphabet);
    }
    provenDelta(before, after);
}

TEST_CASE("ContentScan: contents of all sizes about blocks, reads and leaves come back")
{
    static constexpr std::size_t kSizes[] = {0,
                                             1,
                                             1023,
                                             1024,
                                             1025,
                                             2048,
                                             131073,
                                             262144,
                                             262145,
                                             (1 << 20) - 1,
                                             1 << 20,
                                             (1 << 20) + 1};
    const std::size_t oldSize = GENERATE(from_range(std::begin(kSizes), std::end(kSizes)));
    CAPTURE(oldSize);
    Random random(oldSize);
    const Bytes all = random.bytes((1 << 20) + 1);
    for (const std::size_t newSize : kSizes)
    {
        CAPTURE(newSize);
        const ByteView before = ByteView(all).first(oldSize);
        const TakenDelta delta = provenDelta(before, ByteView(all).first(newSize));
        if (newSize >= oldSize)
        {
            CHECK(delta.literals.size() == newSize - oldSize);
        }
        else
        {
            CHECK(delta.literals.size() == newSize % kBlock);
        }
    }
}

TEST_CASE("ContentScan: unchanged content is one copy")
{
    const std::size_t size = GENERATE(1U, 1000U, 1024U, 5000U, (3U << 20U) + 5U);
    const Bytes content = Random(1).bytes(size);
    const TakenDelta delta = provenDelta(content, content);
    CHECK(delta.ops == Delta{{OpKind::Copy, 0, 0, size}});
}

TEST_CASE("ContentScan: a changed byte costs no more than its block")
{
    Bytes content = Random(2).bytes(4 << 20);
    const Bytes before = content;
    const std::size_t at = GENERATE(0U, 1023U, 1024U, 2000000U, (4U << 20U) - 1U);
    CAPTURE(at);
    content[at] ^= 0x40U;
    CHECK(provenDelta(before, content).literals.size() <= kBlock);
}

TEST_CASE("ContentScan: an inserted byte costs no more than two blocks")
{
    const Bytes before = Random(3).bytes(4 << 20);
    const std::size_t at = GENERATE(0U, 1U, 1024U, 1999999U, (4U << 20U) - 1U, 4U << 20U);
    CAPTURE(at);
    const std::uint8_t byte = 7;
    const ByteView view(before);
    const Bytes after = joined({view.first(at), {&byte, 1}, view.subspan(at)});
    CHECK(provenDelta(before, after).literals.size() <= 2 * kBlock);
}

TEST_CASE("ContentScan: a removed byte costs no more than two blocks")
{
    const Bytes before = Random(4).bytes((1 << 20) + 300);
    const std::size_t at = GENERATE(0U, 1U, 1024U, 700001U, (1U << 20U) + 299U);
    CAPTURE(at);
    const ByteView view(before);
    const Bytes after = joined({view.first(at), view.subspan(at + 1)});
    CHECK(provenDelta(before, after).literals.size() <= 2 * kBlock);
}

TEST_CASE("ContentScan: an append costs exactly what was appended")
{
    const std::size_t size = GENERATE(1U, 100U, 1024U, 1500U, 1000000U);
    const std::size_t added = GENERATE(1U, 10U, 1023U, 1024U, 3000U, 400000U);
    CAPTURE(size, added);
    const Bytes all = Random(5).bytes(size + added);
    const TakenDelta delta = provenDelta(ByteView(all).first(size), all);
    CHECK(delta.literals.size() == added);
    CHECK(delta.copiedBytes() == size);
}

TEST_CASE("ContentScan: an append that makes the blocks longer costs what was appended")
{
    constexpr std::size_t kSize = kMaxBlocks * 1024 - 700;
    Bytes all(kSize);
    std::uint32_t x = 1;
    for (std::uint8_t& byte : all)
    {
        x = x * 1664525 + 1013904223;
        byte = static_cast<std::uint8_t>(x >> 24U);
    }
    const Bytes fresh = Random(5).bytes(5000);
    all.insert(all.end(), fresh.begin(), fresh.end());
    const Signature base = signatureOf(ByteView(all).first(kSize)).signature;
    VectorFile file(all, 1 << 20);
    TakenDelta delta;
    const ScannedContent scanned = scan(file, &base, delta);
    CHECK(scanned.signature.blockBytes == 2 * base.blockBytes);
    CHECK(delta.literals == fresh);
    CHECK(delta.copiedBytes() == kSize);
}

TEST_CASE("ContentScan: moved and repeated parts are found at any alignment")
{
    Random random(6);
    const Bytes before = random.bytes(600000);
    const ByteView view(before);
    const std::size_t cut = GENERATE(1024U, 1500U, 300001U, 599000U);
    CAPTURE(cut);
    SECTION("halves swapped")
    {
        const Bytes after = joined({view.subspan(cut), view.first(cut)});
        CHECK(provenDelta(before, after).literals.size() <= 3 * kBlock);
    }
    SECTION("doubled")
    {
        const Bytes after = joined({view, view.first(cut), view});
        CHECK(provenDelta(before, after).literals.size() <= 3 * kBlock);
    }
}

TEST_CASE("ContentScan: every change of alignment is found again")
{
    Random random(8);
    const Bytes before = random.bytes(64 * 4096);
    Bytes after;
    std::size_t extra = 0;
    for (std::size_t i = 0; i < before.size(); i += 4096)
    {
        const Bytes fresh = random.bytes(i / 4096 * 17 % 1025);
        extra += fresh.size();
        const ByteView part = ByteView(before).subspan(i, 4096);
        after = joined({after, fresh, part});
    }
    CHECK(provenDelta(before, after).literals.size() <= extra + 64 * kBlock);
}

TEST_CASE("ContentScan: equal blocks are copied, and in few operations")
{
    const unsigned period = GENERATE(1U, 2U, 3U, 1000U, 1024U, 1025U);
    CAPTURE(period);
    const Bytes unit = Random(period).bytes(period);
    Bytes before(2000000);
    for (std::size_t i = 0; i < before.size(); ++i)
    {
        before[i] = unit[i % period];
    }
    SECTION("one byte before them")
    {
        const std::uint8_t byte = static_cast<std::uint8_t>(unit[0] + 1);
        const TakenDelta delta = provenDelta(before, joined({{&byte, 1}, before}));
        CHECK(delta.literals.size() <= 2 * kBlock);
        CHECK(delta.ops.size() <= 8);
    }
    SECTION("bytes changed here and there")
    {
        Bytes after = before;
        for (std::size_t i = 5000; i < after.size(); i += 300000)
        {
            ++after[i];
        }
        CHECK(provenDelta(before, after).literals.size() <= 7 * kBlock);
    }
    SECTION("twice as long")
    {
        const TakenDelta delta = provenDelta(before, joined({before, before}));
        CHECK(delta.literals.size() <= 2 * kBlock);
    }
}

TEST_CASE("ContentScan: content of zeros that became data, and back, comes back")
{
    const Bytes zeros(300000);
    const Bytes data = Random(9).bytes(300000);
    CHECK(provenDelta(zeros, data).literals.size() == data.size());
    CHECK(provenDelta(data, zeros).literals.size() == zeros.size());
    CHECK(provenDelta(zeros, Bytes(400001)).literals.size() <= kBlock);
}

TEST_CASE("ContentScan: wholly different content comes as literal in whole frames")
{
    const Bytes after = Random(10).bytes(3 * kFrameBytes + 10);
    const TakenDelta delta = provenDelta(Random(11).bytes(500000), after);
    REQUIRE(delta.ops.size() == 4);
    CHECK(delta.ops[0].length == kFrameBytes);
    CHECK(delta.ops[2].length == kFrameBytes);
    CHECK(delta.ops[3].length == 10);
}

TEST_CASE("ContentScan: without a base everything is literal")
{
    const Bytes content = Random(12).bytes(GENERATE(0U, 1U, 131072U, 700000U));
    VectorFile file(content);
    TakenDelta delta;
    const ScannedContent scanned = scan(file, nullptr, delta);
    CHECK(delta.literals == content);
    CHECK(delta.wellFormed);
    CHECK(scanned.hash == signatureOf(content).hash);
    CHECK(file.bytesRead == content.size());
}

TEST_CASE("ContentScan: a signature that makes no sense is no use but does no harm")
{
    const Bytes content = Random(13).bytes(5000);
    Signature base = signatureOf(content).signature;
    SECTION("no block length")
    {
        base.blockBytes = 0;
    }
    SECTION("an odd block length")
    {
        base.blockBytes = 1000;
    }
    SECTION("too long blocks")
    {
        base.blockBytes = 2 * kMaxBlockBytes;
    }
    SECTION("blocks missing")
    {
        base.blocks.resize(2);
    }
    SECTION("blocks in excess")
    {
        base.blocks.resize(20);
    }
    SECTION("another size")
    {
        base.size = 123456789;
    }
    VectorFile file(content);
    TakenDelta delta;
    const ScannedContent scanned = scan(file, &base, delta);
    CHECK(scanned.hash == signatureOf(content).hash);
    CHECK(delta.literals.size() + delta.copiedBytes() == content.size());
}

TEST_CASE("ContentScan: a file that is shorter than announced is an error, not zeros")
{
    const std::uint64_t size = GENERATE(1U, 5000U, 3000000U);
    VectorFile file(Random(14).bytes(GENERATE(0U, 4096U, 4500U)));
    if (size > file.stat().size)
    {
        TakenDelta delta;
        ContentScan content(file, size, nullptr, delta);
        const auto run = [&] {
            while (content.step())
            {
            }
        };
        CHECK_THROWS_AS(run(), Error);
    }
}

TEST_CASE("ContentScan: many blocks with one weak checksum stay cheap to search")
{
    // Blocks that differ in their strong checksums only: what a forger would make.
    Signature base;
    base.size = 100000 * kBlock;
    const Bytes content = Random(15).bytes(200000);
    const std::uint32_t weak = RollingSum::of(ByteView(content).subspan(777, kBlock));
    for (std::uint64_t i = 0; i < 100000; ++i)
    {
        base.blocks.push_back({weak, i});
    }
    VectorFile file(content);
    TakenDelta delta;
    CHECK(scan(file, &base, delta).hash == signatureOf(content).hash);
    CHECK(delta.literals == content);
}

TEST_CASE("ContentScan: steps are of bounded work")
{
    VectorFile file(Random(16).bytes(5 << 20));
    TakenDelta delta;
    ContentScan content(file, 5 << 20, nullptr, delta);
    std::uint64_t before = 0;
    int steps = 0;
    while (content.step())
    {
        CHECK(file.bytesRead - before <= (1 << 20) + (1 << 18));
        before = file.bytesRead;
        ++steps;
    }
    CHECK(steps >= 4);
    CHECK(steps <= 6);
}

} // namespace tidewire
