// conflictName: extensions, lengths, UTF-8, attempts.

#include "agent/sync/ConflictName.h"

#include "tests/support/FileTools.h"

#include <catch2/catch.hpp>

#include <string>

using namespace tidewire;

namespace {

constexpr std::int64_t kTime = 1700000000; // 2023-11-14 22:13:20 UTC
const std::string kMiddle = ".conflict-20231114-221320-kitchen";

std::string nameOf(const std::string& path, unsigned attempt = 0)
{
    return conflictName(pathOf(path), kTime, "kitchen", attempt).text();
}

std::string repeat(const std::string& part, std::size_t count)
{
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
    {
        text += part;
    }
    return text;
}

} // namespace

TEST_CASE("conflictName: it stands beside the file and keeps its extension", "[conflictname]")
{
    CHECK(nameOf("a/report.txt") == "a/report" + kMiddle + ".txt");
    CHECK(nameOf("archive.tar.gz") == "archive.tar" + kMiddle + ".gz");
}

TEST_CASE("conflictName: what is no extension stays in front", "[conflictname]")
{
    CHECK(nameOf("Makefile") == "Makefile" + kMiddle);
    CHECK(nameOf(".bashrc") == ".bashrc" + kMiddle);
    CHECK(nameOf("ends with.") == "ends with." + kMiddle);
    CHECK(nameOf("a.b/c") == "a.b/c" + kMiddle);
    const std::string longTail = "x." + std::string(32, 'y');
    CHECK(nameOf(longTail) == longTail + kMiddle);
    CHECK(nameOf(".config.json") == ".config" + kMiddle + ".json");
}

TEST_CASE("conflictName: every attempt gives another name", "[conflictname]")
{
    CHECK(nameOf("a.txt", 0) == "a" + kMiddle + ".txt");
    CHECK(nameOf("a.txt", 1) == "a" + kMiddle + "-2.txt");
    CHECK(nameOf("a.txt", 2) == "a" + kMiddle + "-3.txt");
    const std::string longest(kMaxNameBytes, 'n');
    CHECK(nameOf(longest, 0) != nameOf(longest, 1));
    CHECK(nameOf(longest, 9999).size() == kMaxNameBytes);
}

TEST_CASE("conflictName: the boards' first second and times before it are named as well",
          "[conflictname]")
{
    CHECK(conflictName(pathOf("a"), 0, "x", 0).text() == "a.conflict-19700101-000000-x");
    CHECK(conflictName(pathOf("a"), -1, "x", 0).text() == "a.conflict-19691231-235959-x");
}

TEST_CASE("conflictName: a name of any length gives one of at most 255 bytes", "[conflictname]")
{
    const std::string agent(64, 'A');
    for (std::size_t length = 1; length <= kMaxNameBytes; ++length)
    {
        const std::string stem(length, 's');
        const std::string name = stem.size() > 5 ? stem.substr(5) + ".jpeg" : stem;
        const RelativePath path = conflictName(pathOf("dir/" + name), kTime, agent, 41);
        CAPTURE(length);
        CHECK(path.name().size() <= kMaxNameBytes);
        CHECK(path.folder() == "dir");
        CHECK(path.name().find(".conflict-20231114-221320-" + agent + "-42") !=
              std::string_view::npos);
        CHECK((stem.size() <= 5 || path.name().ends_with("-42.jpeg")));
    }
}

TEST_CASE("conflictName: a cut falls between two characters of UTF-8", "[conflictname]")
{
    const std::string letter = GENERATE("\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8c\x8a");
    for (std::size_t shift = 0; shift < 4; ++shift)
    {
        std::string name = std::string(shift, 'x');
        while (name.size() + letter.size() <= kMaxNameBytes)
        {
            name += letter;
        }
        const std::string result = nameOf(name);
        const std::string kept = result.substr(0, result.find(".conflict-"));
        CAPTURE(letter, shift, kept.size());
        CHECK(result.size() <= kMaxNameBytes);
        CHECK(result.size() + letter.size() > kMaxNameBytes);
        CHECK((kept.size() - shift) % letter.size() == 0);
    }
}

TEST_CASE("conflictName: bytes that are no UTF-8 are cut at the limit", "[conflictname]")
{
    const std::string result = nameOf(repeat("\x80", kMaxNameBytes));

    CHECK(result.size() == kMaxNameBytes);
}

TEST_CASE("conflictName: when the folder leaves no room the copy goes to the root",
          "[conflictname]")
{
    const std::string level = std::string(255, 'd') + "/";
    const std::string deep = repeat(level, 15) + std::string(250, 'e'); // 4090 bytes
    const std::string path = deep + "/a.b";
    REQUIRE(path.size() <= kMaxPathBytes);

    const RelativePath result = conflictName(pathOf(path), kTime, "kitchen", 0);

    CHECK(result.folder().empty());
    CHECK(result.text() == "a" + kMiddle + ".b");
}

TEST_CASE("conflictName: a folder that just leaves room is kept", "[conflictname]")
{
    const std::string name = "a" + kMiddle + ".b";
    const std::string level = std::string(255, 'd') + "/";
    std::string folder = repeat(level, 15);
    folder += std::string(kMaxPathBytes - name.size() - 1 - folder.size(), 'e');

    CHECK(nameOf(folder + "/a.b") == folder + "/" + name);
    CHECK(nameOf(folder + "e/a.b") == name);
}
