// Where a share's folder really is.

#pragma once

#include <string>

namespace tidewire {

/// `root` with its symbolic links resolved. The configured path of a share may go through links;
/// nothing below it may. StorageError when it does not lead to anything.
[[nodiscard]] std::string realRoot(const std::string& root);

} // namespace tidewire
