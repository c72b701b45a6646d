// Which frames operations read.

#pragma once

#include "shared/model/Entry.h"

#include <optional>
#include <vector>

namespace tidewire {

/// The frames that `ops` name, each once; nothing when they are more than a window takes.
[[nodiscard]] std::optional<std::vector<FrameId>> namedFrames(const Delta& ops);

/// Adds those of `more` that `frames` does not have.
void addMissing(std::vector<FrameId>& frames, const std::vector<FrameId>& more);

} // namespace tidewire
