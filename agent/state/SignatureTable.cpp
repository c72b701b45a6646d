// Parts of signatures as rows.

#include "agent/state/SignatureTable.h"

#include "agent/state/IndexRows.h"
#include "shared/base/ByteReader.h"
#include "shared/base/ByteWriter.h"
#include "shared/base/Errors.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tidewire {

namespace {

// A part of 3 KiB of blocks or 2 KiB of leaves lies within one page, without overflow pages: an
// append to a log of gigabytes rewrites two pages and not a hundred KiB. Persisted: never change.
constexpr std::uint32_t kBlocksInPart = 256;
constexpr std::uint32_t kLeavesInPart = 64;
constexpr std::size_t kBlockBytes = 12;
constexpr std::size_t kLeafBytes = 32;

constexpr std::int64_t kIdsOfSignature = 2048;
constexpr std::int64_t kFirstLeafPart = 1024;
constexpr std::uint32_t kMostBlocks = 2 * kMaxBlocks;
static_assert(kMostBlocks <= kFirstLeafPart * kBlocksInPart);
static_assert(kMaxLeaves <= (kIdsOfSignature - kFirstLeafPart) * kLeavesInPart);

std::int64_t blockPartId(std::uint64_t number, std::uint64_t part)
{
    return static_cast<std::int64_t>(number) * kIdsOfSignature + static_cast<std::int64_t>(part);
}

std::int64_t leafPartId(std::uint64_t number, std::uint64_t part)
{
    return blockPartId(number, part) + kFirstLeafPart;
}

/// Items in the part that begins with `first`, of `total`.
std::uint32_t itemsInPart(std::uint32_t first, std::uint32_t total, std::uint32_t perPart)
{
    return std::min(perPart, total - first);
}

void encode(Bytes& out, std::span<const BlockSum> blocks)
{
    ByteWriter writer(out);
    for (const BlockSum& block : blocks)
    {
        writer.u32(block.weak);
        writer.u64(block.strong);
    }
}

BlockSum decodeBlock(ByteReader& reader)
{
    const std::uint32_t weak = reader.u32();
    return {weak, reader.u64()};
}

std::uint32_t checkedCount(std::size_t count, std::uint64_t limit)
{
    if (count > limit)
    {
        throw std::length_error("a signature has too many items");
    }
    return static_cast<std::uint32_t>(count);
}

SignatureReference referenceTo(const Signature& signature, std::uint64_t number)
{
    return {number,
            signature.size,
            signature.blockBytes,
            checkedCount(signature.blocks.size(), kMostBlocks),
            checkedCount(signature.leaves.size(), kMaxLeaves)};
}

} // namespace

SignatureTable::SignatureTable(Database& database):
    _find(database,
          "SELECT sig, sig_size, sig_block_bytes, sig_blocks, sig_leaves FROM entry"
          " WHERE share = ? AND folder = ? AND name = ? AND sig IS NOT NULL"),
    _refer(database,
           "UPDATE entry SET sig = ?4, sig_size = ?5, sig_block_bytes = ?6, sig_blocks = ?7,"
           " sig_leaves = ?8 WHERE share = ?1 AND folder = ?2 AND name = ?3 RETURNING 1"),
    _unrefer(database,
             "UPDATE entry SET sig = NULL, sig_size = NULL, sig_block_bytes = NULL,"
             " sig_blocks = NULL, sig_leaves = NULL"
             " WHERE share = ? AND folder = ? AND name = ?"),
    _lastId(database, "SELECT ifnull(max(id), 0) FROM signature_part"),
    _readPart(database, "SELECT data FROM signature_part WHERE id = ?"),
    _writePart(database,
               "INSERT INTO signature_part(id, data) VALUES(?, ?)"
               " ON CONFLICT(id) DO UPDATE SET data = excluded.data"),
    _removeParts(database, "DELETE FROM signature_part WHERE id BETWEEN ? AND ?"),
    _path(database.path())
{
}

std::optional<SignatureTable::Reference> SignatureTable::find(ShareId share,
                                                              const RelativePath& path)
{
    Query query(_find, share, folderBytes(path), nameBytes(path));
    if (!query.next())
    {
        return std::nullopt;
    }
    const Reference result{query.u64(0), query.u64(1), query.u32(2), query.u32(3), query.u32(4)};
    if (result.blocks > kMostBlocks || result.leaves > kMaxLeaves)
    {
        query.corrupt("a signature is too large");
    }
    return result;
}

void SignatureTable::refer(ShareId share, const RelativePath& path, const Reference& reference)
{
    Query query(_refer,
                share,
                folderBytes(path),
                nameBytes(path),
                reference.number,
                reference.size,
                reference.blockBytes,
                reference.blocks,
                reference.leaves);
    if (!query.next())
    {
        throw std::logic_error("a signature needs its entry: " + printable(path.text()));
    }
    query.run();
}

std::uint64_t SignatureTable::newNumber()
{
    if (_nextNumber == 0)
    {
        // Every number in use but 0 has parts, so the last part tells the highest of them.
        Query query(_lastId);
        query.next();
        _nextNumber = query.u64(0) / static_cast<std::uint64_t>(kIdsOfSignature) + 1;
    }
    return _nextNumber++;
}

void SignatureTable::settleNumber(Reference& reference)
{
    const bool hasParts = reference.blocks != 0 || reference.leaves != 0;
    if (hasParts && reference.number == 0)
    {
        reference.number = newNumber();
        reference.isNew = true;
    }
    else if (!hasParts && reference.number != 0)
    {
        removeAll(reference.number);
        reference.number = 0;
    }
}

void SignatureTable::put(ShareId share, const RelativePath& path, const Signature& signature)
{
    const auto before = find(share, path);
    Reference now = referenceTo(signature, before ? before->number : 0);
    settleNumber(now);
    refer(share, path, now);
    write(now, signature);
}

SignatureReference SignatureTable::reserve(const Signature& signature)
{
    Reference reference = referenceTo(signature, 0);
    settleNumber(reference);
    return reference;
}

void SignatureTable::write(const SignatureReference& reference, const Signature& signature)
{
    if (reference.number != 0)
    {
        writeBlocks(reference, 0, signature.blocks);
        writeLeaves(reference, signature.leaves);
    }
}

void SignatureTable::append(ShareId share,
                            const RelativePath& path,
                            std::uint64_t newSize,
                            const AppendedContent& appended)
{
    const auto before = find(share, path);
    if (!before || appended.firstBlock > before->blocks)
    {
        throw std::logic_error("nothing to append to: " + printable(path.text()));
    }
    Reference now = *before;
    const auto firstBlock = static_cast<std::uint32_t>(appended.firstBlock);
    now.size = newSize;
    now.blocks = checkedCount(firstBlock + appended.blocks.size(), kMostBlocks);
    now.leaves = checkedCount(appended.leaves.size(), kMaxLeaves);
    settleNumber(now);
    refer(share, path, now);
    if (now.number != 0)
    {
        writeBlocks(now, firstBlock, appended.blocks);
        writeLeaves(now, appended.leaves);
    }
}

void SignatureTable::writeBlocks(const Reference& reference,
                                 std::uint32_t firstBlock,
                                 std::span<const BlockSum> blocks)
{
    std::uint32_t part = firstBlock / kBlocksInPart;
    Bytes data;
    if (firstBlock % kBlocksInPart != 0)
    {
        data =
            readPart(blockPartId(reference.number, part), firstBlock % kBlocksInPart * kBlockBytes);
    }
    while (!blocks.empty() || !data.empty())
    {
        const std::size_t room = kBlocksInPart - data.size() / kBlockBytes;
        const auto these = blocks.first(std::min(room, blocks.size()));
        encode(data, these);
        writePart(reference, blockPartId(reference.number, part), data);
        blocks = blocks.subspan(these.size());
        data.clear();
        ++part;
    }
    if (!reference.isNew)
    {
        removeParts(blockPartId(reference.number, part), leafPartId(reference.number, 0) - 1);
    }
}

void SignatureTable::writeLeaves(const Reference& reference, std::span<const Hash> leaves)
{
    std::uint32_t part = 0;
    Bytes data;
    while (!leaves.empty())
    {
        const auto these = leaves.first(std::min<std::size_t>(kLeavesInPart, leaves.size()));
        data.clear();
        for (const Hash& leaf : these)
        {
            ByteWriter(data).raw(leaf.bytes);
        }
        writePart(reference, leafPartId(reference.number, part), data);
        leaves = leaves.subspan(these.size());
        ++part;
    }
    if (!reference.isNew)
    {
        removeParts(leafPartId(reference.number, part), blockPartId(reference.number + 1, 0) - 1);
    }
}

void SignatureTable::writePart(const Reference& reference, std::int64_t id, ByteView data)
{
    if (!reference.isNew)
    {
        Query query(_readPart, id);
        if (query.next() && std::ranges::equal(query.blob(0), data))
        {
            return;
        }
    }
    Query(_writePart, id, data).run();
}

void SignatureTable::removeParts(std::int64_t first, std::int64_t last)
{
    Query(_removeParts, first, last).run();
}

void SignatureTable::removeAll(std::uint64_t number)
{
    removeParts(blockPartId(number, 0), blockPartId(number + 1, 0) - 1);
}

Bytes SignatureTable::readPart(std::int64_t id, std::size_t bytes)
{
    Query query(_readPart, id);
    if (!query.next() || query.blob(0).size() < bytes)
    {
        throw CorruptError("read " + printable(_path) + ": a part of a signature is missing");
    }
    const ByteView data = query.blob(0).first(bytes);
    return {data.begin(), data.end()};
}

std::vector<Hash> SignatureTable::readLeaves(const Reference& reference)
{
    std::vector<Hash> leaves;
    leaves.reserve(reference.leaves);
    for (std::uint32_t first = 0; first < reference.leaves; first += kLeavesInPart)
    {
        const std::uint32_t count = itemsInPart(first, reference.leaves, kLeavesInPart);
        const Bytes data =
            readPart(leafPartId(reference.number, first / kLeavesInPart), count * kLeafBytes);
        ByteReader reader(data);
        for (std::uint32_t i = 0; i < count; ++i)
        {
            const ByteView leaf = reader.raw(kLeafBytes);
            std::copy(leaf.begin(), leaf.end(), leaves.emplace_back().bytes.begin());
        }
    }
    return leaves;
}

std::optional<Signature> SignatureTable::get(ShareId share, const RelativePath& path)
{
    const auto reference = find(share, path);
    if (!reference)
    {
        return std::nullopt;
    }
    Signature result{reference->size, reference->blockBytes, {}, readLeaves(*reference)};
    result.blocks.reserve(reference->blocks);
    for (std::uint32_t first = 0; first < reference->blocks; first += kBlocksInPart)
    {
        const std::uint32_t count = itemsInPart(first, reference->blocks, kBlocksInPart);
        const Bytes data =
            readPart(blockPartId(reference->number, first / kBlocksInPart), count * kBlockBytes);
        ByteReader reader(data);
        for (std::uint32_t i = 0; i < count; ++i)
        {
            result.blocks.push_back(decodeBlock(reader));
        }
    }
    return result;
}

std::optional<AppendBase>
SignatureTable::appendBase(ShareId share, const RelativePath& path, std::size_t samples)
{
    const auto reference = find(share, path);
    if (!reference)
    {
        return std::nullopt;
    }
    AppendBase result{reference->size, reference->blockBytes, readLeaves(*reference), {}};
    for (const std::uint64_t block : sampleBlocks(result.size, result.blockBytes, samples))
    {
        if (block >= reference->blocks)
        {
            throw CorruptError("read " + printable(_path) + ": a signature is too short");
        }
        const auto inPart = static_cast<std::size_t>(block % kBlocksInPart);
        const std::size_t end = (inPart + 1) * kBlockBytes;
        const Bytes data = readPart(blockPartId(reference->number, block / kBlocksInPart), end);
        ByteReader reader(ByteView(data).last(kBlockBytes));
        result.samples.push_back({block, decodeBlock(reader)});
    }
    return result;
}

void SignatureTable::move(ShareId share, const RelativePath& from, const RelativePath& to)
{
    const auto reference = find(share, from);
    if (!reference || from == to)
    {
        return;
    }
    drop(share, to);
    refer(share, to, *reference);
    Query(_unrefer, share, folderBytes(from), nameBytes(from)).run();
}

void SignatureTable::copy(ShareId share, const RelativePath& from, const RelativePath& to)
{
    if (from != to)
    {
        if (const auto signature = get(share, from))
        {
            put(share, to, *signature);
        }
    }
}

void SignatureTable::drop(ShareId share, const RelativePath& path)
{
    const auto reference = find(share, path);
    if (!reference)
    {
        return;
    }
    if (reference->number != 0)
    {
        removeAll(reference->number);
    }
    Query(_unrefer, share, folderBytes(path), nameBytes(path)).run();
}

} // namespace tidewire
