// A strict INI file: the typed getters.

#include "shared/base/Errors.h"
#include "shared/daemon/IniFile.h"
#include "shared/daemon/TextMatch.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <optional>

namespace tidewire {

namespace {

struct Unit
{
    std::string_view name;
    std::uint64_t factor;
};

constexpr Unit kTimeUnits[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
constexpr Unit kSizeUnits[] = {
    {"", 1}, {"K", 1ULL << 10U}, {"M", 1ULL << 20U}, {"G", 1ULL << 30U}, {"T", 1ULL << 40U}};

std::optional<std::int64_t> wholeNumber(std::string_view text)
{
    std::int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && stop == end ? std::optional(number) : std::nullopt;
}

/// A number and one of `units`; nothing when it is not that or does not fit.
std::optional<std::uint64_t> measure(std::string_view text, std::span<const Unit> units)
{
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    const std::string_view name = trimmed({stop, static_cast<std::size_t>(end - stop)});
    const auto unit =
        std::find_if(units.begin(), units.end(), [&](const Unit& one) { return one.name == name; });
    if (error != std::errc{} || unit == units.end() ||
        number > std::numeric_limits<std::uint64_t>::max() / unit->factor)
    {
        return std::nullopt;
    }
    return number * unit->factor;
}

/// `value` in the largest unit that divides it.
std::string inUnits(std::uint64_t value, std::span<const Unit> units)
{
    auto unit = units.rbegin();
    while (value % unit->factor != 0 || (value == 0 && unit->factor > 1))
    {
        ++unit;
    }
    return std::to_string(value / unit->factor) + std::string(unit->name);
}

template <typename Number>
std::string outOfRange(std::string_view value, Number low, Number high)
{
    return printable(value) + " is not within " + std::to_string(low) + " to " +
           std::to_string(high);
}

std::string outOfRange(std::string_view value,
                       std::uint64_t low,
                       std::uint64_t high,
                       std::span<const Unit> units)
{
    return printable(value) + " is not within " + inUnits(low, units) + " to " +
           inUnits(high, units);
}

} // namespace

std::string IniFile::text(const std::string& section, const std::string& key, std::string fallback)
{
    const Value* value = find(section, key);
    if (value == nullptr)
    {
        return fallback;
    }
    if (value->text.empty())
    {
        fault(section, key, "has no value");
        return fallback;
    }
    return value->text;
}

std::string IniFile::required(const std::string& section, const std::string& key)
{
    if (find(section, key) == nullptr)
    {
        fault(section, "needs \"" + key + " = ...\"");
        return {};
    }
    return text(section, key, {});
}

std::string
IniFile::path(const std::string& section, const std::string& key, const std::string& fallback)
{
    return normalPath(section, key, text(section, key, fallback));
}

std::string IniFile::requiredPath(const std::string& section, const std::string& key)
{
    return normalPath(section, key, required(section, key));
}

std::string
IniFile::normalPath(const std::string& section, const std::string& key, const std::string& value)
{
    if (value.empty())
    {
        return {};
    }
    const std::filesystem::path path(value);
    const bool climbs =
        std::any_of(path.begin(), path.end(), [](const auto& part) { return part == ".."; });
    if (!path.is_absolute() || climbs)
    {
        fault(section, key, printable(value) + " is not an absolute path without \"..\"");
        return {};
    }
    std::string normal = path.lexically_normal().string();
    while (normal.size() > 1 && normal.back() == '/')
    {
        normal.pop_back();
    }
    return normal;
}

bool IniFile::boolean(const std::string& section, const std::string& key, bool fallback)
{
    const std::size_t index = choose(section, key, {"yes", "no", "true", "false", "on", "off"});
    return index < 6 ? index % 2 == 0 : fallback;
}

std::int64_t IniFile::integer(const std::string& section,
                              const std::string& key,
                              std::int64_t fallback,
                              std::int64_t low,
                              std::int64_t high)
{
    const std::string value = text(section, key, {});
    if (value.empty())
    {
        return fallback;
    }
    const auto number = wholeNumber(value);
    if (!number)
    {
        fault(section, key, printable(value) + " is not a whole number");
        return fallback;
    }
    if (*number < low || *number > high)
    {
        fault(section, key, outOfRange(value, low, high));
        return fallback;
    }
    return *number;
}

std::chrono::seconds IniFile::duration(const std::string& section,
                                       const std::string& key,
                                       std::chrono::seconds fallback,
                                       std::chrono::seconds low,
                                       std::chrono::seconds high)
{
    const std::string value = text(section, key, {});
    if (value.empty())
    {
        return fallback;
    }
    const auto seconds = measure(value, kTimeUnits);
    if (!seconds)
    {
        fault(section, key, printable(value) + " is not a time such as 90s, 15m, 12h or 30d");
        return fallback;
    }
    const auto least = static_cast<std::uint64_t>(low.count());
    const auto most = static_cast<std::uint64_t>(high.count());
    if (*seconds < least || *seconds > most)
    {
        fault(section, key, outOfRange(value, least, most, kTimeUnits));
        return fallback;
    }
    return std::chrono::seconds(*seconds);
}

std::uint64_t IniFile::size(const std::string& section,
                            const std::string& key,
                            std::uint64_t fallback,
                            std::uint64_t low,
                            std::uint64_t high)
{
    const std::string value = text(section, key, {});
    if (value.empty())
    {
        return fallback;
    }
    const auto bytes = measure(value, kSizeUnits);
    if (!bytes)
    {
        fault(section, key, printable(value) + " is not a size such as 4096, 64K, 10M or 2G");
        return fallback;
    }
    if (*bytes < low || *bytes > high)
    {
        fault(section, key, outOfRange(value, low, high, kSizeUnits));
        return fallback;
    }
    return *bytes;
}

std::size_t IniFile::choose(const std::string& section,
                            const std::string& key,
                            const std::vector<std::string>& names)
{
    const std::string value = text(section, key, {});
    const auto place = std::find(names.begin(), names.end(), value);
    if (value.empty() || place != names.end())
    {
        return static_cast<std::size_t>(place - names.begin());
    }
    std::string all;
    for (const std::string& name : names)
    {
        all += (all.empty() ? "" : ", ") + name;
    }
    fault(section, key, printable(value) + " is not one of " + all);
    return names.size();
}

std::vector<std::string> IniFile::list(const std::string& section, const std::string& key)
{
    const std::string value = text(section, key, {});
    std::vector<std::string> items;
    std::string_view rest = value;
    while (!rest.empty())
    {
        const std::size_t comma = rest.find(',');
        const std::string_view item = trimmed(rest.substr(0, comma));
        if (item.empty() || comma + 1 == rest.size())
        {
            fault(section, key, "has an empty item between commas");
            return {};
        }
        items.emplace_back(item);
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
    return items;
}

} // namespace tidewire
