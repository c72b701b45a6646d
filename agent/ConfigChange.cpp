#include "agent/ConfigChange.h"

namespace tidewire {

namespace {

/// Puts the value in force back and notes the key when the two differ.
template <typename Value>
void keep(ConfigChange& change, const char* key, const Value& running, Value& wanted)
{
    if (wanted != running)
    {
        wanted = running;
        change.later.emplace_back(key);
    }
}

} // namespace

ConfigChange changeConfig(const AgentConfig& running, const AgentConfig& wanted)
{
    ConfigChange change{wanted, {}};
    AgentConfig& config = change.config;
    if (wanted.state != running.state)
    {
        config.shares = running.shares;
    }
    keep(change, "[agent] name", running.name, config.name);
    keep(change, "[agent] state", running.state, config.state);
    keep(change, "[agent] key", running.key, config.key);
    keep(change, "[relay] key", running.relayKey, config.relayKey);
    keep(change, "[relay] security", running.security, config.security);
    return change;
}

} // namespace tidewire
