// What agent.ini says, checked.

#include "agent/AgentConfig.h"

#include "shared/base/Errors.h"
#include "shared/daemon/IniFile.h"
#include "shared/noise/KeyFile.h"
#include "shared/wire/Messages.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

namespace tidewire {

namespace {

constexpr std::array<std::pair<const char*, ShareMode>, 3> kModes{{
    {"sync", ShareMode::Sync},
    {"send", ShareMode::Send},
    {"receive", ShareMode::Receive},
}};

constexpr std::array<std::pair<const char*, WatchMode>, 3> kWatches{{
    {"auto", WatchMode::Auto},
    {"native", WatchMode::Native},
    {"poll", WatchMode::Poll},
}};

constexpr std::chrono::seconds kDefaultPoll{10};
constexpr std::chrono::hours kLongestPoll{24};

std::string hostName()
{
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

/// Where `path` leads when the symbolic links on the way are followed, as far as it exists.
std::filesystem::path resolved(const std::string& path)
{
    std::error_code error;
    std::filesystem::path result = std::filesystem::weakly_canonical(path, error);
    return error ? std::filesystem::path(path) : result;
}

bool isWithin(const std::filesystem::path& inner, const std::filesystem::path& outer)
{
    const auto ends = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
    return ends.first == outer.end();
}

bool overlap(const std::filesystem::path& one, const std::filesystem::path& other)
{
    // Either may be the outer one.
    return isWithin(one, other) ||
           isWithin(other, one); // NOLINT(readability-suspicious-call-argument)
}

/// Two shares in one tree would send each other's files around, and a share that holds the state
/// would send the index while it is written.
void checkPlaces(IniFile& ini, const AgentConfig& config)
{
    std::vector<std::pair<std::string, std::filesystem::path>> places;
    if (!config.state.empty())
    {
        places.emplace_back("the state folder", resolved(config.state));
    }
    for (const AgentShareConfig& share : config.shares)
    {
        if (share.path.empty())
        {
            continue;
        }
        const std::filesystem::path place = resolved(share.path);
        for (const auto& [what, other] : places)
        {
            if (overlap(place, other))
            {
                ini.fault("share." + share.name,
                          "path",
                          printable(share.path) + " and " + what + " (" +
                              printable(other.string()) + ") are one inside the other");
            }
        }
        places.emplace_back("the folder of [share." + share.name + "]", place);
    }
}

AgentShareConfig readShare(IniFile& ini, const std::string& name, std::chrono::seconds poll)
{
    const std::string section = "share." + name;
    AgentShareConfig share;
    share.name = name;
    if (!isPlainName(name))
    {
        ini.fault(section, "a share's name has 1 to 64 of A-Z a-z 0-9 . _ - and no \".\" in front");
    }
    share.path = ini.requiredPath(section, "path");
    share.mode = ini.choice<ShareMode>(section, "mode", share.mode, kModes);
    share.watch = ini.choice<WatchMode>(section, "watch", share.watch, kWatches);
    share.ignore = ini.list(section, "ignore");
    share.poll = ini.duration(section, "poll", poll, std::chrono::seconds(1), kLongestPoll);
    share.specialBits = ini.boolean(section, "special_bits", share.specialBits);
    return share;
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
        ini.fault("agent", "key", error.what());
    }
}

void readRelay(IniFile& ini, AgentConfig& config)
{
    const std::string address = ini.required("relay", "address");
    if (const auto parsed = parseHostPort(address))
    {
        config.relay = *parsed;
    }
    else if (!address.empty())
    {
        ini.fault("relay",
                  "address",
                  printable(address) + " is not HOST:PORT (an IPv6 address goes in brackets)");
    }
    config.security = ini.choice<Security>("relay", "security", config.security, kSecurityNames);
    if (ini.has("relay", "key"))
    {
        const std::string key = ini.required("relay", "key");
        const auto parsed = parsePublicKey(key);
        config.relayKey = parsed.value_or(PublicKey{});
        if (!parsed && !key.empty())
        {
            ini.fault("relay",
                      "key",
                      printable(key) + " is no public key; the relay's is what this prints there: "
                                       "tidewire pubkey < relay.key");
        }
    }
    else if (config.security == Security::Noise)
    {
        ini.fault("relay",
                  "key",
                  "is missing: the public key of the relay goes here, which this prints there: "
                  "tidewire pubkey < relay.key; or write \"security = none\", here and in "
                  "relay.ini, to send everything unencrypted");
    }
    if (config.security == Security::Noise)
    {
        checkKeyFile(ini, config.key);
    }
}

AgentConfig read(IniFile ini)
{
    AgentConfig config;
    config.name = ini.text("agent", "name", agentNameFrom(hostName()));
    if (!isPlainName(config.name))
    {
        ini.fault("agent",
                  "name",
                  "an agent's name has 1 to 64 of A-Z a-z 0-9 . _ - and no \".\" in front");
    }
    config.state = ini.path("agent", "state", "/var/lib/tidewire-agent");
    config.key = ini.path("agent", "key", "/etc/tidewire/agent.key");
    config.log = ini.choice<LogLevel>("agent", "log", config.log, kLogLevelNames);
    const auto poll =
        ini.duration("agent", "poll", kDefaultPoll, std::chrono::seconds(1), kLongestPoll);
    readRelay(ini, config);
    for (const std::string& name : ini.sectionsWith("share."))
    {
        config.shares.push_back(readShare(ini, name, poll));
    }
    if (config.shares.empty())
    {
        ini.fault("share.NAME", "there is no such section: nothing is to be synchronised");
    }
    if (config.shares.size() > kMaxShares)
    {
        ini.fault("share.NAME", "there are more than " + std::to_string(kMaxShares) + " shares");
    }
    checkPlaces(ini, config);
    ini.finish();
    return config;
}

} // namespace

AgentConfig loadAgentConfig(const std::string& file)
{
    return read(IniFile::load(file));
}

AgentConfig parseAgentConfig(const std::string& name, std::string_view text)
{
    return read(IniFile(name, text));
}

std::string agentNameFrom(std::string_view hostName)
{
    std::string name(hostName.substr(0, hostName.find('.')).substr(0, kMaxAgentNameBytes));
    for (char& c : name)
    {
        if (!isPlainName({&c, 1}))
        {
            c = '-';
        }
    }
    return name.empty() ? "agent" : name;
}

} // namespace tidewire
