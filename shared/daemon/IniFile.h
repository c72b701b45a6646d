// A strict INI file: every mistake is reported with its line, all of them at once.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidewire {

/// The text of a configuration file, cut into sections and keys.
///
/// Grammar: `[section]`, `key = value`, full-line comments that start with ";" or "#". Blanks
/// around names and values do not count; a blank followed by ";" ends a value. Names are case
/// sensitive. A section or a key that comes twice is an error.
///
/// Asking for a key makes it known. The getters never throw: they note what is wrong, return the
/// default, and finish() throws one ConfigError with all that was noted, together with the sections
/// and keys that nobody asked for and the nearest known name. (POCO's own reader keeps no line
/// numbers, takes "#" for a key and the last of two duplicates.)
///
/// Thread: one. Memory: at most kMaxBytes of text.
class IniFile
{
public:
    static constexpr std::size_t kMaxBytes = std::size_t{1} << 20U;

    /// Reads the file `path`. ConfigError when it cannot be read or is too large; faults of its
    /// text come with finish().
    [[nodiscard]] static IniFile load(const std::string& path);

    /// Takes `text` apart; `name` stands for the file in messages.
    IniFile(std::string name, std::string_view text);

    /// Names after `prefix` of the sections that start with it, in the order of the file; for
    /// "share.": "photos" of [share.photos]. Makes them known. `prefix` alone counts as no name.
    [[nodiscard]] std::vector<std::string> sectionsWith(const std::string& prefix);

    /// Makes `section` known and tells if it is there.
    bool has(const std::string& section);

    /// Makes the key known and tells if it is there.
    bool has(const std::string& section, const std::string& key);

    /// The value as it stands; `fallback` when the key is missing. An empty value is an error.
    std::string text(const std::string& section, const std::string& key, std::string fallback);

    /// As text(), but a missing key is an error.
    std::string required(const std::string& section, const std::string& key);

    /// An absolute path without ".."; given back without "." and without "/" at the end. Empty when it
    /// is wrong.
    std::string
    path(const std::string& section, const std::string& key, const std::string& fallback);

    /// As path(), but a missing key is an error.
    std::string requiredPath(const std::string& section, const std::string& key);

    /// yes/no, true/false, on/off.
    bool boolean(const std::string& section, const std::string& key, bool fallback);

    /// A whole number in [low, high].
    std::int64_t integer(const std::string& section,
                         const std::string& key,
                         std::int64_t fallback,
                         std::int64_t low,
                         std::int64_t high);

    /// A whole number and its unit, s, m, h or d ("90s", "12h", "30d"), in [low, high].
    std::chrono::seconds duration(const std::string& section,
                                  const std::string& key,
                                  std::chrono::seconds fallback,
                                  std::chrono::seconds low,
                                  std::chrono::seconds high);

    /// Bytes: a whole number and K, M, G, T (powers of 1,024) or nothing, in [low, high].
    std::uint64_t size(const std::string& section,
                       const std::string& key,
                       std::uint64_t fallback,
                       std::uint64_t low,
                       std::uint64_t high);

    /// One of the names in `choices`.
    template <typename Enum>
    Enum choice(const std::string& section,
                const std::string& key,
                Enum fallback,
                std::span<const std::pair<const char*, Enum>> choices)
    {
        std::vector<std::string> names;
        for (const auto& [name, value] : choices)
        {
            names.emplace_back(name);
        }
        const std::size_t index = choose(section, key, names);
        return index < choices.size() ? choices[index].second : fallback;
    }

    /// The values between commas, without blanks around; empty when the key is missing. An empty
    /// value between commas is an error.
    std::vector<std::string> list(const std::string& section, const std::string& key);

    /// Notes a fault of a value that only the caller can see.
    void fault(const std::string& section, const std::string& key, const std::string& what);

    /// Notes a fault of a whole section.
    void fault(const std::string& section, const std::string& what);

    /// Throws ConfigError when anything was wrong: one line per fault, "FILE:LINE: what", in the
    /// order of the lines.
    void finish();

private:
    struct Value
    {
        std::string text;
        int line = 0;
    };
    struct Section
    {
        int line = 0;
        std::map<std::string, Value> values;
    };

    void parse(std::string_view text);
    void parseLine(std::string_view line, int number, Section*& current);
    void parseHeader(std::string_view line, int number, Section*& current);
    const Value* find(const std::string& section, const std::string& key);
    std::string
    normalPath(const std::string& section, const std::string& key, const std::string& value);
    std::size_t choose(const std::string& section,
                       const std::string& key,
                       const std::vector<std::string>& names);
    void note(int line, const std::string& what);
    void noteUnknown();
    [[nodiscard]] std::string sectionSuggestion(const std::string& section) const;
    [[nodiscard]] int lineOf(const std::string& section) const;

    std::string _name;
    std::map<std::string, Section> _sections;
    std::vector<std::string> _order;                     // names of the sections as they come
    std::map<std::string, std::set<std::string>> _known; // section -> keys that were asked for
    std::set<std::string> _prefixes;                     // of sections with a free name
    std::multimap<int, std::string> _faults;             // line -> what
};

} // namespace tidewire
