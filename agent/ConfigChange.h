// What a running agent takes over of a configuration that was read again.

#pragma once

#include "agent/AgentConfig.h"

#include <string>
#include <vector>

namespace tidewire {

struct ConfigChange
{
    AgentConfig config; ///< what is in force from now on

    /// Keys whose new values take a restart, as "[section] key".
    std::vector<std::string> later;
};

/// The relay's address, the shares and the level of the log are taken over at once. Name, state folder and keys are what everything else was
/// built with: they stay. With another state folder the shares stay as well, for they were checked against that one.
[[nodiscard]] ConfigChange changeConfig(const AgentConfig& running, const AgentConfig& wanted);

} // namespace tidewire
