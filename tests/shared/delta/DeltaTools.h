// What the delta tests have in common: random content and edits, a sink, and there and back.

#pragma once

#include "shared/delta/ContentScan.h"
#include "shared/delta/ContentWriter.h"
#include "shared/delta/Recipe.h"
#include "tests/shared/delta/VectorFile.h"

#include <random>

namespace tidewire {

/// The same numbers for a seed on every machine.
class Random
{
public:
    explicit Random(std::uint64_t seed): _engine(seed) {}

    /// 0..limit-1; 0 for a limit of 0.
    std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : _engine() % limit; }

    Bytes bytes(std::uint64_t count, unsigned alphabet = 256)
    {
        Bytes result(static_cast<std::size_t>(count));
        for (std::uint8_t& byte : result)
        {
            byte = static_cast<std::uint8_t>(_engine() % alphabet);
        }
        return result;
    }

private:
    std::mt19937_64 _engine;
};

/// Takes a delta down.
class TakenDelta: public DeltaSink
{
public:
    Delta ops; ///< Data: frame 0, offsets into `literals`
    Bytes literals;
    bool wellFormed = true; ///< copies and zeros came merged, literal in pieces of a frame at most

    void copy(std::uint64_t offset, std::uint64_t length) override
    {
        wellFormed = wellFormed && length > 0 &&
                     (ops.empty() || ops.back().kind != OpKind::Copy ||
                      ops.back().offset + ops.back().length != offset);
        ops.push_back({OpKind::Copy, 0, offset, length});
    }
    void literal(ByteView bytes) override
    {
        wellFormed = wellFormed && !bytes.empty() && bytes.size() <= kFrameBytes;
        ops.push_back({OpKind::Data, 0, literals.size(), bytes.size()});
        literals.insert(literals.end(), bytes.begin(), bytes.end());
    }
    void zero(std::uint64_t length) override
    {
        wellFormed = wellFormed && length > 0 && (ops.empty() || ops.back().kind != OpKind::Zero);
        ops.push_back({OpKind::Zero, 0, 0, length});
    }

    [[nodiscard]] std::uint64_t zeroBytes() const { return lengthOf(OpKind::Zero); }
    [[nodiscard]] std::uint64_t copiedBytes() const { return lengthOf(OpKind::Copy); }

private:
    [[nodiscard]] std::uint64_t lengthOf(OpKind kind) const
    {
        std::uint64_t sum = 0;
        for (const Op& op : ops)
        {
            sum += op.kind == kind ? op.length : 0;
        }
        return sum;
    }
};

/// Runs a ContentScan to its end.
inline ScannedContent scan(File& file, const Signature* base, DeltaSink& sink)
{
    ContentScan content(file, file.stat().size, base, sink);
    while (content.step())
    {
    }
    return content.finish();
}

/// Writes what a delta yields.
inline std::optional<std::pair<Hash, Signature>>
apply(const TakenDelta& delta, std::uint64_t size, File* base, File& out)
{
    ContentWriter writer(out, size, base);
    for (const Op& op : delta.ops)
    {
        switch (op.kind)
        {
        case OpKind::Copy:
            writer.copy(op.offset, op.length);
            break;
        case OpKind::Data:
            writer.data(ByteView(delta.literals)
                            .subspan(static_cast<std::size_t>(op.offset),
                                     static_cast<std::size_t>(op.length)));
            break;
        case OpKind::Zero:
            writer.zero(op.length);
            break;
        }
    }
    return writer.finish();
}

/// Hash and signature of `content`, taken in one piece.
inline ScannedContent signatureOf(ByteView content)
{
    SignatureBuilder builder(content.size());
    builder.add(content);
    ScannedContent result;
    result.signature = builder.finish(result.hash);
    return result;
}

/// One random edit of up to `most` bytes: insert, delete, overwrite, move, duplicate, truncate or
/// append.
inline Bytes editOnce(Bytes content, Random& random, std::uint64_t most, unsigned alphabet = 256)
{
    const auto at = static_cast<std::ptrdiff_t>(random.below(content.size() + 1));
    const auto length = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(
        random.below(most) + 1, content.size() - static_cast<std::size_t>(at)));
    const Bytes fresh = random.bytes(random.below(most) + 1, alphabet);
    const Bytes part(content.begin() + at, content.begin() + at + length);
    const auto kind = random.below(7);
    if (kind == 1 || kind == 2 || kind == 3)
    {
        content.erase(content.begin() + at, content.begin() + at + length);
    }
    if (kind == 0 || kind == 2)
    {
        content.insert(content.begin() + at, fresh.begin(), fresh.end());
    }
    if (kind == 3 || kind == 4)
    {
        const auto to = static_cast<std::ptrdiff_t>(random.below(content.size() + 1));
        content.insert(content.begin() + to, part.begin(), part.end());
    }
    if (kind == 5)
    {
        content.resize(static_cast<std::size_t>(at));
    }
    if (kind == 6)
    {
        content.insert(content.end(), fresh.begin(), fresh.end());
    }
    return content;
}

} // namespace tidewire
