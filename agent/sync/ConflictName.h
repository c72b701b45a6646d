// Names for the copies that are kept when two sides changed a file.

#pragma once

#include "shared/fs/RelativePath.h"

#include <cstdint>
#include <string_view>

namespace tidewire {

/// `NAME.conflict-YYYYMMDD-HHMMSS-AGENT.EXT` beside `path`, at most kMaxNameBytes long: a name that is too long loses
/// bytes before ".conflict", on a boundary of UTF-8 where it is UTF-8.
///
/// `wallSeconds` is UTC and only decorates. `attempt` 0 gives the plain name, higher ones add "-2", "-3", … after AGENT.
/// A leading dot does not begin an extension. When even the folder leaves no room for the name it goes to the root.
[[nodiscard]] RelativePath conflictName(const RelativePath& path,
                                        std::int64_t wallSeconds,
                                        std::string_view agent,
                                        unsigned attempt);

} // namespace tidewire
