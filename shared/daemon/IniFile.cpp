// A strict INI file: scanning the text and reporting what is wrong.

#include "shared/daemon/IniFile.h"

#include "shared/base/Errors.h"
#include "shared/daemon/TextMatch.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

namespace tidewire {

namespace {

constexpr std::size_t kMaxLineBytes = 8192;

/// More are of no use to a reader, and a file that is no configuration has one in every line.
constexpr std::size_t kMaxFaults = 50;

bool isNameByte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool isName(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), isNameByte);
}

/// `text` without a comment at its end: ";" counts only after a blank, so that "a;b" is a value.
std::string_view withoutComment(std::string_view text)
{
    for (std::size_t i = 0; i < text.size(); ++i)
    {
        if (text[i] == ';' && (i == 0 || isBlank(text[i - 1])))
        {
            return trimmed(text.substr(0, i));
        }
    }
    return text;
}

std::string inQuotes(std::string_view text)
{
    constexpr std::size_t kShown = 100;
    const std::string shown = printable(text.substr(0, kShown));
    return "\"" + shown + (text.size() > kShown ? "...\"" : "\"");
}

} // namespace

IniFile IniFile::load(const std::string& path)
{
    // Not by std::filesystem, which fails at an mtime beyond 2038 on 32-bit boards.
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0)
    {
        throw ConfigError(printable(path) + ": " + std::generic_category().message(errno));
    }
    if (S_ISDIR(status.st_mode))
    {
        throw ConfigError(printable(path) + ": is a directory");
    }
    std::ifstream file(path, std::ios::binary);
    std::string text(kMaxBytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (!file.is_open() || file.bad())
    {
        throw ConfigError(printable(path) + ": cannot be read");
    }
    return {path, text};
}

IniFile::IniFile(std::string name, std::string_view text): _name(std::move(name))
{
    if (text.size() > kMaxBytes)
    {
        throw ConfigError(printable(_name) + ": is larger than a configuration may be (1 MiB)");
    }
    parse(text);
}

void IniFile::parse(std::string_view text)
{
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark))
    {
        text.remove_prefix(kByteOrderMark.size());
    }
    Section* current = nullptr;
    for (int number = 1; !text.empty(); ++number)
    {
        const std::size_t end = std::min(text.find('\n'), text.size());
        parseLine(trimmed(text.substr(0, end)), number, current);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void IniFile::parseLine(std::string_view line, int number, Section*& current)
{
    if (line.empty() || line.front() == ';' || line.front() == '#')
    {
        return;
    }
    if (line.size() > kMaxLineBytes)
    {
        note(number, "the line is longer than 8192 bytes");
        return;
    }
    if (line.find('\0') != std::string_view::npos)
    {
        note(number, "the line holds a zero byte");
        return;
    }
    if (line.front() == '[')
    {
        parseHeader(withoutComment(line), number, current);
        return;
    }
    const std::size_t equals = line.find('=');
    const std::string_view key = trimmed(line.substr(0, std::min(equals, line.size())));
    if (equals == std::string_view::npos || !isName(key))
    {
        note(number, R"(expected "key = value" or "[section]", found )" + inQuotes(line));
        return;
    }
    if (current == nullptr)
    {
        note(number, inQuotes(key) + " stands before the first [section]");
        return;
    }
    const std::string value(withoutComment(trimmed(line.substr(equals + 1))));
    const auto [place, isNew] = current->values.emplace(key, Value{value, number});
    if (!isNew)
    {
        note(number,
             inQuotes(key) + " was set in line " + std::to_string(place->second.line) + " already");
    }
}

void IniFile::parseHeader(std::string_view line, int number, Section*& current)
{
    const bool closed = line.size() > 2 && line.back() == ']';
    const std::string name(closed ? trimmed(line.substr(1, line.size() - 2)) : "");
    if (!isName(name))
    {
        note(number, "expected \"[section]\", found " + inQuotes(line));
        // What follows belongs to a section whose name is not known: one fault, not one a line.
        current = &_sections[""];
        return;
    }
    const auto [place, isNew] = _sections.emplace(name, Section{number, {}});
    if (!isNew)
    {
        note(number,
             "[" + name + "] was begun in line " + std::to_string(place->second.line) + " already");
    }
    else
    {
        _order.push_back(name);
    }
    current = &place->second;
}

std::vector<std::string> IniFile::sectionsWith(const std::string& prefix)
{
    _prefixes.insert(prefix);
    std::vector<std::string> names;
    for (const std::string& section : _order)
    {
        if (section.starts_with(prefix) && section.size() > prefix.size())
        {
            _known[section];
            names.push_back(section.substr(prefix.size()));
        }
    }
    return names;
}

bool IniFile::has(const std::string& section)
{
    _known[section];
    return _sections.contains(section);
}

bool IniFile::has(const std::string& section, const std::string& key)
{
    return find(section, key) != nullptr;
}

const IniFile::Value* IniFile::find(const std::string& section, const std::string& key)
{
    _known[section].insert(key);
    const auto place = _sections.find(section);
    if (place == _sections.end())
    {
        return nullptr;
    }
    const auto value = place->second.values.find(key);
    return value == place->second.values.end() ? nullptr : &value->second;
}

int IniFile::lineOf(const std::string& section) const
{
    const auto place = _sections.find(section);
    return place == _sections.end() ? 0 : place->second.line;
}

void IniFile::fault(const std::string& section, const std::string& key, const std::string& what)
{
    const Value* value = find(section, key);
    note(value == nullptr ? lineOf(section) : value->line,
         "[" + section + "] " + key + ": " + what);
}

void IniFile::fault(const std::string& section, const std::string& what)
{
    note(lineOf(section), "[" + section + "]: " + what);
}

void IniFile::note(int line, const std::string& what)
{
    _faults.emplace(line, what);
}

std::string IniFile::sectionSuggestion(const std::string& section) const
{
    // A section with a free name is compared by what stands before it.
    const std::size_t dot = section.find('.');
    if (dot != std::string::npos)
    {
        const std::string prefix =
            nearest(section.substr(0, dot + 1), {_prefixes.begin(), _prefixes.end()});
        return prefix.empty() ? "" : " (did you mean " + prefix + "NAME?)";
    }
    std::vector<std::string> names;
    for (const auto& [name, keys] : _known)
    {
        if (name.find('.') == std::string::npos)
        {
            names.push_back(name);
        }
    }
    return suggestion(section, names);
}

void IniFile::noteUnknown()
{
    for (const std::string& section : _order)
    {
        const Section& content = _sections[section];
        const auto known = _known.find(section);
        if (known == _known.end())
        {
            note(content.line, "unknown section [" + section + "]" + sectionSuggestion(section));
            continue;
        }
        const std::vector<std::string> keys(known->second.begin(), known->second.end());
        for (const auto& [key, value] : content.values)
        {
            if (!known->second.contains(key))
            {
                note(value.line,
                     "unknown key " + inQuotes(key) + " in [" + section + "]" +
                         suggestion(key, keys));
            }
        }
    }
}

void IniFile::finish()
{
    noteUnknown();
    if (_faults.empty())
    {
        return;
    }
    std::string message;
    std::size_t count = 0;
    for (const auto& [line, what] : _faults)
    {
        if (++count > kMaxFaults)
        {
            message += "\n" + printable(_name) + ": and " +
                       std::to_string(_faults.size() - kMaxFaults) + " faults more";
            break;
        }
        message += (message.empty() ? "" : "\n") + printable(_name) +
                   (line > 0 ? ":" + std::to_string(line) : "") + ": " + what;
    }
    throw ConfigError(message);
}

} // namespace tidewire
