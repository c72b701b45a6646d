// The content hash: leaf lengths, leaf hashes and their combination.

#include "shared/delta/ContentHash.h"

#include "shared/delta/LeafHasher.h"
#include "shared/delta/Zeros.h"

namespace tidewire {

namespace {

Hash hashZeros(std::uint64_t length)
{
    Leaf leaf;
    forZeros(length, [&](ByteView zeros) { leaf.add(zeros); });
    return leaf.hash();
}

} // namespace

std::uint64_t leafBytes(std::uint64_t size)
{
    std::uint64_t leaf = kMinLeafBytes;
    while (size / kMaxLeaves + (size % kMaxLeaves != 0 ? 1 : 0) > leaf)
    {
        leaf *= 2;
    }
    return leaf;
}

Hash hashLeaf(ByteView leaf)
{
    Leaf hasher;
    hasher.add(leaf);
    return hasher.hash();
}

Hash hashZeroLeaf(std::uint64_t length)
{
    if (length == kMinLeafBytes)
    {
        static const Hash kWholeLeaf = hashZeros(kMinLeafBytes);
        return kWholeLeaf;
    }
    return hashZeros(length);
}

Hash combineLeaves(std::uint64_t size, std::span<const Hash> leaves)
{
    std::array<std::uint8_t, 8> prefix{};
    for (unsigned i = 0; i < prefix.size(); ++i)
    {
        prefix[i] = static_cast<std::uint8_t>(size >> (8 * i));
    }
    Blake2b hasher;
    hasher.update(prefix);
    for (const Hash& leaf : leaves)
    {
        hasher.update(leaf.bytes);
    }
    return hasher.finish();
}

} // namespace tidewire
