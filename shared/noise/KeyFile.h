// Files with a private key, and who may read them.

#pragma once

#include "shared/noise/Keys.h"

#include <string>

namespace tidewire {

/// Reads the file that `tidewire genkey` makes: one key as base64, blanks around it do not count.
///
/// Error with one line for people, which says how to mend it, when there is no such file, when it is
/// no regular file, when anybody but its owner may read or write it, when its owner is neither this
/// user nor root, or when it holds no key. The line holds nothing of what the file holds.
[[nodiscard]] KeyPair readKeyFile(const std::string& path);

} // namespace tidewire
