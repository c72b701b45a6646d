// Addresses and names as they stand in the configuration.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire {

inline constexpr std::uint16_t kDefaultPort = 7420;

/// A host name or numeric address, and a port.
struct HostPort
{
    std::string host; ///< IPv6 without brackets
    std::uint16_t port = kDefaultPort;

    /// "host:port", "[v6]:port".
    [[nodiscard]] std::string text() const;
    friend bool operator==(const HostPort&, const HostPort&) = default;
};

/// "host", "host:port", "1.2.3.4:port", "[v6]", "[v6]:port"; without a port kDefaultPort. Nothing
/// when `text` is none of these. Names are not looked up.
[[nodiscard]] std::optional<HostPort> parseHostPort(std::string_view text);

/// Names of agents and shares: 1 to 64 bytes of A-Z a-z 0-9 . _ -, and no "." in front, so that one
/// can be the name of a folder.
[[nodiscard]] bool isPlainName(std::string_view text);

} // namespace tidewire
