// A person's word that a folder is the right one, after its marker was lost or belongs to another.

#pragma once

#include "agent/AgentConfig.h"

#include <string>

namespace tidewire {

/// Makes a new marker in the folder of the share and forgets what the index knew of it, so that the next start compares folder and relay: what
/// only one of them has comes to the other, nothing is deleted. The agent must not be running.
///
/// Errors: Error for an unknown share, or a state folder or a folder that is in use; StorageError.
void adoptFolder(const AgentConfig& config, const std::string& share);

} // namespace tidewire
