// What relay.ini says, checked.

#include "relay/RelayConfig.h"

#include "shared/base/Errors.h"
#include "shared/daemon/IniFile.h"
#include "shared/noise/KeyFile.h"

#include <arpa/inet.h>

#include <algorithm>

namespace tidewire {

namespace {

constexpr std::chrono::hours kShortestHistory{0};
constexpr std::chrono::hours kShortestTombstones{24};
constexpr std::chrono::hours kLongest{24 * 3650};

const char* const kNameRule = "a name has 1 to 64 of A-Z a-z 0-9 . _ - and no \".\" in front";

RetentionConfig
readRetention(IniFile& ini, const std::string& section, const RetentionConfig& fallback)
{
    RetentionConfig retention;
    retention.history =
        ini.duration(section, "history", fallback.history, kShortestHistory, kLongest);
    retention.tombstones =
        ini.duration(section, "tombstones", fallback.tombstones, kShortestTombstones, kLongest);
    if (retention.tombstones < retention.history)
    {
        ini.fault(section, "tombstones", "is shorter than history");
    }
    return retention;
}

std::vector<HostPort> readListen(IniFile& ini)
{
    std::vector<HostPort> addresses;
    if (!ini.has("relay", "listen"))
    {
        addresses.push_back({"0.0.0.0", kDefaultPort});
    }
    for (const std::string& text : ini.list("relay", "listen"))
    {
        const auto address = parseHostPort(text);
        if (!address)
        {
            ini.fault("relay",
                      "listen",
                      printable(text) + " is not ADDRESS:PORT (an IPv6 address goes in brackets)");
        }
        else if (std::find(addresses.begin(), addresses.end(), *address) != addresses.end())
        {
            ini.fault("relay", "listen", printable(text) + " stands there twice");
        }
        else
        {
            addresses.push_back(*address);
        }
    }
    return addresses;
}

void readAgent(IniFile& ini, const std::string& name, RelayConfig& config)
{
    const std::string section = "agent." + name;
    if (!isPlainName(name))
    {
        ini.fault(section, kNameRule);
    }
    AgentEntryConfig& agent = config.agents[name];
    const std::string key = ini.required(section, "key");
    const auto parsed = parsePublicKey(key);
    agent.key = parsed.value_or(PublicKey{});
    if (!parsed && !key.empty())
    {
        ini.fault(section,
                  "key",
                  printable(key) + " is no public key; the agent's is what this prints: tidewire "
                                   "pubkey < agent.key");
    }
    for (const std::string& item : ini.list(section, "shares"))
    {
        const std::size_t colon = item.find(':');
        const std::string share = item.substr(0, colon);
        const bool readOnly = colon != std::string::npos && item.substr(colon) == ":ro";
        if (!isPlainName(share) || (colon != std::string::npos && !readOnly))
        {
            ini.fault(section, "shares", printable(item) + " is not SHARE or SHARE:ro");
            continue;
        }
        if (!config.shares.contains(share))
        {
            ini.fault(section, "shares", "there is no section [share." + share + "]");
        }
        if (std::any_of(agent.shares.begin(), agent.shares.end(), [&](const auto& other) {
                return other.share == share;
            }))
        {
            ini.fault(section, "shares", printable(share) + " stands there twice");
            continue;
        }
        agent.shares.push_back({share, !readOnly});
    }
    for (const auto& [other, entry] : config.agents)
    {
        if (other != name && parsed && entry.key == agent.key)
        {
            ini.fault(section, "key", "is the key of [agent." + other + "] too");
        }
    }
}

void checkKeyFile(IniFile& ini, const std::string& file)
{
    if (file.empty())
    {
        return; // was told already
    }
    try
    {
        static_cast<void>(readKeyFile(file));
    }
    catch (const Error& error)
    {
        ini.fault("relay",
                  "key",
                  std::string(error.what()) +
                      "; or write \"security = none\", here and in every agent.ini, to send "
                      "everything unencrypted");
    }
}

RelayConfig read(IniFile ini)
{
    RelayConfig config;
    config.listen = readListen(ini);
    config.state = ini.path("relay", "state", "/var/lib/tidewire-relay");
    config.key = ini.path("relay", "key", "/etc/tidewire/relay.key");
    config.log = ini.choice<LogLevel>("relay", "log", config.log, kLogLevelNames);
    config.security = ini.choice<Security>("relay", "security", config.security, kSecurityNames);
    if (config.security == Security::Noise)
    {
        checkKeyFile(ini, config.key);
    }
    config.retention = readRetention(ini, "relay", config.retention);
    for (const std::string& name : ini.sectionsWith("share."))
    {
        if (!isPlainName(name))
        {
            ini.fault("share." + name, kNameRule);
        }
        config.shares[name] = readRetention(ini, "share." + name, config.retention);
    }
    for (const std::string& name : ini.sectionsWith("agent."))
    {
        readAgent(ini, name, config);
    }
    ini.finish();
    return config;
}

} // namespace

RelayConfig loadRelayConfig(const std::string& file)
{
    return read(IniFile::load(file));
}

RelayConfig parseRelayConfig(const std::string& name, std::string_view text)
{
    return read(IniFile(name, text));
}

bool isLoopback(const HostPort& address)
{
    in_addr v4{};
    in6_addr v6{};
    if (::inet_pton(AF_INET, address.host.c_str(), &v4) == 1)
    {
        return (ntohl(v4.s_addr) >> 24U) == 127;
    }
    if (::inet_pton(AF_INET6, address.host.c_str(), &v6) == 1)
    {
        return IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return address.host == "localhost";
}

} // namespace tidewire
