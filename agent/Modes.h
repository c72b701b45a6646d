// The choices that a share has in agent.ini.

#pragma once

#include <cstdint>

namespace tidewire {

/// Which way changes of a share go, seen from this agent.
enum class ShareMode : std::uint8_t
{
    Sync,    ///< both ways
    Send,    ///< local changes go out, nothing of the others is taken
    Receive, ///< the changes of others come in, local ones stay local
};

/// How changes of a share are noticed.
enum class WatchMode : std::uint8_t
{
    Auto,   ///< Native, or Poll where the filesystem does not tell about other writers
    Native, ///< inotify
    Poll,   ///< looking at everything by turns
};

} // namespace tidewire
