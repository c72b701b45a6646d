// Addresses and names as they stand in the configuration.

#include "shared/net/HostPort.h"

#include "shared/wire/Messages.h"

#include <algorithm>
#include <charconv>

namespace tidewire {

namespace {

/// RFC 1035: a host name has at most 253 bytes.
constexpr std::size_t kMaxHostBytes = 253;

bool isAlphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool isNameByte(char c)
{
    return isAlphanumeric(c) || c == '.' || c == '_' || c == '-';
}

/// Hex digits, colons, dots, and "%eth0" behind a link-local address.
bool isAddressByte(char c)
{
    return isNameByte(c) || c == ':' || c == '%';
}

std::optional<std::uint16_t> parsePort(std::string_view text)
{
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    return error == std::errc{} && stop == end && port != 0 ? std::optional(port) : std::nullopt;
}

} // namespace

std::string HostPort::text() const
{
    const bool isV6 = host.find(':') != std::string::npos;
    return (isV6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<HostPort> parseHostPort(std::string_view text)
{
    HostPort result;
    std::string_view host = text;
    std::string_view rest;
    bool isAddress = false;
    if (text.starts_with('['))
    {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos)
        {
            return std::nullopt;
        }
        host = text.substr(1, end - 1);
        rest = text.substr(end + 1);
        isAddress = true;
    }
    else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos)
    {
        host = text.substr(0, colon);
        rest = text.substr(colon);
    }
    if (!rest.empty())
    {
        const auto port = rest.front() == ':' ? parsePort(rest.substr(1)) : std::nullopt;
        if (!port)
        {
            return std::nullopt;
        }
        result.port = *port;
    }
    if (host.empty() || host.size() > kMaxHostBytes ||
        !std::all_of(host.begin(), host.end(), isAddress ? isAddressByte : isNameByte))
    {
        return std::nullopt;
    }
    result.host = host;
    return result;
}

bool isPlainName(std::string_view text)
{
    return !text.empty() && text.size() <= kMaxShareNameBytes && text.front() != '.' &&
           std::all_of(text.begin(), text.end(), isNameByte);
}

static_assert(kMaxAgentNameBytes == kMaxShareNameBytes, "isPlainName() serves both");

} // namespace tidewire
