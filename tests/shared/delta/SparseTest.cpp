// Files with holes: what is not there costs nothing, and stays a hole.

#include "tests/shared/delta/DeltaTools.h"

#include <catch2/catch.hpp>

namespace tidewire {

namespace {

/// A file of `size` bytes with random data in some places.
VectorFile randomSparse(Random& random, std::uint64_t size, std::uint64_t pageBytes)
{
    VectorFile file(pageBytes);
    for (std::uint64_t parts = random.below(8); parts > 0; --parts)
    {
        const std::uint64_t at = random.below(size);
        file.write(at, random.bytes(std::min(random.below(size / 4) + 1, size - at)));
    }
    file.truncate(size);
    return file;
}

} // namespace

TEST_CASE("Sparse: contents with holes of any alignment come back")
{
    const std::uint64_t seed = GENERATE(range(0U, 80U));
    const std::uint64_t pageBytes = GENERATE(16U, 100U, 512U, 4096U);
    CAPTURE(seed, pageBytes);
    Random random(seed);
    const std::uint64_t size = random.below(seed % 4 == 0 ? 700000 : 30000) + 4;
    VectorFile before = randomSparse(random, size, pageBytes);
    VectorFile after = before;
    if (seed % 3 != 0)
    {
        after.truncate(random.below(2 * size));
        for (std::uint64_t edits = random.below(4); edits > 0; --edits)
        {
            after.write(random.below(size), random.bytes(random.below(3000)));
        }
    }
    else
    {
        after = randomSparse(random, size, pageBytes);
    }
    const Bytes expected = after.content();
    TakenDelta ignored;
    const ScannedContent base = scan(before, nullptr, ignored);
    CHECK(base.hash == signatureOf(before.content()).hash);
    CHECK(base.signature == signatureOf(before.content()).signature);

    TakenDelta delta;
    const ScannedContent scanned = scan(after, &base.signature, delta);
    CHECK(delta.wellFormed);
    CHECK(scanned.hash == signatureOf(expected).hash);
    CHECK(scanned.signature == signatureOf(expected).signature);
    VectorFile out(pageBytes);
    const auto written = apply(delta, expected.size(), &before, out);
    REQUIRE(written);
    CHECK(written->first == scanned.hash);
    CHECK(out.content() == expected);
}

TEST_CASE("Sparse: ten GiB with one MiB of data are read and written as that MiB")
{
    constexpr std::uint64_t kSize = std::uint64_t{10} << 30U;
    VectorFile file;
    file.write(kSize / 3, Random(1).bytes(1 << 20));
    file.truncate(kSize);
    TakenDelta fresh;
    const ScannedContent scanned = scan(file, nullptr, fresh);
    CHECK(file.bytesRead <= (1 << 20) + 8192);
    CHECK(fresh.literals.size() <= (1 << 20) + 8192);
    CHECK(scanned.signature.blocks.size() <= kMaxBlocks);

    VectorFile out;
    const auto written = apply(fresh, kSize, nullptr, out);
    REQUIRE(written);
    CHECK(written->first == scanned.hash);
    CHECK(out.allocatedBytes() == file.allocatedBytes());

    SECTION("and unchanged they need no literal")
    {
        TakenDelta again;
        CHECK(scan(file, &scanned.signature, again).hash == scanned.hash);
        CHECK(again.literals.empty());
    }
    SECTION("and a changed byte costs a block")
    {
        const std::uint8_t byte = 1;
        file.write(kSize / 3 + 500000, {&byte, 1});
        TakenDelta again;
        const ScannedContent changed = scan(file, &scanned.signature, again);
        CHECK(again.literals.size() <= scanned.signature.blockBytes);
        VectorFile next;
        const auto applied = apply(again, kSize, &out, next);
        REQUIRE(applied);
        CHECK(applied->first == changed.hash);
        CHECK(next.allocatedBytes() <= file.allocatedBytes() + 2 * 4096);
    }
}

TEST_CASE("Sparse: unchanged data beside holes is copied though blocks reach into the holes")
{
    // Blocks are 4 KiB here, pages 512 bytes: nearly every block is part data, part hole.
    const std::uint64_t size = kMaxBlocks * 2048 + 100;
    REQUIRE(blockBytesFor(size) == 4096);
    VectorFile file(512);
    Random random(2);
    for (std::uint64_t at = 700; at < 3000000; at += 2000 + random.below(9000))
    {
        const Bytes part = random.bytes(random.below(3000) + 1);
        file.write(at, part);
    }
    file.truncate(size);
    TakenDelta fresh;
    const ScannedContent base = scan(file, nullptr, fresh);
    CHECK(fresh.literals.size() <= file.allocatedBytes());

    TakenDelta again;
    const ScannedContent scanned = scan(file, &base.signature, again);
    CHECK(scanned.hash == base.hash);
    CHECK(again.literals.empty());
}

TEST_CASE("Sparse: a hole at the end reaches to the size")
{
    VectorFile file;
    const std::uint64_t size = GENERATE(1U, 4096U, 5000U, 3000001U);
    file.truncate(size);
    TakenDelta delta;
    const ScannedContent scanned = scan(file, nullptr, delta);
    CHECK(delta.ops == Delta{{OpKind::Zero, 0, 0, size}});
    VectorFile out;
    REQUIRE(apply(delta, size, nullptr, out));
    CHECK(out.stat().size == size);
    CHECK(out.allocatedBytes() == 0);
    CHECK(scanned.hash == signatureOf(Bytes(static_cast<std::size_t>(size))).hash);
}

} // namespace tidewire
