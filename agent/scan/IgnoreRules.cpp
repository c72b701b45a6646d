// Reads ignore files line by line and asks the patterns from the last to the first.

#include "agent/scan/IgnoreRules.h"

#include <algorithm>

namespace tidewire {

namespace {

constexpr std::string_view kWildcards = "*?[\\";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// The line without blanks at its end, where no backslash quotes them.
std::string_view withoutTrailingBlanks(std::string_view line)
{
    std::size_t end = 0;
    for (std::size_t i = 0; i < line.size(); ++i)
    {
        if (line[i] == '\\')
        {
            ++i;
            end = std::min(i + 1, line.size());
        }
        else if (line[i] != ' ')
        {
            end = i + 1;
        }
    }
    return line.substr(0, end);
}

bool isPlain(std::string_view text)
{
    return text.find_first_of(kWildcards) == std::string_view::npos;
}

std::string_view lastName(std::string_view path)
{
    return path.substr(path.rfind('/') + 1); // npos + 1 is 0
}

bool isPrivatePath(std::string_view path)
{
    return path.substr(0, path.find('/')) == kPrivateFolder;
}

} // namespace

void IgnoreRules::addPattern(std::string_view line)
{
    std::string_view text = withoutTrailingBlanks(line.substr(0, line.find('\0')));
    if (text.empty() || _patterns.size() >= kMaxIgnorePatterns)
    {
        return;
    }
    Bytes chain(_fingerprint.bytes.begin(), _fingerprint.bytes.end());
    chain.insert(chain.end(), text.begin(), text.end());
    _fingerprint = hashLeaf(chain);

    Pattern& pattern = _patterns.emplace_back();
    pattern.negated = text.starts_with('!');
    text.remove_prefix(pattern.negated ? 1 : 0);
    pattern.folderOnly = text.ends_with('/');
    text.remove_suffix(pattern.folderOnly ? 1 : 0);
    pattern.nameOnly = text.find('/') == std::string_view::npos;
    pattern.isSuffix = pattern.nameOnly && text.starts_with('*') && isPlain(text.substr(1));
    if (pattern.isSuffix)
    {
        pattern.plain = text.substr(1);
        return;
    }
    text.remove_prefix(text.starts_with('/') ? 1 : 0);
    // Git, too, hands only what follows the plain part to its matcher: so "**" right behind plain
    // text counts as standing alone.
    const std::size_t wild = std::min(text.find_first_of(kWildcards), text.size());
    pattern.plain = text.substr(0, wild);
    if (wild < text.size())
    {
        pattern.glob.emplace(text.substr(wild));
    }
}

void IgnoreRules::addFile(std::string_view content)
{
    if (content.size() > kMaxIgnoreFileBytes)
    {
        content = content.substr(0, kMaxIgnoreFileBytes);
        content = content.substr(0, content.rfind('\n') + 1);
    }
    if (content.starts_with(kByteOrderMark))
    {
        content.remove_prefix(kByteOrderMark.size());
    }
    while (!content.empty())
    {
        const std::size_t end = std::min(content.find('\n'), content.size());
        std::string_view line = content.substr(0, end);
        content.remove_prefix(std::min(end + 1, content.size()));
        line.remove_suffix(line.ends_with('\r') ? 1 : 0);
        if (!line.starts_with('#'))
        {
            addPattern(line);
        }
    }
}

bool IgnoreRules::Pattern::matches(std::string_view text) const
{
    if (isSuffix)
    {
        return text.ends_with(plain);
    }
    if (!text.starts_with(plain))
    {
        return false;
    }
    const std::string_view rest = text.substr(plain.size());
    return glob ? glob->matches(rest) : rest.empty();
}

bool IgnoreRules::decide(std::string_view path, bool isDirectory) const
{
    const std::string_view name = lastName(path);
    for (auto pattern = _patterns.rbegin(); pattern != _patterns.rend(); ++pattern)
    {
        if ((isDirectory || !pattern->folderOnly) &&
            pattern->matches(pattern->nameOnly ? name : path))
        {
            return !pattern->negated;
        }
    }
    return false;
}

bool IgnoreRules::isEntryIgnored(const RelativePath& path, bool isDirectory) const
{
    return isPrivatePath(path.text()) || (!path.isRoot() && decide(path.text(), isDirectory));
}

bool IgnoreRules::isIgnored(const RelativePath& path, bool isDirectory) const
{
    const std::string_view text = path.text();
    for (std::size_t slash = text.find('/'); slash != std::string_view::npos;
         slash = text.find('/', slash + 1))
    {
        if (decide(text.substr(0, slash), true))
        {
            return true;
        }
    }
    return isEntryIgnored(path, isDirectory);
}

} // namespace tidewire
