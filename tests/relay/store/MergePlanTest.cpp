// Which pieces are merged, and how recipes follow the bytes to their new place.

#include "relay/store/MergePlan.h"

#include "shared/delta/Recipe.h"

#include <catch2/catch.hpp>

#include <random>

using namespace tidewire;

namespace {

/// `count` pieces of `length` bytes in frames of their own, from `frame` on.
Recipe pieces(std::size_t count, std::uint64_t length, FrameId frame = 1)
{
    Recipe recipe;
    for (std::size_t i = 0; i < count; ++i)
    {
        recipe.push_back(Op{OpKind::Data, frame + 2 * i, 0, length});
    }
    return recipe;
}

std::uint64_t positionOf(const Op& op)
{
    return op.frame * kFrameBytes + op.offset;
}

} // namespace

TEST_CASE("MergePlan: 64 small pieces are fine, one more is not", "[store][merge]")
{
    CHECK_FALSE(isFragmented(pieces(64, 200)));
    CHECK(isFragmented(pieces(65, 200)));
    CHECK(isFragmented(pieces(65, 100'000)));
    CHECK_FALSE(isFragmented(pieces(65, 300'000)));
    CHECK(planMerge(pieces(64, 200)).empty());
    CHECK(planMerge({}).empty());
}

TEST_CASE("MergePlan: the 32 newest pieces stay", "[store][merge]")
{
    const auto runs = planMerge(pieces(100, 200));

    REQUIRE(runs.size() == 1);
    CHECK(runs[0].first == 0);
    CHECK(runs[0].count == 68);
    CHECK(runs[0].length == 68 * 200);
}

TEST_CASE("MergePlan: holes and large pieces end a run", "[store][merge]")
{
    Recipe recipe = pieces(30, 100);
    recipe.push_back(Op{OpKind::Zero, 0, 0, 50});
    const Recipe more = pieces(80, 100, 1000);
    recipe.insert(recipe.end(), more.begin(), more.end());
    recipe[10].length = 1 << 20;

    const auto runs = planMerge(recipe);

    REQUIRE(runs.size() == 3);
    CHECK(runs[0].count == 10);
    CHECK(runs[1].first == 11);
    CHECK(runs[1].count == 19);
    CHECK(runs[2].first == 31);
    CHECK(runs[2].count == 48);
}

TEST_CASE("MergePlan: a plan is bounded, and one that gains little is none", "[store][merge]")
{
    std::uint64_t bytes = 0;
    for (const MergeRun& run : planMerge(pieces(1000, 100'000)))
    {
        bytes += run.length;
    }
    CHECK(bytes > kMaxMergeBytes / 2);
    CHECK(bytes <= kMaxMergeBytes);

    Recipe scattered;
    for (std::size_t i = 0; i < 200; ++i)
    {
        scattered.push_back(Op{OpKind::Data, 10 * i + 1, 0, 100});
        scattered.push_back(Op{OpKind::Zero, 0, 0, 100});
    }
    CHECK(isFragmented(scattered));
    CHECK(planMerge(scattered).empty());
}

TEST_CASE("FrameRemap: every byte is read from its new place, the others stay", "[store][merge]")
{
    FrameRemap remap;
    remap.add(Op{OpKind::Data, 5, 100, 50}, 90, 10);
    remap.add(Op{OpKind::Data, 5, 120, 50}, 95, 0); // overlaps: left out
    remap.add(Op{OpKind::Data, 6, 0, 10}, 90, 60);

    const Recipe moved = remap.apply({Op{OpKind::Data, 5, 90, 100}, Op{OpKind::Zero, 0, 0, 7}});

    CHECK(moved == Recipe{Op{OpKind::Data, 5, 90, 10},
                          Op{OpKind::Data, 90, 10, 50},
                          Op{OpKind::Data, 5, 150, 40},
                          Op{OpKind::Zero, 0, 0, 7}});
    CHECK(remap.apply({Op{OpKind::Data, 5, 140, 10}, Op{OpKind::Data, 6, 0, 5}}) ==
          Recipe{Op{OpKind::Data, 90, 50, 15}});
}

TEST_CASE("FrameRemap: random maps agree with a byte by byte model", "[store][merge]")
{
    const auto seed = GENERATE(range(0U, 50U));
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::uint64_t limit) {
        return random() % limit;
    };
    constexpr std::uint64_t kSpan = 3 * kFrameBytes;
    std::map<std::uint64_t, std::uint64_t> model;
    FrameRemap remap;
    std::uint64_t to = 1000 * kFrameBytes;
    for (int i = 0; i < 20; ++i)
    {
        const std::uint64_t from = kFrameBytes + below(kSpan / 64) * 64;
        const std::uint64_t length = 1 + below(40);
        const bool overlaps = model.lower_bound(from) != model.lower_bound(from + length);
        remap.add(Op{OpKind::Data, from / kFrameBytes, from % kFrameBytes, length},
                  to / kFrameBytes,
                  to % kFrameBytes);
        for (std::uint64_t byte = 0; byte < length && !overlaps; ++byte)
        {
            model[from + byte] = to + byte;
        }
        to += length;
    }

    const Op op{OpKind::Data, 1, below(1000), 1 + below(kSpan)};
    const Recipe moved = remap.apply({op});

    std::uint64_t at = positionOf(op);
    for (const Op& piece : moved)
    {
        for (std::uint64_t byte = 0; byte < piece.length; ++byte, ++at)
        {
            const auto known = model.find(at);
            const std::uint64_t expected = known == model.end() ? at : known->second;
            if (positionOf(piece) + byte != expected)
            {
                FAIL("byte " << at << " is read from the wrong place");
            }
        }
    }
    CHECK(at == positionOf(op) + op.length);
}
