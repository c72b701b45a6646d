// Tells the service manager how this process is doing.

#pragma once

#include "shared/base/Clock.h"
#include "shared/base/UniqueFd.h"

#include <optional>
#include <string>
#include <string_view>

namespace tidewire {

/// The protocol of sd_notify(3): datagrams of "NAME=value" lines to the socket that NOTIFY_SOCKET names.
/// It is small enough to need no library, and silent where there is no service manager.
///
/// What cannot be sent is dropped: the manager has time-outs of its own.
///
/// Thread: any; constant after construction.
class Notify
{
public:
    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. Before there are other threads.
    Notify();

    /// True when somebody listens.
    [[nodiscard]] bool isHeard() const { return static_cast<bool>(_socket); }

    /// Time without alive() after which the manager ends this process (WatchdogSec=); nothing when
    /// it does not watch.
    [[nodiscard]] std::optional<SteadyTime> watchdog() const { return _watchdog; }

    /// The start, or a reload, is done. `status`: what the process does now, in words.
    void ready(const std::string& status) const;

    /// A reload begins; ready() follows.
    void reloading() const;

    /// The end begins.
    void stopping() const;

    /// All threads that do the work still get around. `status` as for ready().
    void alive(const std::string& status) const;

private:
    void send(const std::string& lines) const;

    std::string _address; // as sockaddr_un::sun_path holds it
    UniqueFd _socket;
    std::optional<SteadyTime> _watchdog;
};

} // namespace tidewire
