// Reads the byte stream of an inotify descriptor.

#include "agent/watch/InotifyEvents.h"

#include <sys/inotify.h>

#include <cstring>

namespace tidewire {

std::optional<InotifyEvent> InotifyDecoder::next()
{
    if (_rest.empty())
    {
        return std::nullopt;
    }
    // Copied out: nothing promises that a view handed to us is aligned.
    inotify_event header{};
    if (_rest.size() < sizeof header)
    {
        _damaged = true;
        _rest = {};
        return std::nullopt;
    }
    std::memcpy(&header, _rest.data(), sizeof header);
    _rest = _rest.subspan(sizeof header);
    if (header.len > _rest.size())
    {
        _damaged = true;
        _rest = {};
        return std::nullopt;
    }
    const std::string_view padded = asText(_rest.first(header.len));
    _rest = _rest.subspan(header.len);
    return InotifyEvent{header.wd, header.mask, header.cookie, padded.substr(0, padded.find('\0'))};
}

} // namespace tidewire
