#include "relay/store/MergePlan.h"

#include "shared/delta/Recipe.h"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>

namespace tidewire {

namespace {

/// Lengths of the pieces that make a recipe fragmented when there are many. Smaller ones are merged
/// along with them.
struct Tier
{
    std::uint64_t least = 0;
    std::uint64_t end = 0;
};
constexpr std::array kTiers{Tier{0, 16 << 10}, Tier{16 << 10, 256 << 10}};
constexpr std::size_t kFragmented = 64; // pieces of a tier
constexpr std::size_t kNewest = 32;     // of them that are left alone
constexpr std::size_t kLeastGain = 16;  // pieces

bool isSmall(const Op& piece, std::uint64_t tier)
{
    return piece.kind == OpKind::Data && piece.length < tier;
}

bool isFragmentedIn(const Recipe& recipe, const Tier& tier)
{
    const auto pieces = std::ranges::count_if(recipe, [&](const Op& piece) {
        return isSmall(piece, tier.end) && piece.length >= tier.least;
    });
    return static_cast<std::size_t>(pieces) > kFragmented;
}

/// The smallest frame id among the newest small pieces.
FrameId newestFrames(const Recipe& recipe, std::uint64_t end)
{
    std::vector<FrameId> frames;
    for (const Op& piece : recipe)
    {
        if (isSmall(piece, end))
        {
            frames.push_back(piece.frame);
        }
    }
    const auto limit = frames.begin() + (kNewest - 1);
    std::ranges::nth_element(frames, limit, std::greater<>());
    return *limit;
}

std::vector<MergeRun> planTier(const Recipe& recipe, std::uint64_t end)
{
    const FrameId newest = newestFrames(recipe, end);
    std::vector<MergeRun> runs;
    MergeRun run;
    std::uint64_t left = kMaxMergeBytes;
    std::size_t gain = 0;
    const auto finish = [&] {
        if (run.count > 1)
        {
            runs.push_back(run);
            gain += run.count - 1;
        }
        run = MergeRun();
    };
    for (std::size_t i = 0; i < recipe.size(); ++i)
    {
        const Op& piece = recipe[i];
        if (!isSmall(piece, end) || piece.frame >= newest)
        {
            finish();
            continue;
        }
        if (piece.length > left)
        {
            break;
        }
        run.first = run.count == 0 ? i : run.first;
        run.length += piece.length;
        ++run.count;
        left -= piece.length;
    }
    finish();
    return gain >= kLeastGain ? runs : std::vector<MergeRun>();
}

std::uint64_t linear(FrameId frame, std::uint64_t offset)
{
    return frame * kFrameBytes + offset;
}

Op dataAt(std::uint64_t position, std::uint64_t length)
{
    return Op{OpKind::Data, position / kFrameBytes, position % kFrameBytes, length};
}

} // namespace

bool isFragmented(const Recipe& recipe)
{
    return std::ranges::any_of(kTiers,
                               [&](const Tier& tier) { return isFragmentedIn(recipe, tier); });
}

std::vector<MergeRun> planMerge(const Recipe& recipe)
{
    for (const Tier& tier : kTiers)
    {
        if (!isFragmentedIn(recipe, tier))
        {
            continue;
        }
        if (std::vector<MergeRun> runs = planTier(recipe, tier.end); !runs.empty())
        {
            return runs;
        }
    }
    return {};
}

void FrameRemap::add(const Op& piece, FrameId frame, std::uint64_t offset)
{
    const std::uint64_t start = linear(piece.frame, piece.offset);
    const std::uint64_t end = start + piece.length;
    const auto next = _ranges.lower_bound(start);
    const bool overlaps = (next != _ranges.end() && next->first < end) ||
                          (next != _ranges.begin() && std::prev(next)->second.end > start);
    // Bytes that are in the recipe twice have two new places; one is enough.
    if (!overlaps)
    {
        _ranges.emplace_hint(next, start, Target{end, linear(frame, offset)});
    }
}

Recipe FrameRemap::apply(const Recipe& recipe) const
{
    Recipe result;
    for (const Op& op : recipe)
    {
        if (op.kind != OpKind::Data)
        {
            appendOp(result, op);
            continue;
        }
        std::uint64_t at = linear(op.frame, op.offset);
        const std::uint64_t end = at + op.length;
        auto range = _ranges.upper_bound(at);
        if (range != _ranges.begin() && std::prev(range)->second.end > at)
        {
            --range;
        }
        while (at < end)
        {
            if (range == _ranges.end() || range->first >= end)
            {
                appendOp(result, dataAt(at, end - at));
                break;
            }
            if (range->first > at)
            {
                appendOp(result, dataAt(at, range->first - at));
                at = range->first;
            }
            const std::uint64_t stop = std::min(end, range->second.end);
            appendOp(result, dataAt(range->second.to + (at - range->first), stop - at));
            at = stop;
            ++range;
        }
    }
    return result;
}

} // namespace tidewire
