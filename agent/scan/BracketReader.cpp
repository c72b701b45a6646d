// The items of "[...]".

#include "agent/scan/BracketReader.h"

namespace tidewire {

namespace {

using Predicate = bool (*)(std::uint8_t);

bool isLower(std::uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

bool isUpper(std::uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

bool isAlpha(std::uint8_t c)
{
    return isLower(c) || isUpper(c);
}

bool isDigit(std::uint8_t c)
{
    return c >= '0' && c <= '9';
}

bool isAlnum(std::uint8_t c)
{
    return isAlpha(c) || isDigit(c);
}

bool isHex(std::uint8_t c)
{
    return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool isBlank(std::uint8_t c)
{
    return c == ' ' || c == '\t';
}

bool isSpace(std::uint8_t c)
{
    return isBlank(c) || c == '\n' || c == '\r'; // git's has no \v and \f
}

bool isControl(std::uint8_t c)
{
    return c < 0x20 || c == 0x7F;
}

bool isPrint(std::uint8_t c)
{
    return c >= 0x20 && c < 0x7F;
}

bool isGraph(std::uint8_t c)
{
    return isPrint(c) && c != ' ';
}

bool isPunct(std::uint8_t c)
{
    return isGraph(c) && !isAlnum(c);
}

struct NamedClass
{
    std::string_view name;
    Predicate contains;
};

// ASCII, whatever the locale.
constexpr std::array<NamedClass, 12> kClasses{{{"alnum", isAlnum},
                                               {"alpha", isAlpha},
                                               {"blank", isBlank},
                                               {"cntrl", isControl},
                                               {"digit", isDigit},
                                               {"graph", isGraph},
                                               {"lower", isLower},
                                               {"print", isPrint},
                                               {"punct", isPunct},
                                               {"space", isSpace},
                                               {"upper", isUpper},
                                               {"xdigit", isHex}}};

} // namespace

bool BracketReader::read(ByteSet& set)
{
    ++_position;
    const bool negated = at(0) == '!' || at(0) == '^';
    _position += negated ? 1U : 0U;
    do
    {
        if (!readItem(set))
        {
            return false;
        }
        ++_position;
    } while (at(0) != ']');
    if (negated)
    {
        set.invert();
    }
    return true;
}

/// The byte `ahead` of here; 0 behind the end.
std::uint8_t BracketReader::at(std::size_t ahead) const
{
    const std::size_t index = _position + ahead;
    return index < _text.size() ? static_cast<std::uint8_t>(_text[index]) : std::uint8_t{0};
}

/// The byte here, or the one that a backslash here quotes; 0 at the end.
std::uint8_t BracketReader::quoted()
{
    _position += at(0) == '\\' ? 1U : 0U;
    return at(0);
}

bool BracketReader::readItem(ByteSet& set)
{
    if (at(0) == '-' && _previous != 0 && at(1) != 0 && at(1) != ']')
    {
        ++_position;
        const std::uint8_t last = quoted();
        for (unsigned byte = _previous; byte <= last; ++byte)
        {
            set.add(static_cast<std::uint8_t>(byte));
        }
        _previous = 0;
        return last != 0;
    }
    if (at(0) == '[' && at(1) == ':')
    {
        return readClass(set);
    }
    _previous = quoted();
    set.add(_previous);
    return _previous != 0;
}

bool BracketReader::readClass(ByteSet& set)
{
    const std::size_t start = _position + 2;
    if (_close < start)
    {
        _close = _text.find(']', start);
    }
    if (_close == std::string_view::npos)
    {
        return false;
    }
    if (_close == start || _text[_close - 1] != ':')
    {
        _previous = '['; // no ":]": the "[" stands for itself
        set.add(_previous);
        return true;
    }
    const std::string_view name = _text.substr(start, _close - 1 - start);
    for (const NamedClass& one : kClasses)
    {
        if (one.name == name)
        {
            for (unsigned byte = 0; byte < 256; ++byte)
            {
                if (one.contains(static_cast<std::uint8_t>(byte)))
                {
                    set.add(static_cast<std::uint8_t>(byte));
                }
            }
            _position = _close;
            _previous = 0;
            return true;
        }
    }
    return false;
}

} // namespace tidewire
