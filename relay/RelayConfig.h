// What relay.ini says, checked; every default of the relay lives here.

#pragma once

#include "shared/daemon/Log.h"
#include "shared/net/HostPort.h"
#include "shared/net/Preamble.h"
#include "shared/noise/Keys.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire {

/// How long a share remembers.
struct RetentionConfig
{
    std::chrono::seconds history = std::chrono::hours(24 * 30); ///< replaced revisions
    std::chrono::seconds tombstones =
        std::chrono::hours(24 * 90); ///< deletions; at least `history`

    friend bool operator==(const RetentionConfig&, const RetentionConfig&) = default;
};

/// A share that an agent may use.
struct AgentShareRight
{
    std::string share;
    bool write = true;

    friend bool operator==(const AgentShareRight&, const AgentShareRight&) = default;
};

struct AgentEntryConfig
{
    PublicKey key{};
    std::vector<AgentShareRight> shares;

    friend bool operator==(const AgentEntryConfig&, const AgentEntryConfig&) = default;
};

struct RelayConfig
{
    std::vector<HostPort> listen; ///< at least one
    std::string state;            ///< absolute path of the state folder
    std::string key;              ///< file with the private key; looked at unless security is None
    LogLevel log = LogLevel::Info;
    Security security = Security::Noise;
    RetentionConfig retention;                      ///< of shares that are not listed
    std::map<std::string, RetentionConfig> shares;  ///< by name
    std::map<std::string, AgentEntryConfig> agents; ///< by name

    friend bool operator==(const RelayConfig&, const RelayConfig&) = default;
};

/// Reads and checks the file, and with Noise the key file. ConfigError with all faults.
[[nodiscard]] RelayConfig loadRelayConfig(const std::string& file);

/// As loadRelayConfig(), from text; `name` stands for the file in messages.
[[nodiscard]] RelayConfig parseRelayConfig(const std::string& name, std::string_view text);

/// True when only this machine can reach the address: 127.0.0.0/8, ::1, localhost.
[[nodiscard]] bool isLoopback(const HostPort& address);

} // namespace tidewire
