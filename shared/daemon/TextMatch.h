// Small text functions of the configuration and the command line: blanks, and the nearest name.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidewire {

[[nodiscard]] constexpr bool isBlank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/// `text` without blanks at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// The one of `known` that is nearest to `name` by edit distance (Levenshtein), when it is near
/// enough to be what was meant; else empty.
[[nodiscard]] std::string nearest(std::string_view name, const std::vector<std::string>& known);

/// " (did you mean X?)", or nothing.
[[nodiscard]] std::string suggestion(std::string_view name, const std::vector<std::string>& known);

} // namespace tidewire
