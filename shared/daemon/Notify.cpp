// Tells the service manager how this process is doing.

#include "shared/daemon/Notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace tidewire {

namespace {

/// systemd shows one line, and a person reads no more.
constexpr std::size_t kMaxStatusBytes = 400;

/// Called from main() before there are other threads.
std::string_view environment(const char* name)
{
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? std::string_view() : std::string_view(value);
}

std::optional<std::uint64_t> number(std::string_view text)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
}

/// WATCHDOG_PID is missing in old versions; a child must not think that it is meant.
std::optional<SteadyTime> watchdogOfEnvironment()
{
    const auto microseconds = number(environment("WATCHDOG_USEC"));
    const auto process = number(environment("WATCHDOG_PID"));
    const bool isOurs = !process || *process == static_cast<std::uint64_t>(::getpid());
    if (!microseconds || *microseconds == 0 || !isOurs)
    {
        return std::nullopt;
    }
    constexpr auto kLongest = std::chrono::microseconds(std::chrono::hours(24));
    return std::chrono::microseconds(
        std::min(*microseconds, static_cast<std::uint64_t>(kLongest.count())));
}

/// A line break would begin another field.
std::string statusLine(const std::string& status)
{
    std::string line = "STATUS=" + status.substr(0, kMaxStatusBytes);
    std::replace_if(
        line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    return line;
}

} // namespace

Notify::Notify(): _address(environment("NOTIFY_SOCKET"))
{
    const bool isPath = _address.starts_with('/');
    const bool isAbstract = _address.starts_with('@') && _address.size() > 1;
    if ((!isPath && !isAbstract) || _address.size() >= sizeof(sockaddr_un::sun_path))
    {
        return;
    }
    if (isAbstract)
    {
        _address[0] = '\0';
    }
    _socket = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (_socket)
    {
        _watchdog = watchdogOfEnvironment();
    }
}

void Notify::ready(const std::string& status) const
{
    send("READY=1\n" + statusLine(status));
}

void Notify::reloading() const
{
    timespec now = {};
    static_cast<void>(::clock_gettime(CLOCK_MONOTONIC, &now));
    const auto microseconds =
        std::int64_t{now.tv_sec} * 1'000'000 + std::int64_t{now.tv_nsec} / 1000;
    send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds) +
         "\nSTATUS=reading the configuration again");
}

void Notify::stopping() const
{
    send("STOPPING=1\nSTATUS=ending");
}

void Notify::alive(const std::string& status) const
{
    send("WATCHDOG=1\n" + statusLine(status));
}

void Notify::send(const std::string& lines) const
{
    if (!_socket)
    {
        return;
    }
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::copy(_address.begin(), _address.end(), address.sun_path);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + _address.size());
    while (::sendto(_socket.get(),
                    lines.data(),
                    lines.size(),
                    MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&address),
                    length) < 0 &&
           errno == EINTR)
    {
    }
}

} // namespace tidewire
