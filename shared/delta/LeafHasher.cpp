// Cuts a stream into leaves and these into chunks, and hashes them.

#include "shared/delta/LeafHasher.h"

#include "shared/base/Errors.h"
#include "shared/delta/ChunkHash.h"
#include "shared/delta/Zeros.h"

#include <sodium/core.h>

#include <algorithm>
#include <array>

namespace tidewire {

namespace {

constexpr std::size_t kChunksAtOnce = 8;

// libsodium is correct but slow until sodium_init() has picked the code for this processor. It may
// be called again from anywhere; the static makes that one test of a flag.
void initSodium()
{
    static const bool kReady = sodium_init() >= 0;
    if (!kReady)
    {
        throw Error("libsodium cannot be initialised");
    }
}

} // namespace

Blake2b::Blake2b()
{
    initSodium();
    reset();
}

void Blake2b::reset()
{
    crypto_generichash_init(&_state, nullptr, 0, sizeof(Hash::bytes));
}

void Blake2b::update(ByteView bytes)
{
    crypto_generichash_update(&_state, bytes.data(), bytes.size());
}

Hash Blake2b::finish()
{
    Hash hash;
    crypto_generichash_final(&_state, hash.bytes.data(), hash.bytes.size());
    return hash;
}

void Leaf::add(ByteView bytes)
{
    while (!bytes.empty())
    {
        const std::size_t whole = std::min(bytes.size() / kChunkBytes, kChunksAtOnce);
        if (_inChunk == 0 && whole > 0)
        {
            std::array<Hash, kChunksAtOnce> hashes;
            hashChunks(bytes.first(whole * kChunkBytes), std::span(hashes).first(whole));
            std::for_each_n(hashes.begin(), whole, [this](const Hash& hash) { addChunk(hash); });
            bytes = bytes.subspan(whole * kChunkBytes);
            continue;
        }
        const std::size_t count = std::min(bytes.size(), kChunkBytes - _inChunk);
        _chunk.update(bytes.first(count));
        _inChunk += count;
        if (_inChunk == kChunkBytes)
        {
            addChunk(_chunk.finish());
            _chunk.reset();
            _inChunk = 0;
        }
        bytes = bytes.subspan(count);
    }
}

void Leaf::addChunk(const Hash& hash)
{
    if (_chunks == 0)
    {
        _first = hash;
    }
    _overChunks.update(hash.bytes);
    ++_chunks;
}

Hash Leaf::hash() const
{
    if (_chunks == 1 && _inChunk == 0)
    {
        return _first;
    }
    Blake2b last = _chunk;
    if (_chunks == 0)
    {
        return last.finish();
    }
    Blake2b all = _overChunks;
    if (_inChunk > 0)
    {
        all.update(last.finish().bytes);
    }
    return all.finish();
}

void LeafHasher::add(ByteView bytes)
{
    while (!bytes.empty())
    {
        const std::uint64_t count = std::min<std::uint64_t>(bytes.size(), _leafBytes - _inLeaf);
        addToLeaf(bytes.first(static_cast<std::size_t>(count)));
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
}

void LeafHasher::addZeros(std::uint64_t length)
{
    while (length > 0)
    {
        if (_inLeaf == 0 && length >= _leafBytes)
        {
            const auto whole = static_cast<std::size_t>(length / _leafBytes);
            _leaves.insert(_leaves.end(), whole, hashZeroLeaf(_leafBytes));
            length %= _leafBytes;
            continue;
        }
        const std::uint64_t count = std::min(length, _leafBytes - _inLeaf);
        forZeros(count, [&](ByteView zeros) { addToLeaf(zeros); });
        length -= count;
    }
}

std::vector<Hash> LeafHasher::leaves() const
{
    std::vector<Hash> result = _leaves;
    if (_inLeaf > 0)
    {
        result.push_back(_current.hash());
    }
    return result;
}

void LeafHasher::addToLeaf(ByteView bytes)
{
    _current.add(bytes);
    _inLeaf += bytes.size();
    if (_inLeaf == _leafBytes)
    {
        _leaves.push_back(_current.hash());
        _current.reset();
        _inLeaf = 0;
    }
}

} // namespace tidewire
