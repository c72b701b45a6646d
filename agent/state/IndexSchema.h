// The tables of the agent's index.

#pragma once

#include <span>

namespace tidewire {

/// Migration steps for migrate(), oldest first.
[[nodiscard]] std::span<const char* const> indexSchema();

} // namespace tidewire
