// IgnoreRules and GlobPattern: a table of gitignore's rules, limits, hostile patterns.

#include "agent/scan/IgnoreRules.h"

#include "agent/scan/GlobPattern.h"
#include "tests/support/FileTools.h"

#include <catch2/catch.hpp>

#include <string>

using namespace tidewire;

namespace {

struct Case
{
    std::string rules;
    std::string path; ///< a folder when it ends with "/"
    bool ignored;
};

bool isIgnored(const std::string& rules, std::string path)
{
    IgnoreRules ignore;
    ignore.addFile(rules);
    const bool isDirectory = path.ends_with('/');
    path.resize(path.size() - (isDirectory ? 1U : 0U));
    return ignore.isIgnored(pathOf(path), isDirectory);
}

void check(const std::vector<Case>& cases)
{
    for (const Case& one : cases)
    {
        CAPTURE(one.rules, one.path);
        CHECK(isIgnored(one.rules, one.path) == one.ignored);
    }
}

std::string repeat(std::string_view text, int count)
{
    std::string result;
    for (int i = 0; i < count; ++i)
    {
        result += text;
    }
    return result;
}

} // namespace

TEST_CASE("IgnoreRules: names match anywhere, anchored patterns at the root alone")
{
    check({{"a", "a", true},
           {"a", "x/a", true},
           {"a", "a/x", true},
           {"a", "ab", false},
           {"a", "A", false},
           {"/a", "a", true},
           {"/a", "x/a", false},
           {"x/a", "x/a", true},
           {"x/a", "y/x/a", false},
           {"*.tmp", "x/y.tmp", true},
           {"*.tmp", ".tmp", true},
           {"*.tmp", "y.tmpx", false},
           {"", "a", false},
           {"/", "a/", false},
           {"//", "a/", false}});
}

TEST_CASE("IgnoreRules: a slash at the end means folders alone")
{
    check({{"a/", "a/", true},
           {"a/", "a", false},
           {"a/", "x/a/", true},
           {"a/", "x/a/file", true},
           {"/a/", "x/a/", false},
           {"*/", "a/", true},
           {"*/", "a", false}});
}

TEST_CASE("IgnoreRules: the last pattern that matches decides, but not below an ignored folder")
{
    check({{"*.log\n!keep.log", "keep.log", false},
           {"!keep.log\n*.log", "keep.log", true},
           {"a\n!a/b", "a/b", true},
           {"a/*\n!a/b", "a/b", false},
           {"a/*\n!a/b", "a/b/c", false},
           {"a/*\n!a/b", "a/c", true},
           {"*\n!*/\n!*.c", "x/y.c", false},
           {"*\n!*/\n!*.c", "x/y.d", true},
           {"!", "a", false}});
}

TEST_CASE("IgnoreRules: wildcards stay within a name, two stars alone go beyond")
{
    check({{"a/*", "a/b", true},
           {"/*/c", "a/c", true},
           {"/*/c", "a/b/c", false},
           {"a?b", "a/b", false},
           {"a[/]b", "a/b", false},
           {"x[!a]b", "x/b", false},
           {"**/c", "c", true},
           {"**/c", "a/b/c", true},
           {"a/**", "a/b/c", true},
           {"a/**", "a/", false},
           {"a/**/c", "a/c", true},
           {"a/**/c", "a/b/b/c", true},
           {"a/**/c", "a/bc", false},
           {"x/a**/c", "x/ab/c", true},
           {"**", "a/b", true}});
}

TEST_CASE("IgnoreRules: brackets")
{
    check({{"[ab]", "b", true},
           {"[!ab]", "b", false},
           {"[^ab]", "c", true},
           {"[a-c]", "b", true},
           {"[c-a]", "b", false},
           {"[]a]", "]", true},
           {"[!]a]", "]", false},
           {"[a-]", "-", true},
           {"[\\]]", "]", true},
           {"[[:digit:]]x", "7x", true},
           {"[[:alpha:][:digit:]]", "-", false},
           {"[[:foo:]]", "f", false},
           {"[[:alpha:]", "a", false},
           {"[[:a]", ":", true},
           {"[a", "[a", false},
           {"[", "[", false},
           {"[\xff]", "\xff", true}});
}

TEST_CASE("IgnoreRules: quoting, blanks, comments and line ends")
{
    check({{"#a", "#a", false},
           {"\\#a", "#a", true},
           {"\\!a", "!a", true},
           {"a  ", "a", true},
           {"a\\ ", "a ", true},
           {"a\\  ", "a ", true},
           {" a", " a", true},
           {" a", "a", false},
           {"a\t", "a", false},
           {"a\r\nb", "a", true},
           {"a\r", "a", true},
           {"\\*", "*", true},
           {"\\*", "a", false},
           {"a\\", "a\\", false},
           {"a\\\\", "a\\", true},
           {"\xEF\xBB\xBF"
            "a",
            "a",
            true}});
    IgnoreRules rules;
    rules.addPattern("#a");
    CHECK(rules.isIgnored(pathOf("#a"), false));
}

TEST_CASE("IgnoreRules: the private folder is ignored and cannot be taken back")
{
    IgnoreRules rules;
    rules.addPattern("!.tidewire");
    CHECK(rules.isIgnored(pathOf(".tidewire"), true));
    CHECK(rules.isIgnored(pathOf(".tidewire/tmp/x"), false));
    CHECK(rules.isEntryIgnored(pathOf(".tidewire/tmp"), true));
    CHECK_FALSE(rules.isIgnored(pathOf("a/.tidewire"), true));
    CHECK_FALSE(rules.isIgnored(RelativePath(), true));
}

TEST_CASE("IgnoreRules: isEntryIgnored does not ask for the folders above")
{
    IgnoreRules rules;
    rules.addPattern("a");
    CHECK_FALSE(rules.isEntryIgnored(pathOf("a/b"), false));
    CHECK(rules.isIgnored(pathOf("a/b"), false));
}

TEST_CASE("IgnoreRules: the fingerprint tells rules apart, but not comments")
{
    const auto fingerprint = [](std::string_view content) {
        IgnoreRules rules;
        rules.addFile(content);
        return rules.fingerprint();
    };
    CHECK(fingerprint("") == Hash{});
    CHECK(fingerprint("a\nb") == fingerprint("# c\na  \n\nb\r\n"));
    CHECK(fingerprint("a\nb") != fingerprint("b\na"));
    CHECK(fingerprint("a\nb") != fingerprint("ab"));
    CHECK(fingerprint("a") != fingerprint("!a"));
}

TEST_CASE("IgnoreRules: what is beyond the limits is left out in whole lines")
{
    const std::string filler(kMaxIgnoreFileBytes - 4, '#');
    CHECK(isIgnored(filler + "\nab\nx", "ab"));
    CHECK_FALSE(isIgnored(filler + "\nabc\nx", "ab"));
    CHECK_FALSE(isIgnored(filler + "\nabc\nx", "abc"));
    const int most = static_cast<int>(kMaxIgnorePatterns);
    CHECK(isIgnored(repeat("a\n", most - 1) + "b", "b"));
    CHECK_FALSE(isIgnored(repeat("a\n", most) + "b", "b"));
}

TEST_CASE("GlobPattern: no pattern takes more than a step per byte of both")
{
    const std::string text = repeat("a", 4095);
    const std::string folders = repeat("a/", 2047) + "a";
    for (const std::string& pattern : {repeat("a*", 500) + "b",
                                       repeat("*a", 2000) + "b",
                                       repeat("**/", 2000) + "b",
                                       repeat("**/*", 1000) + "b",
                                       repeat("a/**/", 900) + "b",
                                       repeat("*?", 1000) + "b",
                                       repeat("[ab]*", 1000) + "b",
                                       repeat("**/a*/", 600) + "b"})
    {
        const GlobPattern compiled(pattern);
        for (const std::string& path : {text, folders})
        {
            std::uint64_t steps = 0;
            CHECK_FALSE(compiled.matches(path, &steps));
            CHECK(steps <= path.size() * (pattern.size() + 1));
        }
    }
}

TEST_CASE("GlobPattern: the longest patterns that can match do, longer ones do not")
{
    const std::string path = repeat("a/", 2047) + "a";
    CHECK(GlobPattern(repeat("a/", 2047) + "?").matches(path));
    CHECK(GlobPattern(repeat("**/?/", 2047) + "**/*a*").matches(path.substr(0, 4095)));
    CHECK_FALSE(GlobPattern(repeat("?", 4096)).matches(repeat("a", 4095)));
    CHECK_FALSE(GlobPattern("*").matches(repeat("a", 4096)));
    CHECK_FALSE(GlobPattern(repeat("[[:", 300000) + "]").matches("a"));
    CHECK(GlobPattern("").matches(""));
    CHECK_FALSE(GlobPattern("").matches("a"));
    CHECK(GlobPattern("*").matches(""));
}
