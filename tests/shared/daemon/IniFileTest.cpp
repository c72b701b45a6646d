// IniFile: grammar, typed values, and every fault with its line.

#include "shared/daemon/IniFile.h"

#include "shared/base/Errors.h"
#include "tests/support/LateMtime.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <random>

using namespace tidewire;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Strings = std::vector<std::string>;

namespace {

std::string faultsOf(IniFile& ini)
{
    try
    {
        ini.finish();
    }
    catch (const ConfigError& error)
    {
        return error.what();
    }
    return {};
}

std::string valueOf(const std::string& line)
{
    IniFile ini("x.ini", "[s]\n" + line + "\n");
    std::string value = ini.text("s", "key", "FALLBACK");
    CHECK(faultsOf(ini).empty());
    return value;
}

} // namespace

TEST_CASE("IniFile: blanks and comments around a value are no part of it", "[ini]")
{
    const auto [line, value] = GENERATE(table<std::string, std::string>({
        {"key=v", "v"},
        {"  key \t=  two words  ", "two words"},
        {"key = v ; comment", "v"},
        {"key = v\t;comment", "v"},
        {"key = a;b", "a;b"},
        {"key = a # b", "a # b"},
        {"key = a=b", "a=b"},
        {"key = v\r", "v"},
        {"; key = v", "FALLBACK"},
        {"# key = v", "FALLBACK"},
        {"  ; key = v", "FALLBACK"},
    }));
    CAPTURE(line);

    CHECK(valueOf(line) == value);
}

TEST_CASE("IniFile: a byte order mark, a missing last newline and blank lines do no harm", "[ini]")
{
    IniFile ini("x.ini", "\xEF\xBB\xBF[s] ; first\n\n \t\nkey = v");

    CHECK(ini.text("s", "key", "") == "v");
    CHECK(faultsOf(ini).empty());
}

TEST_CASE("IniFile: every fault is told, with its line, in the order of the lines", "[ini]")
{
    IniFile ini("x.ini",
                "early = 1\n"
                "[s]\n"
                "adress = a\n"
                "number = ten\n"
                "number = 11\n"
                "nonsense\n"
                "[relya]\n"
                "x = 1\n"
                "[s]\n"
                "[unclosed\n");
    static_cast<void>(ini.text("s", "address", ""));
    static_cast<void>(ini.integer("s", "number", 1, 0, 100));
    static_cast<void>(ini.text("relay", "x", ""));

    CHECK(faultsOf(ini) ==
          "x.ini:1: \"early\" stands before the first [section]\n"
          "x.ini:3: unknown key \"adress\" in [s] (did you mean address?)\n"
          "x.ini:4: [s] number: ten is not a whole number\n"
          "x.ini:5: \"number\" was set in line 4 already\n"
          "x.ini:6: expected \"key = value\" or \"[section]\", found \"nonsense\"\n"
          "x.ini:7: unknown section [relya] (did you mean relay?)\n"
          "x.ini:9: [s] was begun in line 2 already\n"
          "x.ini:10: expected \"[section]\", found \"[unclosed\"");
}

TEST_CASE("IniFile: no suggestion is made where nothing is near", "[ini]")
{
    IniFile ini("x.ini", "[s]\nqqqq = 1\n");
    static_cast<void>(ini.text("s", "address", ""));

    CHECK(faultsOf(ini) == "x.ini:2: unknown key \"qqqq\" in [s]");
}

TEST_CASE("IniFile: sections with a free name come in the order of the file", "[ini]")
{
    IniFile ini("x.ini", "[share.b]\n[agent]\n[share.a]\n[share.]\n[shares.c]\n");
    CHECK(ini.has("agent"));

    CHECK(ini.sectionsWith("share.") == Strings{"b", "a"});

    CHECK_THAT(faultsOf(ini),
               Contains("unknown section [share.]") &&
                   Contains("unknown section [shares.c] (did you mean share.NAME?)"));
}

TEST_CASE("IniFile: durations take a unit and keep their range", "[ini]")
{
    IniFile ini("x.ini", "[s]\na = 90s\nb = 15 m\nc = 12h\nd = 30d\n");
    CHECK(ini.duration("s", "a", 0s, 0s, 24h) == 90s);
    CHECK(ini.duration("s", "b", 0s, 0s, 24h) == 15min);
    CHECK(ini.duration("s", "c", 0s, 0s, 24h) == 12h);
    CHECK(ini.duration("s", "d", 0s, 0s, 24h * 100) == 720h);
    CHECK(ini.duration("s", "missing", 7s, 0s, 24h) == 7s);
    CHECK(faultsOf(ini).empty());

    const auto bad = GENERATE(as<std::string>{},
                              "90",
                              "s",
                              "-1s",
                              "1.5h",
                              "1y",
                              "0x10s",
                              "99999999999999999999s",
                              "18446744073709551615d",
                              "2d");
    CAPTURE(bad);
    IniFile wrong("x.ini", "[s]\nkey = " + bad + "\n");
    CHECK(wrong.duration("s", "key", 7s, 1s, 24h) == 7s);
    CHECK_THAT(faultsOf(wrong), Contains("x.ini:2: [s] key: "));
}

TEST_CASE("IniFile: a value out of its range is told with the range in its own units", "[ini]")
{
    IniFile ini("x.ini", "[s]\ntime = 2d\nsize = 1K\nnumber = 7\n");
    static_cast<void>(ini.duration("s", "time", 7s, 1s, 24h));
    static_cast<void>(ini.size("s", "size", 0, 1U << 20U, 1U << 30U));
    static_cast<void>(ini.integer("s", "number", 0, -3, 3));

    CHECK(faultsOf(ini) == "x.ini:2: [s] time: 2d is not within 1s to 1d\n"
                           "x.ini:3: [s] size: 1K is not within 1M to 1G\n"
                           "x.ini:4: [s] number: 7 is not within -3 to 3");
}

TEST_CASE("IniFile: sizes are powers of 1024", "[ini]")
{
    const std::uint64_t most = ~std::uint64_t{0};
    IniFile ini("x.ini", "[s]\na = 4096\nb = 64K\nc = 10M\nd = 2G\ne = 1T\nf = 16777216T\n");
    CHECK(ini.size("s", "a", 0, 0, most) == 4096);
    CHECK(ini.size("s", "b", 0, 0, most) == 65536);
    CHECK(ini.size("s", "c", 0, 0, most) == 10485760);
    CHECK(ini.size("s", "d", 0, 0, most) == 2147483648U);
    CHECK(ini.size("s", "e", 0, 0, most) == 1099511627776U);
    CHECK(ini.size("s", "f", 5, 0, most) == 5);
    CHECK_THAT(faultsOf(ini), Contains("x.ini:7: ") && Contains("is not a size"));
}

TEST_CASE("IniFile: yes and no have three names each", "[ini]")
{
    const auto [text, value] = GENERATE(table<std::string, bool>({{"yes", true},
                                                                  {"true", true},
                                                                  {"on", true},
                                                                  {"no", false},
                                                                  {"false", false},
                                                                  {"off", false}}));
    IniFile ini("x.ini", "[s]\nkey = " + text + "\n");
    CHECK(ini.boolean("s", "key", !value) == value);
    CHECK(faultsOf(ini).empty());

    IniFile wrong("x.ini", "[s]\nkey = maybe\n");
    CHECK(wrong.boolean("s", "key", value) == value);
    CHECK_THAT(faultsOf(wrong), Contains("maybe is not one of yes, no"));
}

TEST_CASE("IniFile: lists are cut at commas and have no empty items", "[ini]")
{
    IniFile ini("x.ini", "[s]\na = one, two words ,three\nb = one,,two\nc = one,\nd = ,\ne =\n");
    CHECK(ini.list("s", "a") == Strings{"one", "two words", "three"});
    CHECK(ini.list("s", "missing").empty());
    CHECK(faultsOf(ini).find("[s] a") == std::string::npos);
    for (const char* key : {"b", "c", "d", "e"})
    {
        CAPTURE(key);
        CHECK(ini.list("s", key).empty());
        CHECK_THAT(faultsOf(ini), Contains("[s] " + std::string(key) + ": has "));
    }
}

TEST_CASE("IniFile: paths are absolute and come back without ornaments", "[ini]")
{
    IniFile ini("x.ini", "[s]\na = /srv//photos/./x/\nb = srv\nc = /srv/../etc\nd = /\n");
    CHECK(ini.path("s", "a", "") == "/srv/photos/x");
    CHECK(ini.path("s", "b", "").empty());
    CHECK(ini.path("s", "c", "").empty());
    CHECK(ini.path("s", "d", "") == "/");
    CHECK(ini.path("s", "missing", "/var/lib") == "/var/lib");
    CHECK_THAT(faultsOf(ini), Contains("x.ini:3: ") && Contains("x.ini:4: "));
}

TEST_CASE("IniFile: a missing key that is needed names the line of its section", "[ini]")
{
    IniFile ini("x.ini", "\n[s]\n");
    CHECK(ini.required("s", "address").empty());
    CHECK(ini.required("t", "path").empty());

    CHECK(faultsOf(ini) == "x.ini: [t]: needs \"path = ...\"\n"
                           "x.ini:2: [s]: needs \"address = ...\"");
}

TEST_CASE("IniFile: hostile text is faults, never more", "[ini]")
{
    SECTION("zero bytes and control bytes")
    {
        IniFile ini("x.ini", std::string("[s]\nke\0y = 1\n\x1b[31m = 2\n", 22));
        const std::string faults = faultsOf(ini);
        CHECK_THAT(faults, Contains("x.ini:2: the line holds a zero byte"));
        CHECK(faults.find('\x1b') == std::string::npos);
    }
    SECTION("a line without end")
    {
        IniFile ini("x.ini", "[s]\nkey = " + std::string(100'000, 'x') + "\n");
        CHECK_THAT(faultsOf(ini), Contains("longer than"));
    }
    SECTION("a file with a fault in every line is told in part")
    {
        std::string text;
        for (int i = 0; i < 1000; ++i)
        {
            text += "?\n";
        }
        IniFile ini("x.ini", text);
        CHECK_THAT(faultsOf(ini), Contains("and 950 faults more"));
    }
    SECTION("a file that is too large is refused")
    {
        CHECK_THROWS_AS(IniFile("x.ini", std::string(IniFile::kMaxBytes + 1, '\n')), ConfigError);
    }
    SECTION("random bytes")
    {
        const auto seed = GENERATE(range(0U, 200U));
        CAPTURE(seed);
        std::mt19937 random(seed);
        static const std::string kBytes = "[]=;# \t\n\r.abz\\\"\0\xff\xc3";
        std::string text;
        for (int i = 0; i < 300; ++i)
        {
            text += kBytes[random() % (kBytes.size() + 3) % kBytes.size()];
        }
        IniFile ini("x.ini", text);
        static_cast<void>(ini.sectionsWith("a"));
        static_cast<void>(ini.list("a", "b"));
        static_cast<void>(faultsOf(ini));
    }
}

TEST_CASE("IniFile: a file may have any time", "[ini]")
{
    const TempFolder folder;
    std::ofstream(folder / "late.ini") << "[s]\nkey = v\n";
    setLateMtime(folder / "late.ini");

    IniFile ini = IniFile::load(folder / "late.ini");
    CHECK(ini.text("s", "key", "") == "v");
}

TEST_CASE("IniFile: a file that cannot be read is told by its name", "[ini]")
{
    const TempFolder folder;
    CHECK_THROWS_WITH(IniFile::load(folder / "none.ini"),
                      Contains("none.ini: No such file or directory"));
    CHECK_THROWS_WITH(IniFile::load(folder.path()), Contains("is a directory"));
    std::ofstream(folder / "huge.ini") << std::string(IniFile::kMaxBytes + 1, ';');
    CHECK_THROWS_WITH(IniFile::load(folder / "huge.ini"), Contains("larger than"));
    std::ofstream(folder / "good.ini") << "[s]\nkey = v\n";
    IniFile ini = IniFile::load(folder / "good.ini");
    CHECK(ini.text("s", "key", "") == "v");
}
