// Tests of RelativePath: what is refused, what the parts are, and the order.

#include "shared/fs/RelativePath.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <random>
#include <set>
#include <vector>

using namespace tidewire;
using namespace std::string_literals;

namespace {

RelativePath path(const std::string& text)
{
    return RelativePath::parse(text).value();
}

/// memcmp order, a shorter text before the longer one that it begins.
int compareBytes(std::string_view a, std::string_view b)
{
    const std::size_t common = std::min(a.size(), b.size());
    const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
    if (order != 0)
    {
        return order;
    }
    return a.size() < b.size() ? -1 : static_cast<int>(a.size() > b.size());
}

/// Mostly awkward bytes, so that separators, dots and NULs meet often.
std::string randomText(std::mt19937& random)
{
    static constexpr std::string_view kBytes("/\0ab.\x01\xff-", 8);
    std::string text(random() % 12, ' ');
    for (char& byte : text)
    {
        byte = kBytes[random() % kBytes.size()];
    }
    return text;
}

} // namespace

TEST_CASE("RelativePath: the empty text is the root", "[fs]")
{
    const RelativePath root = path("");

    CHECK(root.isRoot());
    CHECK(root == RelativePath());
    CHECK(root.name().empty());
    CHECK(root.folder().empty());
    CHECK(root.parent() == root);
    CHECK_FALSE(root.isPrivate());
}

TEST_CASE("RelativePath: folder and name are split at the last slash", "[fs]")
{
    CHECK(path("a/b/c").name() == "c");
    CHECK(path("a/b/c").folder() == "a/b");
    CHECK(path("a/b/c").parent() == path("a/b"));
    CHECK(path("a").folder().empty());
    CHECK(path("a").parent().isRoot());
}

TEST_CASE("RelativePath: hostile texts are refused", "[fs]")
{
    const std::string text = GENERATE("/"s,
                                      "/a"s,
                                      "a/"s,
                                      "a//b"s,
                                      "."s,
                                      ".."s,
                                      "../a"s,
                                      "a/.."s,
                                      "a/../b"s,
                                      "./a"s,
                                      "a/./b"s,
                                      "a/."s,
                                      "\0"s,
                                      "a\0b"s,
                                      "a/\0"s);
    CAPTURE(text);

    CHECK_FALSE(RelativePath::parse(text));
}

TEST_CASE("RelativePath: unusual names are names", "[fs]")
{
    const std::string text = GENERATE(
        "..."s, "..a"s, "a.."s, " "s, "\n"s, "\xff\xfe"s, "-rf"s, "a\\b"s, ".tidewirex"s, "C:"s);
    CAPTURE(text);

    REQUIRE(RelativePath::parse(text));
    CHECK(path(text).name() == text);
    CHECK(path("x/" + text).name() == text);
}

TEST_CASE("RelativePath: names end at 255 bytes and paths at 4095", "[fs]")
{
    const std::string name(kMaxNameBytes, 'n');
    std::string longest = name;
    for (int i = 1; i < 16; ++i)
    {
        longest += "/" + name;
    }
    REQUIRE(longest.size() == kMaxPathBytes);

    CHECK(RelativePath::parse(name));
    CHECK_FALSE(RelativePath::parse(name + "n"));
    CHECK(RelativePath::parse(longest));
    CHECK_FALSE(RelativePath::parse(longest + "n"));
    CHECK_FALSE(RelativePath::parse("a/" + longest));
    CHECK_FALSE(RelativePath::join(path(longest), "x"));
}

TEST_CASE("RelativePath: join checks the name", "[fs]")
{
    CHECK(RelativePath::join(RelativePath(), "a") == path("a"));
    CHECK(RelativePath::join(path("a"), "b") == path("a/b"));
    const std::string name = GENERATE(""s, "."s, ".."s, "a/b"s, "/"s, "\0"s);
    CAPTURE(name);
    CHECK_FALSE(RelativePath::join(path("a"), name));
}

TEST_CASE("RelativePath: only the private folder of the root is private", "[fs]")
{
    CHECK(path(".tidewire").isPrivate());
    CHECK(path(".tidewire/tmp/x").isPrivate());
    CHECK_FALSE(path(".tidewires").isPrivate());
    CHECK_FALSE(path("a/.tidewire").isPrivate());
}

TEST_CASE("RelativePath: a path lies within a folder by whole names", "[fs]")
{
    CHECK(path("a/b").isWithin(path("a")));
    CHECK(path("a").isWithin(path("a")));
    CHECK(path("a").isWithin(RelativePath()));
    CHECK_FALSE(path("ab").isWithin(path("a")));
    CHECK_FALSE(path("a").isWithin(path("a/b")));
}

TEST_CASE("RelativePath: entries of one folder stand together, in the order of their bytes", "[fs]")
{
    // Whole texts would sort "a-b" between "a" and "a/x".
    std::vector<RelativePath> paths = {
        path("a/x"), path("\xff"), path("a-b/y"), path("a-b"), path("a"), path("a/\x01")};

    std::sort(paths.begin(), paths.end());

    CHECK(paths ==
          std::vector<RelativePath>{
              path("a"), path("a-b"), path("\xff"), path("a/\x01"), path("a/x"), path("a-b/y")});
}

TEST_CASE("RelativePath: what parse takes keeps every rule, and the order is that of memcmp",
          "[fs]")
{
    const unsigned seed = GENERATE(range(1U, 21U));
    CAPTURE(seed);
    std::mt19937 random(seed);

    for (int i = 0; i < 500; ++i)
    {
        const std::optional<RelativePath> a = RelativePath::parse(randomText(random));
        const std::optional<RelativePath> b = RelativePath::parse(randomText(random));
        if (!a || !b)
        {
            continue;
        }
        REQUIRE(a->text().find('\0') == std::string::npos);
        REQUIRE(("/" + a->text() + "/").find("/../") == std::string::npos);
        REQUIRE(("/" + a->text() + "/").find("/./") == std::string::npos);
        REQUIRE(("/" + a->text()).find("//") == std::string::npos);
        REQUIRE((a->isRoot() || RelativePath::join(a->parent(), a->name()) == a));
        const int folders = compareBytes(a->folder(), b->folder());
        const int expected = folders != 0 ? folders : compareBytes(a->name(), b->name());
        REQUIRE(((*a <=> *b) < 0) == (expected < 0));
        REQUIRE(((*a <=> *b) == 0) == (expected == 0));
        REQUIRE((*a == *b) == (expected == 0));
    }
}
