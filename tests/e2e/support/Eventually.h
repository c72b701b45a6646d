// Waiting for a condition of the outside world, with a deadline that only matters when it fails.

#pragma once

#include <chrono>
#include <functional>

namespace tidewire::e2e {

/// The programs run under a sanitizer: they are several times slower and larger.
#ifdef TIDEWIRE_SANITIZED
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

/// The programs run under a sanitizer or an emulator: they are several times slower.
#if defined(TIDEWIRE_EMULATED)
inline constexpr bool kIsSlow = true;
#else
inline constexpr bool kIsSlow = kIsSanitized;
#endif

/// How long a condition may take before a test gives up; longer where the programs are slow.
[[nodiscard]] std::chrono::milliseconds defaultDeadline();

/// Asks `condition` every few milliseconds until it is true; false when the deadline has passed.
[[nodiscard]] bool eventually(const std::function<bool()>& condition,
                              std::chrono::milliseconds deadline = defaultDeadline());

} // namespace tidewire::e2e
