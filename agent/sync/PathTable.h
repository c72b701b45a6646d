// Which paths are being worked on, so that no path is in two hands.

#pragma once

#include "shared/fs/RelativePath.h"

#include <cstddef>
#include <unordered_map>

namespace tidewire {

/// Paths that are held: read, proposed, or changed on the disk right now.
///
/// Memory: bounded by who holds; see Uplink::hasRoom() and Downlink.
class PathTable
{
public:
    /// False when somebody holds the path already; it is then remembered that it changed again.
    bool tryHold(const RelativePath& path)
    {
        const auto [place, isNew] = _held.try_emplace(path, false);
        place->second = place->second || !isNew;
        return isNew;
    }

    /// Remembers that a held path changed; false when nobody holds it.
    bool touch(const RelativePath& path)
    {
        const auto found = _held.find(path);
        if (found == _held.end())
        {
            return false;
        }
        found->second = true;
        return true;
    }

    [[nodiscard]] bool isHeld(const RelativePath& path) const { return _held.contains(path); }

    /// True when the path changed while it was held.
    bool release(const RelativePath& path)
    {
        const auto node = _held.extract(path);
        return !node.empty() && node.mapped();
    }

    [[nodiscard]] std::size_t size() const { return _held.size(); }

private:
    std::unordered_map<RelativePath, bool> _held; // value: changed meanwhile
};

} // namespace tidewire
