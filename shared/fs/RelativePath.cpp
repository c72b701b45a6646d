// A checked path inside a share.

#include "shared/fs/RelativePath.h"

#include <cstring>

namespace tidewire {

namespace {

struct Parts
{
    std::string_view folder;
    std::string_view name;
};

// Maps are ordered by it: rfind() of the library looks at one byte after the other.
Parts cut(std::string_view text)
{
    const void* found = text.empty() ? nullptr : ::memrchr(text.data(), '/', text.size());
    if (found == nullptr)
    {
        return {{}, text};
    }
    const auto slash = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    return {text.substr(0, slash), text.substr(slash + 1)};
}

} // namespace

bool isValidName(std::string_view name)
{
    return !name.empty() && name.size() <= kMaxNameBytes && name != "." && name != ".." &&
           name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

std::optional<RelativePath> RelativePath::parse(std::string_view text)
{
    if (text.size() > kMaxPathBytes)
    {
        return std::nullopt;
    }
    std::string_view rest = text;
    while (!rest.empty())
    {
        const std::size_t slash = rest.find('/');
        if (!isValidName(rest.substr(0, slash)) || slash == rest.size() - 1)
        {
            return std::nullopt;
        }
        rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    }
    return RelativePath(std::string(text));
}

std::optional<RelativePath> RelativePath::join(const RelativePath& folder, std::string_view name)
{
    if (!isValidName(name) || folder._text.size() + 1 + name.size() > kMaxPathBytes)
    {
        return std::nullopt;
    }
    std::string text;
    text.reserve(folder._text.size() + 1 + name.size());
    text = folder._text;
    if (!text.empty())
    {
        text += '/';
    }
    text += name;
    return RelativePath(std::move(text));
}

std::string_view RelativePath::name() const
{
    return cut(_text).name;
}

std::string_view RelativePath::folder() const
{
    return cut(_text).folder;
}

RelativePath RelativePath::parent() const
{
    return RelativePath(std::string(folder()));
}

bool RelativePath::isPrivate() const
{
    const std::string_view first = std::string_view(_text).substr(0, _text.find('/'));
    return first == kPrivateFolder;
}

bool RelativePath::isWithin(const RelativePath& folder) const
{
    const std::string& base = folder._text;
    return base.empty() || _text == base ||
           (_text.size() > base.size() && _text[base.size()] == '/' && _text.starts_with(base));
}

std::strong_ordering operator<=>(const RelativePath& a, const RelativePath& b)
{
    // char_traits<char>::compare works on unsigned bytes, as memcmp and SQLite's BLOBs do.
    const Parts left = cut(a._text);
    const Parts right = cut(b._text);
    if (const auto order = left.folder.compare(right.folder); order != 0)
    {
        return order <=> 0;
    }
    return left.name.compare(right.name) <=> 0;
}

} // namespace tidewire
