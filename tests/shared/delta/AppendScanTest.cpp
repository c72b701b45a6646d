// The fast path for logs: takes over what did not change, and notices what did.

#include "tests/shared/delta/DeltaTools.h"

#include <catch2/catch.hpp>

namespace tidewire {

namespace {

AppendBase appendBaseOf(const Signature& signature, std::size_t samples)
{
    AppendBase base;
    base.size = signature.size;
    base.blockBytes = signature.blockBytes;
    base.leaves = signature.leaves;
    for (const std::uint64_t block : sampleBlocks(base.size, base.blockBytes, samples))
    {
        base.samples.push_back({block, signature.blocks[static_cast<std::size_t>(block)]});
    }
    return base;
}

} // namespace

TEST_CASE("AppendScan: gives what a full scan gives, with a copy and the new bytes")
{
    static constexpr std::size_t kSizes[] = {
        0, 1, 1000, 1024, 5000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (3 << 20) + 12345};
    const std::size_t oldSize = GENERATE(from_range(std::begin(kSizes), std::end(kSizes)));
    const std::size_t added = GENERATE(0U, 1U, 1024U, 300000U, 1U << 20U);
    CAPTURE(oldSize, added);
    const Bytes all = Random(oldSize).bytes(oldSize + added);
    const Signature old = signatureOf(ByteView(all).first(oldSize)).signature;
    const AppendBase base = appendBaseOf(old, 16);
    VectorFile file(all);
    TakenDelta delta;
    const auto appended = scanAppend(file, all.size(), base, delta);
    REQUIRE(appended);

    const ScannedContent expected = signatureOf(all);
    CHECK(appended->hash == expected.hash);
    CHECK(appended->leaves == expected.signature.leaves);
    std::vector<BlockSum> blocks = old.blocks;
    blocks.resize(static_cast<std::size_t>(appended->firstBlock));
    blocks.insert(blocks.end(), appended->blocks.begin(), appended->blocks.end());
    CHECK(blocks == expected.signature.blocks);
    CHECK(delta.copiedBytes() == oldSize);
    CHECK(delta.literals == Bytes(all.begin() + static_cast<std::ptrdiff_t>(oldSize), all.end()));
    CHECK(delta.wellFormed);
}

TEST_CASE("AppendScan: reads samples, the last leaf and the new part only")
{
    const Bytes all = Random(1).bytes((20 << 20) + 5000);
    const AppendBase base = appendBaseOf(signatureOf(ByteView(all).first(20 << 20)).signature, 32);
    VectorFile file(all, 1 << 20);
    TakenDelta delta;
    REQUIRE(scanAppend(file, all.size(), base, delta));
    CHECK(file.bytesRead <= (1 << 20) + 32 * 1024 + 5000);
}

TEST_CASE("AppendScan: yields nothing when the old part was changed where it looks")
{
    const std::size_t oldSize = (3 << 20) + 500;
    Bytes all = Random(2).bytes(oldSize + 1000);
    const AppendBase base = appendBaseOf(signatureOf(ByteView(all).first(oldSize)).signature, 8);
    const std::size_t at = GENERATE(0U, 1023U, (3U << 20U), (3U << 20U) + 499U);
    CAPTURE(at);
    ++all[at];
    VectorFile file(all);
    TakenDelta delta;
    CHECK_FALSE(scanAppend(file, all.size(), base, delta));
    CHECK(delta.ops.empty());
}

TEST_CASE("AppendScan: declines what it cannot do")
{
    const Bytes all = Random(3).bytes(100000);
    VectorFile file(all);
    TakenDelta delta;
    AppendBase base = appendBaseOf(signatureOf(ByteView(all).first(50000)).signature, 4);
    std::uint64_t size = all.size();
    SECTION("a file that shrank")
    {
        size = 49999;
    }
    SECTION("leaves missing")
    {
        base.leaves.clear();
    }
    SECTION("no block length")
    {
        base.blockBytes = 0;
    }
    SECTION("an odd block length")
    {
        base.blockBytes = 1000;
    }
    SECTION("a sample from beyond the end")
    {
        base.samples.push_back({49, {}});
    }
    SECTION("a sample from far beyond the end")
    {
        base.samples.push_back({UINT64_MAX, {}});
    }
    CHECK_FALSE(scanAppend(file, size, base, delta));
    CHECK(delta.ops.empty());
}

TEST_CASE("AppendScan: declines when leaves or blocks would have to be longer")
{
    VectorFile file;
    file.truncate(std::uint64_t{65} << 30U);
    TakenDelta delta;
    AppendBase base;
    base.size = 1000;
    base.leaves = {hashZeroLeaf(1000)};
    CHECK_FALSE(scanAppend(file, std::uint64_t{65} << 30U, base, delta));
    CHECK_FALSE(scanAppend(file, 2 * kMaxBlocks * 1024 + 1, base, delta));
    CHECK(scanAppend(file, 2 * kMaxBlocks * 1024, base, delta));
}

TEST_CASE("AppendScan: holes, in the old part and in the new one, become zeros")
{
    Random random(4);
    VectorFile file;
    file.write(0, random.bytes(5000));
    file.write(100000, random.bytes(5000));
    file.truncate(110000);
    const AppendBase base = appendBaseOf(signatureOf(file.content()).signature, 8);
    file.write(500000, random.bytes(3000));
    file.truncate(2000000);
    TakenDelta delta;
    const auto appended = scanAppend(file, 2000000, base, delta);
    REQUIRE(appended);
    CHECK(appended->hash == signatureOf(file.content()).hash);
    CHECK(delta.wellFormed);
    CHECK(delta.literals.size() <= 2 * 4096);
    const std::vector<BlockSum> blocks = signatureOf(file.content()).signature.blocks;
    CHECK(appended->blocks ==
          std::vector<BlockSum>(blocks.begin() + static_cast<std::ptrdiff_t>(appended->firstBlock),
                                blocks.end()));
}

TEST_CASE("AppendScan: a file that is shorter than announced is an error")
{
    const Bytes all = Random(5).bytes(10000);
    const AppendBase base = appendBaseOf(signatureOf(ByteView(all).first(5000)).signature, 4);
    VectorFile file(all);
    TakenDelta delta;
    CHECK_THROWS_AS(scanAppend(file, 20000, base, delta), Error);
}

TEST_CASE("AppendScan: samples are spread from the first to the last whole block")
{
    CHECK(sampleBlocks(0, 1024, 8).empty());
    CHECK(sampleBlocks(1023, 1024, 8).empty());
    CHECK(sampleBlocks(100000, 1024, 0).empty());
    CHECK(sampleBlocks(1024, 1024, 8) == std::vector<std::uint64_t>{0});
    CHECK(sampleBlocks(3 * 1024 + 5, 1024, 8) == std::vector<std::uint64_t>{0, 1, 2});
    CHECK(sampleBlocks(10240, 1024, 4) == std::vector<std::uint64_t>{0, 3, 6, 9});
}

} // namespace tidewire
