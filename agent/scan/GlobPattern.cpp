// Compiles glob patterns and follows all of their positions at once.

#include "agent/scan/GlobPattern.h"

#include "shared/fs/RelativePath.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace tidewire {

namespace {

/// A pattern with more tokens that take exactly one byte matches no path. Before each of them, and
/// at the end, stand at most two that take any number ("**/*").
constexpr std::size_t kMaxTakers = kMaxPathBytes;
constexpr std::size_t kMaxTokens = 3 * kMaxTakers + 2;

} // namespace

/// A set of positions in the pattern; position i is before token i.
class GlobPattern::States
{
public:
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): clear() sets the words that are used
    explicit States(std::size_t tokens): _used(tokens / 64 + 1) { clear(); }

    void clear() { std::fill_n(_words.begin(), _used, 0U); }
    void add(std::size_t index) { _words[index / 64] |= std::uint64_t{1} << (index % 64); }
    [[nodiscard]] bool has(std::size_t index) const
    {
        return ((_words[index / 64] >> (index % 64)) & 1U) != 0;
    }

    /// Calls `visit` for each member; returns how many there are.
    template <typename Visit>
    [[nodiscard]] std::size_t forEach(const Visit& visit) const
    {
        std::size_t count = 0;
        for (std::size_t i = 0; i < _used; ++i)
        {
            for (std::uint64_t word = _words[i]; word != 0; word &= word - 1)
            {
                visit(i * 64 + static_cast<std::size_t>(std::countr_zero(word)));
                ++count;
            }
        }
        return count;
    }

private:
    std::size_t _used;
    std::array<std::uint64_t, kMaxTokens / 64 + 1> _words; // the first _used are set
};

GlobPattern::GlobPattern(std::string_view text)
{
    std::size_t position = 0;
    std::size_t takers = 0;
    while (position < text.size() && !_never)
    {
        position = compileOne(text, position);
        takers += !_tokens.empty() && _tokens.back().kind < Kind::Star ? 1U : 0U;
        _never = _never || takers > kMaxTakers;
    }
    if (_never)
    {
        _tokens.clear();
        _sets.clear();
    }
    _tokens.shrink_to_fit();
    _sets.shrink_to_fit();
}

std::size_t GlobPattern::compileOne(std::string_view text, std::size_t position)
{
    switch (text[position])
    {
    case '*':
        return compileStars(text, position);
    case '[':
        return compileSet(text, position);
    case '?':
        _tokens.push_back({Kind::AnyButSlash});
        return position + 1;
    case '\\':
        ++position;
        if (position == text.size())
        {
            _never = true;
            return position;
        }
        [[fallthrough]];
    default:
        _tokens.push_back({Kind::Byte, static_cast<std::uint8_t>(text[position])});
        return position + 1;
    }
}

std::size_t GlobPattern::compileStars(std::string_view text, std::size_t position)
{
    const std::size_t end = std::min(text.find_first_not_of('*', position), text.size());
    const std::string_view rest = text.substr(end);
    const bool alone = (position == 0 || text[position - 1] == '/') &&
                       (rest.empty() || rest.starts_with('/') || rest.starts_with("\\/"));
    if (end - position == 1 || !alone)
    {
        _tokens.push_back({Kind::Star});
        return end;
    }
    if (!rest.starts_with('/'))
    {
        _tokens.push_back({Kind::StarStar});
        return end;
    }
    // A second "**/" adds nothing, and enter() relies on short rows of them.
    if (_tokens.empty() || _tokens.back().kind != Kind::Folders)
    {
        _tokens.push_back({Kind::Folders});
    }
    return end + 1;
}

std::size_t GlobPattern::compileSet(std::string_view text, std::size_t position)
{
    ByteSet set;
    BracketReader reader(text, position);
    _never = !reader.read(set);
    set.remove('/');
    _tokens.push_back({Kind::Set, 0, static_cast<std::uint32_t>(_sets.size())});
    _sets.push_back(set);
    return reader.position() + 1;
}

/// Adds the position and those behind it that are reached without taking a byte.
void GlobPattern::enter(States& states, std::size_t position) const
{
    states.add(position);
    while (position < _tokens.size() && _tokens[position].kind >= Kind::Star)
    {
        states.add(++position);
    }
}

/// Lets the token at `position` take `byte`, and adds where that leads.
void GlobPattern::advance(std::size_t position, std::uint8_t byte, States& to) const
{
    if (position == _tokens.size())
    {
        return;
    }
    const Token& token = _tokens[position];
    switch (token.kind)
    {
    case Kind::Byte:
    case Kind::AnyButSlash:
    case Kind::Set:
        if (token.kind == Kind::Byte  ? byte == token.byte
            : token.kind == Kind::Set ? _sets[token.set].has(byte)
                                      : byte != '/')
        {
            enter(to, position + 1);
        }
        break;
    case Kind::Star:
        if (byte != '/')
        {
            enter(to, position);
        }
        break;
    case Kind::StarStar:
        enter(to, position);
        break;
    case Kind::Folders:
        to.add(position);
        if (byte == '/')
        {
            enter(to, position + 1);
        }
        break;
    }
}

bool GlobPattern::matches(std::string_view text, std::uint64_t* steps) const
{
    if (_never || text.size() > kMaxPathBytes)
    {
        return false;
    }
    States first(_tokens.size());
    States second(_tokens.size());
    States* now = &first;
    States* next = &second;
    enter(*now, 0);
    for (const char c : text)
    {
        next->clear();
        const std::size_t visited = now->forEach(
            [&](std::size_t position) { advance(position, static_cast<std::uint8_t>(c), *next); });
        if (visited == 0)
        {
            return false;
        }
        if (steps != nullptr)
        {
            *steps += visited;
        }
        std::swap(now, next);
    }
    return now->has(_tokens.size());
}

} // namespace tidewire
