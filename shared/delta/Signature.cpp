// Builds signatures: leaf hashes and block checksums in one pass.

#include "shared/delta/Signature.h"

#include "shared/delta/BlockSummer.h"
#include "shared/delta/LeafHasher.h"

namespace tidewire {

std::uint32_t blockBytesFor(std::uint64_t size)
{
    std::uint32_t bytes = 1024;
    while (bytes < kMaxBlockBytes && size > bytes * kMaxBlocks)
    {
        bytes *= 2;
    }
    return bytes;
}

class SignatureBuilder::Impl
{
public:
    Impl(std::uint64_t contentSize, const Signature* old):
        size(contentSize),
        leaves(leafBytes(contentSize)),
        blocks(blockBytesFor(contentSize), kMaxBlocks, old)
    {
    }

    std::uint64_t size;
    std::uint64_t position = 0;
    LeafHasher leaves;
    BlockSummer blocks;
};

SignatureBuilder::SignatureBuilder(std::uint64_t size, const Signature* old):
    _impl(std::make_unique<Impl>(size, old))
{
}

SignatureBuilder::SignatureBuilder(SignatureBuilder&&) noexcept = default;
SignatureBuilder& SignatureBuilder::operator=(SignatureBuilder&&) noexcept = default;
SignatureBuilder::~SignatureBuilder() = default;

void SignatureBuilder::add(ByteView bytes)
{
    _impl->leaves.add(bytes);
    _impl->blocks.add(bytes);
    _impl->position += bytes.size();
}

void SignatureBuilder::addZeros(std::uint64_t length)
{
    _impl->leaves.addZeros(length);
    _impl->blocks.addZeros(length);
    _impl->position += length;
}

std::uint64_t SignatureBuilder::position() const
{
    return _impl->position;
}

const std::vector<BlockSum>& SignatureBuilder::blocks() const
{
    return _impl->blocks.blocks();
}

Signature SignatureBuilder::finish(Hash& hash)
{
    _impl->blocks.finish();
    Signature signature;
    signature.size = _impl->size;
    signature.blockBytes = blockBytesFor(_impl->size);
    signature.blocks = std::move(_impl->blocks.blocks());
    signature.leaves = _impl->leaves.leaves();
    hash = combineLeaves(signature.size, signature.leaves);
    return signature;
}

} // namespace tidewire
