// What agent.ini says, checked; every default of the agent lives here.

#pragma once

#include "agent/Modes.h"
#include "shared/daemon/Log.h"
#include "shared/net/HostPort.h"
#include "shared/net/Preamble.h"
#include "shared/noise/Keys.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tidewire {

struct AgentShareConfig
{
    std::string name;
    std::string path; ///< absolute, without "." and ".." and without "/" at the end
    ShareMode mode = ShareMode::Sync;
    WatchMode watch = WatchMode::Auto;
    std::vector<std::string> ignore; ///< patterns of gitignore(5)
    std::chrono::seconds poll{10};   ///< between two looks at what is polled
    bool specialBits = false;        ///< setuid, setgid and sticky bits are taken from others

    friend bool operator==(const AgentShareConfig&, const AgentShareConfig&) = default;
};

struct AgentConfig
{
    std::string name;  ///< of this agent, see isPlainName()
    std::string state; ///< absolute path of the state folder
    std::string key;   ///< file with the private key; looked at unless security is None
    LogLevel log = LogLevel::Info;
    HostPort relay;
    PublicKey relayKey{}; ///< of no meaning with Security::None
    Security security = Security::Noise;
    std::vector<AgentShareConfig> shares; ///< in the order of the file; at least one

    friend bool operator==(const AgentConfig&, const AgentConfig&) = default;
};

/// Reads and checks the file. Looks at the disk only to see where symbolic links in the paths of
/// shares lead, and with Noise at the key file; the folders themselves need not exist.
///
/// ConfigError with all faults.
[[nodiscard]] AgentConfig loadAgentConfig(const std::string& file);

/// As loadAgentConfig(), from text; `name` stands for the file in messages.
[[nodiscard]] AgentConfig parseAgentConfig(const std::string& name, std::string_view text);

/// `hostName` made a valid agent name: its first label, other bytes than isPlainName() allows as
/// "-"; "agent" when nothing is left.
[[nodiscard]] std::string agentNameFrom(std::string_view hostName);

} // namespace tidewire
