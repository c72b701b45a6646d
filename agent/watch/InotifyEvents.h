// Reads the byte stream of an inotify descriptor.

#pragma once

#include "shared/base/Bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tidewire {

/// One event of inotify(7).
struct InotifyEvent
{
    int wd = -1;
    std::uint32_t mask = 0;   ///< IN_*
    std::uint32_t cookie = 0; ///< joins IN_MOVED_FROM and IN_MOVED_TO
    std::string_view name;    ///< without its padding; borrowed from the buffer; may be empty
};

/// Splits what one read(2) returned into events.
///
/// The kernel hands out whole events only; whatever else is in the buffer ends the decoding and
/// is reported by isDamaged(), never read past.
class InotifyDecoder
{
public:
    explicit InotifyDecoder(ByteView buffer): _rest(buffer) {}

    /// The next event, or nothing at the end of the buffer.
    [[nodiscard]] std::optional<InotifyEvent> next();

    /// True when the buffer ended within an event.
    [[nodiscard]] bool isDamaged() const { return _damaged; }

private:
    ByteView _rest;
    bool _damaged = false;
};

} // namespace tidewire
