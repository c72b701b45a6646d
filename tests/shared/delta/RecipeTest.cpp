// The algebra of operations, against a model that spells out every byte.

#include "shared/delta/Recipe.h"

#include "tests/shared/delta/DeltaTools.h"

#include <catch2/catch.hpp>

namespace tidewire {

namespace {

/// Each byte of a content as where it comes from: an address, or nothing for a zero.
using Spelled = std::vector<std::optional<std::uint64_t>>;

Spelled spell(const Recipe& recipe)
{
    Spelled result;
    for (const Op& op : recipe)
    {
        REQUIRE(op.kind != OpKind::Copy);
        for (std::uint64_t i = 0; i < op.length; ++i)
        {
            result.push_back(op.kind == OpKind::Zero
                                 ? std::nullopt
                                 : std::optional(op.frame * kFrameBytes + op.offset + i));
        }
    }
    return result;
}

Spelled spell(const Delta& delta, const Spelled& source)
{
    Spelled result;
    for (const Op& op : delta)
    {
        if (op.kind == OpKind::Copy)
        {
            REQUIRE(op.offset + op.length <= source.size());
            const auto from = source.begin() + static_cast<std::ptrdiff_t>(op.offset);
            result.insert(result.end(), from, from + static_cast<std::ptrdiff_t>(op.length));
        }
        else
        {
            const Spelled part = spell(Recipe{op});
            result.insert(result.end(), part.begin(), part.end());
        }
    }
    return result;
}

/// Pieces about a few frame boundaries, so that they overlap and continue each other often.
Recipe randomRecipe(Random& random, std::size_t pieces)
{
    Recipe recipe;
    for (std::size_t i = 0; i < pieces; ++i)
    {
        const std::uint64_t length = random.below(40) + 1;
        if (random.below(6) == 0)
        {
            recipe.push_back({OpKind::Zero, 0, 0, length});
        }
        else
        {
            const FrameId frame = random.below(3);
            recipe.push_back({OpKind::Data, frame, kFrameBytes - 50 + random.below(49), length});
        }
    }
    return recipe;
}

Delta randomDelta(Random& random, std::size_t ops, std::uint64_t sourceSize)
{
    Delta delta;
    for (std::size_t i = 0; i < ops; ++i)
    {
        if (random.below(2) == 0 && sourceSize > 0)
        {
            const std::uint64_t offset = random.below(sourceSize);
            delta.push_back({OpKind::Copy, 0, offset, random.below(sourceSize - offset) + 1});
        }
        else
        {
            const Recipe piece = randomRecipe(random, 1);
            delta.insert(delta.end(), piece.begin(), piece.end());
        }
    }
    return delta;
}

Delta normalised(const Delta& delta)
{
    Delta result;
    for (const Op& op : delta)
    {
        appendOp(result, op);
    }
    return result;
}

} // namespace

TEST_CASE("Recipe: adjacent operations are merged, across full frames too")
{
    Delta delta;
    appendOp(delta, {OpKind::Data, 3, kFrameBytes - 10, 10});
    appendOp(delta, {OpKind::Data, 4, 0, 5});
    appendOp(delta, {OpKind::Data, 4, 5, 0});
    appendOp(delta, {OpKind::Data, 2, 2 * kFrameBytes + 5, 1});
    CHECK(delta == Delta{{OpKind::Data, 3, kFrameBytes - 10, 16}});
    appendOp(delta, {OpKind::Data, 5, 7, 1});
    appendOp(delta, {OpKind::Copy, 0, 8, 1});
    appendOp(delta, {OpKind::Copy, 0, 9, 1});
    appendOp(delta, {OpKind::Zero, 0, 0, 1});
    appendOp(delta, {OpKind::Zero, 0, 0, 1});
    CHECK(delta.size() == 4);
    CHECK(totalLength(delta) == 21);
}

TEST_CASE("Recipe: lengths that exceed the largest content are noticed, not wrapped")
{
    Delta delta;
    appendOp(delta, {OpKind::Zero, 0, 0, kMaxContentBytes});
    CHECK(totalLength(delta) == kMaxContentBytes);
    appendOp(delta, {OpKind::Zero, 0, 0, 1});
    CHECK(delta.size() == 2);
    CHECK_FALSE(totalLength(delta));
    appendOp(delta, {OpKind::Zero, 0, 0, UINT64_MAX});
    CHECK_FALSE(totalLength(delta));
}

TEST_CASE("Recipe: slice, resolve and difference agree with a model of every byte")
{
    const std::uint64_t seed = GENERATE(range(0U, 400U));
    CAPTURE(seed);
    Random random(seed);
    const Recipe base = randomRecipe(random, static_cast<std::size_t>(random.below(12)));
    const Spelled baseBytes = spell(base);
    const auto ops = static_cast<std::size_t>(random.below(12));
    const Delta delta = randomDelta(random, ops, baseBytes.size());
    const Spelled expected = spell(delta, baseBytes);

    const std::optional<Recipe> resolved = resolve(delta, base);
    REQUIRE(resolved);
    CHECK(spell(*resolved) == expected);
    CHECK(*resolved == normalised(*resolved));
    CHECK(totalLength(*resolved) == expected.size());

    const Delta found = difference(base, *resolved);
    CHECK(spell(found, baseBytes) == expected);
    CHECK(resolve(found, base) == *resolved);
    for (const Op& op : found)
    {
        // What the base has is copied: no literal byte stands in the base.
        for (const auto& address : op.kind == OpKind::Data ? spell(Recipe{op}) : Spelled{})
        {
            CHECK(std::find(baseBytes.begin(), baseBytes.end(), address) == baseBytes.end());
        }
    }

    const std::uint64_t offset = random.below(expected.size() + 1);
    const std::uint64_t length = random.below(expected.size() - offset + 1);
    const Spelled part = spell(slice(delta, offset, length), baseBytes);
    const auto from = expected.begin() + static_cast<std::ptrdiff_t>(offset);
    CHECK(part == Spelled(from, from + static_cast<std::ptrdiff_t>(length)));
}

TEST_CASE("Recipe: resolving step by step is resolving at once")
{
    const std::uint64_t seed = GENERATE(range(0U, 50U));
    CAPTURE(seed);
    Random random(seed);
    const Recipe first = randomRecipe(random, 10);
    const Delta one = randomDelta(random, 6, spell(first).size());
    const std::optional<Recipe> second = resolve(one, first);
    REQUIRE(second);
    const Delta two = randomDelta(random, 6, spell(*second).size());
    const std::optional<Recipe> third = resolve(two, *second);
    REQUIRE(third);
    const Delta direct = difference(first, *third);
    CHECK(resolve(direct, first) == *third);
}

TEST_CASE("Recipe: the difference to itself is one copy, zeros apart")
{
    const Recipe recipe{{OpKind::Data, 5, 0, 100000},
                        {OpKind::Data, 9, 7, 10},
                        {OpKind::Data, 5, 0, 500},
                        {OpKind::Data, 9, 7, 10}};
    CHECK(difference(recipe, recipe) == Delta{{OpKind::Copy, 0, 0, 100520}});
}

TEST_CASE("Recipe: copies beyond the source are refused")
{
    const Recipe source{{OpKind::Zero, 0, 0, 10}};
    CHECK(resolve({{OpKind::Copy, 0, 0, 10}}, source));
    CHECK_FALSE(resolve({{OpKind::Copy, 0, 0, 11}}, source));
    CHECK_FALSE(resolve({{OpKind::Copy, 0, 10, 1}}, source));
    CHECK_FALSE(resolve({{OpKind::Copy, 0, UINT64_MAX, 2}}, source));
    CHECK_FALSE(resolve({{OpKind::Copy, 0, 2, UINT64_MAX}}, source));
}

TEST_CASE("Recipe: a delta that would multiply the pieces is refused")
{
    Recipe source;
    for (std::uint64_t i = 0; i < 40000; ++i)
    {
        source.push_back({OpKind::Data, 2 * i, 0, 1});
    }
    Delta delta;
    for (int i = 0; i < 40000; ++i)
    {
        delta.push_back({OpKind::Copy, 0, 0, 40000});
    }
    CHECK_FALSE(resolve(delta, source));
    CHECK(resolve({{OpKind::Copy, 0, 0, 40000}}, source)->size() == 40000);
}

TEST_CASE("Recipe: a difference that would have too many operations is the target itself")
{
    Recipe base;
    for (std::uint64_t i = 0; i < 60000; ++i)
    {
        base.push_back({OpKind::Data, 0, 2 * i, 1});
    }
    Recipe target;
    for (std::uint64_t i = 0; i < 60000; ++i)
    {
        target.push_back({OpKind::Data, 0, i % 2, 120000});
    }
    const Delta delta = difference(base, target);
    CHECK(delta == target);
    CHECK(difference(base, {{OpKind::Data, 0, 0, 50000}}).size() == 50000);
}

} // namespace tidewire
