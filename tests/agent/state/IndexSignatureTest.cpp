// Index: signatures in parts.

#include "shared/base/Errors.h"
#include "shared/db/Database.h"
#include "tests/agent/state/IndexFixture.h"

#include <catch2/catch.hpp>

#include <stdexcept>

using namespace tidewire;

namespace {

constexpr std::uint64_t kBlock = 1024;

/// A signature with random sums for a content of `size` bytes.
Signature makeSignature(std::mt19937_64& random, std::uint64_t size)
{
    Signature result;
    result.size = size;
    result.blockBytes = kBlock;
    result.blocks.resize((size + kBlock - 1) / kBlock);
    for (BlockSum& block : result.blocks)
    {
        block = {static_cast<std::uint32_t>(random()), random()};
    }
    result.leaves.resize((size + kMinLeafBytes - 1) / kMinLeafBytes);
    for (Hash& leaf : result.leaves)
    {
        leaf.bytes[0] = static_cast<std::uint8_t>(random());
        leaf.bytes[31] = static_cast<std::uint8_t>(random());
    }
    return result;
}

class SignatureFixture: public IndexFixture
{
protected:
    SignatureFixture()
    {
        index().put(share, fileAt("a"));
        index().put(share, fileAt("b"));
    }

    /// Rows that `work` writes.
    template <typename Work>
    std::uint64_t rowsOf(const Work& work)
    {
        const std::uint64_t before = index().rowsWritten();
        work();
        return index().rowsWritten() - before;
    }

    std::uint64_t partsInFile()
    {
        opened.reset();
        std::uint64_t count = 0;
        {
            Database database(file);
            const std::uint64_t before = database.totalChanges();
            database.exec("BEGIN; DELETE FROM signature_part WHERE id >= 0");
            count = database.totalChanges() - before;
            database.rollback();
        }
        reopen();
        return count;
    }

    std::mt19937_64 random{3}; // NOLINT: the same sums every time
    const RelativePath a = path("a");
    const RelativePath b = path("b");
};

} // namespace

TEST_CASE_METHOD(SignatureFixture,
                 "Index: an entry and its signature in one are as if put one after the other")
{
    const Signature first = makeSignature(random, 5000);
    const Signature second = makeSignature(random, 700000);
    const Signature third = makeSignature(random, 300);

    index().put(share, fileAt("new"), first);
    CHECK(same(index().get(share, fileAt("new").path).value(), fileAt("new")));
    CHECK(index().signature(share, fileAt("new").path) == first);

    IndexEntry changed = fileAt("new");
    changed.seq += 100;
    changed.entry.size += 1;
    index().put(share, changed, second);
    CHECK(same(index().get(share, changed.path).value(), changed));
    CHECK(index().signature(share, changed.path) == second);

    // One that is there, without a signature so far.
    index().put(share, fileAt("a"), third);
    CHECK(index().signature(share, fileAt("a").path) == third);
    CHECK(index().signature(share, changed.path) == second);
}

TEST_CASE_METHOD(SignatureFixture, "Index: signatures of any length survive a reopen")
{
    const auto blocks = GENERATE(0U, 1U, 255U, 256U, 257U, 5000U, 262144U);
    const Signature signature = makeSignature(random, blocks * kBlock);
    CHECK_FALSE(index().signature(share, a));
    index().putSignature(share, a, signature);
    reopen();
    CHECK(index().signature(share, a) == signature);
    CHECK_FALSE(index().signature(share, b));
}

TEST_CASE_METHOD(SignatureFixture, "Index: a shorter signature leaves no parts of the longer one")
{
    index().putSignature(share, a, makeSignature(random, 200U << 20U));
    const Signature shorter = makeSignature(random, 1000);
    index().putSignature(share, a, shorter);
    CHECK(index().signature(share, a) == shorter);
    CHECK(partsInFile() == 2);
    index().putSignature(share, a, makeSignature(random, 0));
    CHECK(partsInFile() == 0);
    CHECK(index().signature(share, a)->blocks.empty());
}

TEST_CASE_METHOD(SignatureFixture, "Index: only the parts of a signature that differ are rewritten")
{
    Signature signature = makeSignature(random, 100U << 20U);
    const auto all = rowsOf([&] { index().putSignature(share, a, signature); });
    CHECK(all == 1 + 400 + 2); // the entry, the parts of blocks, the parts of leaves
    signature.blocks[70000].weak ^= 1U;
    signature.leaves[68].bytes[3] ^= 1U;
    CHECK(rowsOf([&] { index().putSignature(share, a, signature); }) == 1 + 1 + 1);
    CHECK(index().signature(share, a) == signature);
}

TEST_CASE_METHOD(SignatureFixture, "Index: an append yields the signature of the whole")
{
    const auto size = GENERATE(0U, 1000U, 256U * 1024U, 100'000'000U);
    const auto added = GENERATE(1U, 5000U, 3'000'000U);
    Signature signature = makeSignature(random, size);
    index().putSignature(share, a, signature);

    const Signature grown = makeSignature(random, std::uint64_t{size} + added);
    AppendedContent appended;
    appended.firstBlock = size / kBlock;
    appended.blocks.assign(grown.blocks.begin() + size / kBlock, grown.blocks.end());
    appended.leaves = signature.leaves;
    if (!appended.leaves.empty())
    {
        appended.leaves.pop_back();
    }
    appended.leaves.insert(appended.leaves.end(),
                           grown.leaves.begin() + std::ssize(appended.leaves),
                           grown.leaves.end());
    const auto rows = rowsOf([&] { index().appendSignature(share, a, grown.size, appended); });
    CHECK(rows <= 1 + appended.blocks.size() / 256 + 2 + 2);

    signature.blocks.resize(size / kBlock);
    signature.blocks.insert(signature.blocks.end(), appended.blocks.begin(), appended.blocks.end());
    signature.leaves = appended.leaves;
    signature.size = grown.size;
    CHECK(index().signature(share, a) == signature);
}

TEST_CASE_METHOD(SignatureFixture, "Index: an append base holds the blocks that sampleBlocks names")
{
    const auto size = GENERATE(0U, 10U, 1'000'000U, 200'000'000U);
    const Signature signature = makeSignature(random, size);
    CHECK_FALSE(index().appendBase(share, a, 16));
    index().putSignature(share, a, signature);
    const AppendBase base = index().appendBase(share, a, 16).value();
    CHECK(base.size == signature.size);
    CHECK(base.blockBytes == signature.blockBytes);
    CHECK(base.leaves == signature.leaves);
    const auto wanted = sampleBlocks(size, kBlock, 16);
    REQUIRE(base.samples.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i)
    {
        CHECK(base.samples[i].block == wanted[i]);
        CHECK(base.samples[i].sum == signature.blocks.at(wanted[i]));
    }
}

TEST_CASE_METHOD(SignatureFixture, "Index: a signature moves for the price of two rows")
{
    const Signature signature = makeSignature(random, 50U << 20U);
    index().putSignature(share, a, signature);
    CHECK(rowsOf([&] { index().moveSignature(share, a, b); }) == 2);
    CHECK_FALSE(index().signature(share, a));
    CHECK(index().signature(share, b) == signature);
    index().moveSignature(share, a, b); // there is none: nothing happens
    CHECK(index().signature(share, b) == signature);
    index().remove(share, a);
    CHECK(index().signature(share, b) == signature);
}

TEST_CASE_METHOD(SignatureFixture, "Index: a move replaces the signature at its target")
{
    const Signature signature = makeSignature(random, 3U << 20U);
    index().putSignature(share, a, signature);
    index().putSignature(share, b, makeSignature(random, 5U << 20U));
    index().moveSignature(share, a, b);
    index().moveSignature(share, b, b);
    CHECK(index().signature(share, b) == signature);
    CHECK(partsInFile() == 12 + 1);
}

TEST_CASE_METHOD(SignatureFixture, "Index: copies of a signature are independent")
{
    Signature signature = makeSignature(random, 3U << 20U);
    const Signature before = signature;
    index().putSignature(share, a, signature);
    index().copySignature(share, a, b);
    index().copySignature(share, b, b);
    signature.blocks[5].weak ^= 1U;
    index().putSignature(share, a, signature);
    CHECK(index().signature(share, a) == signature);
    CHECK(index().signature(share, b) == before);
    index().remove(share, b);
    CHECK(index().signature(share, a) == signature);
}

TEST_CASE_METHOD(SignatureFixture, "Index: a signature goes with its entry and stays for a put")
{
    const Signature signature = makeSignature(random, 3U << 20U);
    index().putSignature(share, a, signature);
    index().put(share, fileAt("a", 9));
    CHECK(index().signature(share, a) == signature);
    IndexEntry directory = fileAt("a");
    directory.entry = {EntryKind::Directory, 0755, {}, 0, {}, ""};
    index().put(share, directory);
    CHECK_FALSE(index().signature(share, a));
    CHECK(partsInFile() == 0);

    index().putSignature(share, b, signature);
    index().remove(share, b);
    CHECK(partsInFile() == 0);
    CHECK_THROWS_AS(index().putSignature(share, b, signature), std::logic_error);
    CHECK(partsInFile() == 0);
}

TEST_CASE_METHOD(SignatureFixture, "Index: empty signatures share no parts when they grow")
{
    const Signature empty = makeSignature(random, 0);
    index().putSignature(share, a, empty);
    index().putSignature(share, b, empty);
    reopen();
    const Signature first = makeSignature(random, 9000);
    const Signature second = makeSignature(random, 7000);
    index().putSignature(share, a, first);
    reopen();
    index().putSignature(share, b, second);
    CHECK(index().signature(share, a) == first);
    CHECK(index().signature(share, b) == second);
}

TEST_CASE_METHOD(SignatureFixture, "Index: a missing part of a signature is a CorruptError")
{
    index().putSignature(share, a, makeSignature(random, 3U << 20U));
    opened.reset();
    Database(file).exec(GENERATE("DELETE FROM signature_part WHERE id % 2048 = 3",
                                 "UPDATE signature_part SET data = x'01' WHERE id % 2048 = 1024",
                                 "UPDATE entry SET sig_blocks = 1000000",
                                 "UPDATE entry SET sig = 77"));
    reopen();
    CHECK_THROWS_AS(index().signature(share, a), CorruptError);
}
