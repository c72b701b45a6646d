// The content hash and the checksums, against values that were made elsewhere.

#include "shared/delta/ContentHash.h"

#include "shared/delta/BlockSummer.h"
#include "shared/delta/ChunkHash.h"
#include "shared/delta/RollingSum.h"
#include "tests/shared/delta/DeltaTools.h"

#include <catch2/catch.hpp>

namespace tidewire {

namespace {

std::string hex(const Hash& hash)
{
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string result;
    for (const std::uint8_t byte : hash.bytes)
    {
        result += kDigits[byte >> 4U];
        result += kDigits[byte & 15U];
    }
    return result;
}

/// The upper bytes of a linear congruential generator: easy to make in any language.
Bytes pattern(std::size_t count)
{
    Bytes result(count);
    std::uint32_t x = 1;
    for (std::uint8_t& byte : result)
    {
        x = x * 1664525 + 1013904223;
        byte = static_cast<std::uint8_t>(x >> 24U);
    }
    return result;
}

} // namespace

// The expected hashes are from Python's hashlib.blake2b(digest_size=32).
TEST_CASE("ContentHash: leaves and contents have the hashes of an independent implementation")
{
    CHECK(hex(hashLeaf({})) == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    CHECK(hex(hashLeaf(asBytes("abc"))) ==
          "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    CHECK(hex(signatureOf({}).hash) ==
          "81e47a19e6b29b0a65b9591762ce5143ed30d0261e5d24a3201752506b20f15c");
    CHECK(hex(signatureOf(asBytes("abc")).hash) ==
          "e2e18671483448dead35b1246bd76130d23fca0e61204de498d49387a7140d54");
    CHECK(hex(signatureOf(pattern(1 << 20)).hash) ==
          "098963408277bd090216fcbcc87440555986925e26e5cf2fe0c2a17b19e180f6");
    CHECK(hex(signatureOf(pattern((1 << 20) + 1)).hash) ==
          "0211d403999bdf9273d4642246ceece394b3a9a0a5030729a7dd48d6a7d8ab55");
    CHECK(hex(signatureOf(pattern((2 << 20) + 12345)).hash) ==
          "bb3f8b026ebc69e55d9bc47cd90f5f55733925603ac635d1a916fb9efb718647");
    CHECK(hex(signatureOf(Bytes((3 << 20) + 5)).hash) ==
          "695abf753854cde79d74003e9ba6a60e35528b0d3cfca387dc8db51bd5b4b233");
}

TEST_CASE(
    "ContentHash: a leaf of one chunk has the hash of the chunk, a longer one a hash over them")
{
    const Bytes bytes = pattern(kChunkBytes + 1);
    CHECK(hex(hashLeaf(ByteView(bytes).first(kChunkBytes))) ==
          "38e54245753c498047009f57b022b2eaff821c58311a93181fe8193c045fa9d2");
    CHECK(hex(hashLeaf(bytes)) ==
          "822a2ae62b88dd8e8cdf176c23d1257807594de8c04d1c73d4efd75b4d075a9f");
}

TEST_CASE("ContentHash: chunks that are hashed side by side have the hashes of single ones")
{
    const Bytes bytes = Random(5).bytes(13 * kChunkBytes);
    const auto lanes = GENERATE(ChunkLanes::Four, ChunkLanes::Eight);
    const std::size_t count = GENERATE(0U, 1U, 3U, 4U, 5U, 8U, 13U);
    CAPTURE(static_cast<int>(lanes), count);
    if (lanes > bestChunkLanes())
    {
        return;
    }
    const ByteView chunks = ByteView(bytes).first(count * kChunkBytes);
    std::vector<Hash> expected(count);
    hashChunks(chunks, expected, ChunkLanes::One);
    std::vector<Hash> hashes(count);
    hashChunks(chunks, hashes, lanes);
    CHECK(hashes == expected);
    for (std::size_t i = 0; i < count; ++i)
    {
        CHECK(hashes[i] == hashLeaf(chunks.subspan(i * kChunkBytes, kChunkBytes)));
    }
}

TEST_CASE("ContentHash: leaves of zeros have the hash of as many zero bytes")
{
    CHECK(hex(hashZeroLeaf(1 << 20)) ==
          "e4ee16642c3ce3b016f728a3fad31376464599998de31dcf623feffee3d3984f");
    CHECK(hex(hashZeroLeaf(1000)) ==
          "919da92d5040aeac86a75eb4125da3d0a9423bae8ae422b733b755f7baa8dadf");
    CHECK(hashZeroLeaf(3 << 20) == hashLeaf(Bytes(3 << 20)));
    CHECK(hashZeroLeaf(0) == hashLeaf({}));
}

TEST_CASE("ContentHash: leaves are doubled once there would be more than the limit")
{
    constexpr std::uint64_t kLimit = kMinLeafBytes * kMaxLeaves;
    CHECK(leafBytes(0) == kMinLeafBytes);
    CHECK(leafBytes(kLimit) == kMinLeafBytes);
    CHECK(leafBytes(kLimit + 1) == 2 * kMinLeafBytes);
    CHECK(leafBytes(kMaxContentBytes) == std::uint64_t{1} << 47U);
    CHECK(leafBytes(UINT64_MAX) == std::uint64_t{1} << 48U);
}

TEST_CASE("Signature: blocks are as short as the limit on their number allows")
{
    CHECK(blockBytesFor(0) == 1024);
    CHECK(blockBytesFor(kMaxBlocks * 1024) == 1024);
    CHECK(blockBytesFor(kMaxBlocks * 1024 + 1) == 2048);
    CHECK(blockBytesFor(kMaxBlocks * kMaxBlockBytes) == kMaxBlockBytes);
    CHECK(blockBytesFor(kMaxContentBytes) == kMaxBlockBytes);
}

TEST_CASE("RollingSum: is the polynomial that the header names, however it is computed")
{
    CHECK(RollingSum::of(asBytes("tidewire")) == 0xb1771e3d);
    const Bytes bytes = pattern(1024);
    CHECK(RollingSum::of(bytes) == 0xee5b825b);
    for (const std::size_t cut : {0U, 1U, 127U, 128U, 129U, 1000U, 1024U})
    {
        const ByteView view(bytes);
        CHECK(RollingSum::of(view.subspan(cut), RollingSum::of(view.first(cut))) == 0xee5b825b);
    }
    const std::uint32_t before = RollingSum::of(asBytes("x"));
    CHECK(RollingSum::ofZeros(77, before) == RollingSum::of(Bytes(77), before));
}

TEST_CASE("RollingSum: rolling gives the checksum of each window")
{
    const Bytes bytes = Random(7).bytes(3000);
    constexpr std::size_t kWindow = 1024;
    const RollingSum rolling(kWindow);
    std::uint32_t sum = RollingSum::of(ByteView(bytes).first(kWindow));
    for (std::size_t i = 0; i + kWindow + 2 <= bytes.size(); ++i)
    {
        const std::uint32_t twice = rolling.rotateTwice(sum, &bytes[i], &bytes[i + kWindow]);
        sum = rolling.rotate(sum, bytes[i], bytes[i + kWindow]);
        REQUIRE(sum == RollingSum::of(ByteView(bytes).subspan(i + 1, kWindow)));
        REQUIRE(twice == RollingSum::of(ByteView(bytes).subspan(i + 2, kWindow)));
    }
}

TEST_CASE("RollingSum: blocks of text and sparse blocks hardly ever share a checksum")
{
    Random random(11);
    const unsigned alphabet = GENERATE(2U, 4U, 26U, 256U);
    const std::uint64_t different = GENERATE(2U, 8U, 1024U);
    CAPTURE(alphabet, different);
    std::vector<std::uint32_t> sums;
    for (int i = 0; i < 4000; ++i)
    {
        Bytes block(1024);
        for (std::uint64_t k = 0; k < different; ++k)
        {
            block[static_cast<std::size_t>(random.below(block.size()))] =
                static_cast<std::uint8_t>('a' + random.below(alphabet));
        }
        sums.push_back(RollingSum::of(block));
    }
    std::sort(sums.begin(), sums.end());
    const auto distinct = std::unique(sums.begin(), sums.end()) - sums.begin();
    // With two bytes set out of few values some of the blocks are the same.
    CHECK(distinct >= (different == 2 ? 3970 : 3995));
}

TEST_CASE("SignatureBuilder: any split of the input gives the same hash and signature")
{
    const std::uint64_t size =
        GENERATE(0U, 1U, 1023U, 1024U, 1025U, 32767U, 32768U, 32769U, 300000U, (1U << 20U) + 77U);
    const std::size_t chunk = GENERATE(1U, 2U, 3U, 7U, 15U, 100U, 10000U, 200000U);
    CAPTURE(size, chunk);
    const Bytes content = Random(size).bytes(size);
    const ScannedContent whole = signatureOf(content);

    SignatureBuilder builder(size);
    for (ByteView rest(content); !rest.empty();)
    {
        const ByteView part = rest.first(std::min(chunk, rest.size()));
        builder.add(part);
        rest = rest.subspan(part.size());
    }
    Hash hash;
    CHECK(builder.position() == size);
    CHECK(builder.finish(hash) == whole.signature);
    CHECK(hash == whole.hash);
    CHECK(whole.signature.blocks.size() == (size + 1023) / 1024);
}

TEST_CASE("SignatureBuilder: zeros count the same as bytes and as holes")
{
    const std::uint64_t seed = GENERATE(range(0U, 12U));
    CAPTURE(seed);
    Random random(seed);
    const std::uint64_t size = (2 << 20) + random.below(2 << 20);
    Bytes content;
    SignatureBuilder builder(size);
    while (content.size() < size)
    {
        const std::uint64_t limit = random.below(3) == 0 ? (3 << 20) : 5000;
        const std::uint64_t length = std::min(random.below(limit) + 1, size - content.size());
        const Bytes part = random.below(2) == 0 ? Bytes() : random.bytes(length);
        content.insert(content.end(), part.begin(), part.end());
        builder.add(part);
        if (part.empty())
        {
            content.resize(content.size() + static_cast<std::size_t>(length));
            builder.addZeros(length);
        }
    }
    Hash hash;
    const ScannedContent expected = signatureOf(content);
    CHECK(builder.finish(hash) == expected.signature);
    CHECK(hash == expected.hash);
}

TEST_CASE("SignatureBuilder: an old signature changes nothing in the result")
{
    Random random(3);
    const Bytes old = random.bytes(100000);
    Bytes changed = old;
    changed[50000] ^= 1U;
    const Signature base = signatureOf(old).signature;
    SignatureBuilder builder(changed.size(), &base);
    builder.add(changed);
    Hash hash;
    CHECK(builder.finish(hash) == signatureOf(changed).signature);
}

TEST_CASE("SignatureBuilder: the signature of the longest content stays within its bounds")
{
    SignatureBuilder builder(std::uint64_t{1} << 42U);
    builder.addZeros(std::uint64_t{1} << 42U);
    Hash hash;
    const Signature signature = builder.finish(hash);
    CHECK(signature.blocks.size() == kMaxBlocks);
    CHECK(signature.leaves.size() == kMaxLeaves);
}

} // namespace tidewire
