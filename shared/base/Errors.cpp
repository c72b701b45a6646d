#include "shared/base/Errors.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace tidewire {

namespace {

/// Length of the valid UTF-8 sequence at the start of `text`, 0 when there is none (RFC 3629).
std::size_t utf8Length(std::string_view text)
{
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint8_t>(text[i]);
    };
    const std::uint8_t first = byte(0);
    std::size_t length = 0;
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xBF;
    if (first < 0x80)
    {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF)
    {
        length = 2;
    }
    else if (first >= 0xE0 && first <= 0xEF)
    {
        length = 3;
        low = first == 0xE0 ? 0xA0 : low;
        high = first == 0xED ? 0x9F : high;
    }
    else if (first >= 0xF0 && first <= 0xF4)
    {
        length = 4;
        low = first == 0xF0 ? 0x90 : low;
        high = first == 0xF4 ? 0x8F : high;
    }
    if (length == 0 || text.size() < length || byte(1) < low || byte(1) > high)
    {
        return 0;
    }
    for (std::size_t i = 2; i < length; ++i)
    {
        if ((byte(i) & 0xC0U) != 0x80)
        {
            return 0;
        }
    }
    return length;
}

} // namespace

StorageError::StorageError(std::string_view operation, std::string_view path, int code):
    Error(std::string(operation) + " " + printable(path) + ": " +
          std::generic_category().message(code)),
    _code(code)
{
}

bool StorageError::transient() const
{
    switch (_code)
    {
    case ENOSPC:
    case EDQUOT:
    case EAGAIN:
    case EBUSY:
    case EINTR:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ETXTBSY:
        return true;
    default:
        return false;
    }
}

void throwErrno(std::string_view operation, std::string_view path)
{
    const int code = errno;
    throw StorageError(operation, path, code);
}

std::string printable(std::string_view text)
{
    static constexpr std::array<char, 17> kHex{"0123456789abcdef"};
    std::string result;
    result.reserve(text.size());
    while (!text.empty())
    {
        const auto byte = static_cast<std::uint8_t>(text.front());
        const std::size_t length = utf8Length(text);
        // C1 controls (U+0080 to U+009F) steer terminals as well as C0 do.
        const bool control =
            byte < 0x20 || byte == 0x7F || byte == '\\' ||
            (length == 2 && byte == 0xC2 && static_cast<std::uint8_t>(text[1]) < 0xA0);
        if (length == 0 || control)
        {
            result += "\\x";
            result += kHex[byte >> 4U];
            result += kHex[byte & 15U];
            text.remove_prefix(1);
        }
        else
        {
            result += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return result;
}

} // namespace tidewire
