// Who may connect and what each agent may do, as relay.ini says it.

#pragma once

#include "relay/RelayConfig.h"
#include "relay/session/RelayCore.h"

#include <map>
#include <string>
#include <vector>

namespace tidewire {

/// The agents by their public keys.
using AgentKeys = std::map<PublicKey, std::string>;

[[nodiscard]] AgentKeys agentKeysOf(const RelayConfig& config);

/// The names of agents of `before` whose section is gone or another one in `after`: their connections
/// are not what they were allowed any more.
[[nodiscard]] std::vector<std::string> changedAgents(const RelayConfig& before,
                                                     const RelayConfig& after);

/// The rights of each agent. With `security = none` nobody has proven who he is, so everybody may do
/// everything.
///
/// Thread: one.
class ConfiguredAccess: public AccessPolicy
{
public:
    explicit ConfiguredAccess(const RelayConfig& config): _isOpen(config.security == Security::None)
    {
        configure(config);
    }

    /// What security it is stays: a relay that speaks only with owners of keys never lets everybody in.
    void configure(const RelayConfig& config);

    [[nodiscard]] ShareRight right(const std::string& agent,
                                   const std::string& share) const override;

private:
    const bool _isOpen;
    std::map<std::string, std::map<std::string, ShareRight>> _rights; // by agent and share
};

} // namespace tidewire
