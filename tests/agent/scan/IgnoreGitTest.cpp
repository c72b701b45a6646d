// IgnoreRules against git itself: thousands of random patterns, the same verdicts.

#include "agent/scan/IgnoreRules.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

using namespace tidewire;

namespace {

using Verdicts = std::map<std::string, bool>;

/// Before each path, so that git takes no ":" at its start for magic.
constexpr std::string_view kPrefix = "./";

/// A tree with odd names in a git repository, and git's opinion about it.
class GitFixture
{
protected:
    GitFixture()
    {
        REQUIRE(shell("git init -q repo") == 0);
        for (int i = 0; i < 400; ++i)
        {
            addPath();
        }
        std::ofstream stream(work / "paths", std::ios::binary);
        for (const auto& [path, isFolder] : paths)
        {
            stream << kPrefix << path << '\0';
        }
    }

    [[nodiscard]] int shell(const std::string& command) const
    {
        const std::string environment = "HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 ";
        return std::system(("cd '" + work.path() + "' && " + environment + command).c_str());
    }

    std::size_t below(std::size_t limit) { return random() % limit; }

    std::string randomName()
    {
        static const std::string kBytes = "aaabbbccA01.-_ !#*?[]^\\:\t\xff\xc3";
        std::string name;
        for (auto length = 1 + below(3); length > 0; --length)
        {
            name += kBytes[below(kBytes.size())];
        }
        return name == "." || name == ".." ? "dots" : name;
    }

    void addPath()
    {
        std::string path;
        const auto depth = 1 + below(4);
        for (std::size_t i = 1; i < depth; ++i)
        {
            path += path.empty() ? "" : "/";
            path += randomName();
            if (const auto [found, isNew] = paths.emplace(path, true); !isNew && !found->second)
            {
                return;
            }
            std::filesystem::create_directory(work / ("repo/" + path));
        }
        path += path.empty() ? "" : "/";
        path += randomName();
        if (paths.emplace(path, false).second)
        {
            std::ofstream(work / ("repo/" + path)) << "x";
        }
    }

    /// Pieces put together blindly.
    std::string wildPattern()
    {
        static const std::vector<std::string> kPieces{"a",
                                                      "b",
                                                      "c",
                                                      "A",
                                                      "*",
                                                      "*",
                                                      "**",
                                                      "?",
                                                      "/",
                                                      "/",
                                                      "**/",
                                                      "/**",
                                                      "/**/",
                                                      "[ab]",
                                                      "[!a]",
                                                      "[^a]",
                                                      "[a-c]",
                                                      "[]a]",
                                                      "[!]a]",
                                                      "[a-]",
                                                      "[[:alpha:]]",
                                                      "[[:digit:]]",
                                                      "[[:punct:]]",
                                                      "[a",
                                                      "[[:x:]]",
                                                      "[[:a]",
                                                      "\\*",
                                                      "\\ ",
                                                      " ",
                                                      "\\",
                                                      "!",
                                                      "#",
                                                      "\\#",
                                                      "\\!",
                                                      "-",
                                                      "]",
                                                      "^",
                                                      ".",
                                                      "\xff",
                                                      "\t",
                                                      "\r",
                                                      "[a-\\]]",
                                                      "[--0]",
                                                      "[[:space:]a]",
                                                      "[\\a-b]",
                                                      "[c-a]",
                                                      "[!\xc3]",
                                                      "[*?]",
                                                      "\\/",
                                                      "[[:upper:][:lower:]]",
                                                      "[[:graph:]]",
                                                      "[[:blank:]-a]",
                                                      "[/]",
                                                      "[a/b]",
                                                      ":"};
        std::string pattern;
        for (auto count = 1 + below(6); count > 0; --count)
        {
            pattern += kPieces[below(kPieces.size())];
        }
        return pattern;
    }

    /// A path of the tree, blurred in places.
    std::string nearPattern()
    {
        static const std::array<std::string, 7> kBlurs{"*", "?", "**", "[!x]", "[^/]", "*/", "/**"};
        auto chosen = paths.begin();
        std::advance(chosen, static_cast<std::ptrdiff_t>(below(paths.size())));
        std::string pattern(below(4) == 0 ? "/" : "");
        for (const char c : chosen->first)
        {
            const auto dice = below(12);
            if (dice < kBlurs.size() / 2)
            {
                pattern += kBlurs[below(kBlurs.size())];
            }
            else if (dice == 11 || std::string("*?[\\!# ").find(c) != std::string::npos)
            {
                pattern += '\\';
                pattern += c;
            }
            else
            {
                pattern += c;
            }
        }
        pattern += below(4) == 0 ? "/" : "";
        return pattern;
    }

    std::string randomRules()
    {
        std::string rules = below(20) == 0 ? "\xEF\xBB\xBF" : "";
        for (auto count = 1 + below(12); count > 0; --count)
        {
            rules += below(3) == 0 ? "!" : "";
            rules += below(2) == 0 ? wildPattern() : nearPattern();
            rules += below(10) == 0 ? "  " : "";
            rules += below(10) == 0 ? "\r\n" : "\n";
        }
        rules.resize(rules.size() - below(2)); // with or without the last line's end
        return rules;
    }

    Verdicts askGit(const std::string& rules)
    {
        std::ofstream(work / "repo/.git/info/exclude", std::ios::binary) << rules;
        const int status =
            shell("git -C repo check-ignore --no-index --stdin -z -v -n <paths >verdicts");
        REQUIRE((status == 0 || status == 256)); // found some, or none
        std::ifstream stream(work / "verdicts", std::ios::binary);
        Verdicts result;
        std::string source;
        std::string line;
        std::string pattern;
        std::string path;
        while (std::getline(stream, source, '\0') && std::getline(stream, line, '\0') &&
               std::getline(stream, pattern, '\0') && std::getline(stream, path, '\0'))
        {
            result[path.substr(kPrefix.size())] = !source.empty() && !pattern.starts_with('!');
        }
        return result;
    }

    [[nodiscard]] Verdicts askOurs(const std::string& rules) const
    {
        IgnoreRules ignore;
        ignore.addFile(rules);
        Verdicts result;
        for (const auto& [path, isFolder] : paths)
        {
            result[path] = ignore.isIgnored(RelativePath::parse(path).value(), isFolder);
        }
        return result;
    }

    std::mt19937 random{4}; // NOLINT: the same patterns every time
    TempFolder work;
    std::map<std::string, bool> paths; ///< true: a folder
};

} // namespace

TEST_CASE_METHOD(GitFixture, "IgnoreRules: git says the same about thousands of patterns")
{
    std::size_t ignored = 0;
    std::size_t kept = 0;
    for (int round = 0; round < 500; ++round)
    {
        const std::string rules = randomRules();
        const Verdicts git = askGit(rules);
        const Verdicts ours = askOurs(rules);
        REQUIRE(git.size() == paths.size());
        for (const auto& [path, verdict] : git)
        {
            (verdict ? ignored : kept) += 1;
            if (ours.at(path) != verdict)
            {
                CAPTURE(round, rules, path, verdict);
                FAIL_CHECK("git does not agree");
            }
        }
    }
    CHECK(ignored > 10000);
    CHECK(kept > 10000);
}
