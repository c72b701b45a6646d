#include "relay/store/Compactor.h"

#include "relay/store/Journal.h"
#include "shared/base/Errors.h"
#include "shared/delta/Recipe.h"
#include "shared/wire/FrameCodec.h"

#include <algorithm>

namespace tidewire {

namespace {

/// Earlier revisions that are rewritten along with a head: enough for every base that agents
/// which are online can have, and the cost of a step stays bounded.
constexpr int kEarlierRevisions = 256;

} // namespace

Compactor::Compactor(Database& database, FramePool& pool):
    _pool(pool),
    _next(database, "SELECT seq FROM fragmented LIMIT 1"),
    _revision(database, "SELECT entry, recipe FROM revision WHERE seq = ? AND until IS NULL"),
    _done(database, "DELETE FROM fragmented WHERE seq = ?"),
    _setRecipe(database, "UPDATE revision SET recipe = ? WHERE seq = ?"),
    _earlier(database,
             "SELECT seq, recipe FROM revision WHERE entry = ? AND seq < ? AND kind = 1 "
             "ORDER BY seq DESC LIMIT ?")
{
}

bool Compactor::step()
{
    Seq seq = 0;
    {
        Query next(_next);
        if (!next.next())
        {
            return false;
        }
        seq = next.u64(0);
    }
    bool isWorth = false;
    try
    {
        isWorth = compact(seq);
    }
    catch (const CorruptError&)
    {
        // Whoever reads the content will hear of it. Each change so far stands by itself.
    }
    if (!isWorth)
    {
        Query(_done, seq).run();
    }
    return true;
}

bool Compactor::compact(Seq seq)
{
    std::int64_t entryId = 0;
    Recipe recipe;
    {
        Query query(_revision, seq);
        if (!query.next())
        {
            return false;
        }
        entryId = query.i64(0);
        recipe = Journal::decodeRecipe(query, 1);
    }
    const std::vector<MergeRun> runs = planMerge(recipe);
    if (runs.empty())
    {
        return false;
    }
    std::vector<Bytes> contents;
    for (const MergeRun& run : runs)
    {
        contents.push_back(readRun(recipe, run));
    }
    FrameRemap remap;
    store(seq, merge(recipe, runs, contents, remap));
    rewriteEarlier(seq, entryId, remap);
    _pool.noteGarbage();
    return true;
}

Recipe Compactor::merge(const Recipe& recipe,
                        const std::vector<MergeRun>& runs,
                        const std::vector<Bytes>& contents,
                        FrameRemap& remap)
{
    Recipe merged;
    std::size_t at = 0;
    for (std::size_t i = 0; i < runs.size(); ++i)
    {
        const MergeRun& run = runs[i];
        const FrameId first = addFrames(contents[i]);
        for (; at < run.first; ++at)
        {
            appendOp(merged, recipe[at]);
        }
        appendOp(merged, Op{OpKind::Data, first, 0, run.length});
        std::uint64_t offset = 0;
        for (; at < run.first + run.count; ++at)
        {
            remap.add(recipe[at], first, offset);
            offset += recipe[at].length;
        }
    }
    for (; at < recipe.size(); ++at)
    {
        appendOp(merged, recipe[at]);
    }
    return merged;
}

FrameId Compactor::addFrames(ByteView content)
{
    const FrameId first = _pool.reserve((content.size() + kFrameBytes - 1) / kFrameBytes);
    for (std::size_t from = 0; from < content.size(); from += kFrameBytes)
    {
        const Frame frame = packFrame(
            content.subspan(from, std::min<std::size_t>(kFrameBytes, content.size() - from)));
        _pool.insert(SegmentLane::Upkeep,
                     _pool.stage(SegmentLane::Upkeep, first + from / kFrameBytes, frame));
    }
    return first;
}

Bytes Compactor::readRun(const Recipe& recipe, const MergeRun& run)
{
    Bytes bytes;
    bytes.reserve(static_cast<std::size_t>(run.length));
    for (std::size_t i = run.first; i < run.first + run.count; ++i)
    {
        appendPiece(recipe[i], bytes);
    }
    return bytes;
}

void Compactor::appendPiece(const Op& piece, Bytes& bytes)
{
    FrameId id = piece.frame + piece.offset / kFrameBytes;
    std::uint64_t offset = piece.offset % kFrameBytes;
    std::uint64_t left = piece.length;
    while (left != 0)
    {
        const Bytes raw = unpackFrame(_pool.read(id));
        if (offset >= raw.size())
        {
            throw CorruptError("frame " + std::to_string(id) + " is shorter than its recipe");
        }
        const std::uint64_t part = std::min(left, raw.size() - offset);
        const ByteView view = partOf(raw, offset, part);
        bytes.insert(bytes.end(), view.begin(), view.end());
        left -= part;
        offset = 0;
        ++id;
    }
}

void Compactor::store(Seq seq, const Recipe& recipe)
{
    Bytes encoded;
    ByteWriter writer(encoded);
    encodeOps(writer, recipe);
    Query(_setRecipe, ByteView(encoded), seq).run();
}

void Compactor::rewriteEarlier(Seq seq, std::int64_t entryId, const FrameRemap& remap)
{
    Query query(_earlier, entryId, seq, kEarlierRevisions);
    while (query.next())
    {
        const Seq earlier = query.u64(0);
        const Recipe recipe = Journal::decodeRecipe(query, 1);
        // More pieces than before can only come from slices of two places; such a revision
        // stays as it is.
        if (const Recipe moved = remap.apply(recipe);
            moved != recipe && moved.size() <= recipe.size())
        {
            store(earlier, moved);
        }
    }
}

} // namespace tidewire
