// Who may connect and what each agent may do, as relay.ini says it.

#include "relay/AgentAccess.h"

namespace tidewire {

AgentKeys agentKeysOf(const RelayConfig& config)
{
    AgentKeys keys;
    for (const auto& [name, agent] : config.agents)
    {
        keys.emplace(agent.key, name);
    }
    return keys;
}

std::vector<std::string> changedAgents(const RelayConfig& before, const RelayConfig& after)
{
    std::vector<std::string> names;
    for (const auto& [name, agent] : before.agents)
    {
        const auto found = after.agents.find(name);
        if (found == after.agents.end() || found->second != agent)
        {
            names.push_back(name);
        }
    }
    return names;
}

void ConfiguredAccess::configure(const RelayConfig& config)
{
    _rights.clear();
    for (const auto& [name, agent] : config.agents)
    {
        for (const AgentShareRight& share : agent.shares)
        {
            _rights[name][share.share] = {true, share.write};
        }
    }
}

ShareRight ConfiguredAccess::right(const std::string& agent, const std::string& share) const
{
    if (_isOpen)
    {
        return {};
    }
    constexpr ShareRight kNone{false, false};
    const auto rights = _rights.find(agent);
    if (rights == _rights.end())
    {
        return kNone;
    }
    const auto found = rights->second.find(share);
    return found == rights->second.end() ? kNone : found->second;
}

} // namespace tidewire
