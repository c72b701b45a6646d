// Writes log lines to systemd's journal, with their fields.

#include "shared/daemon/JournalChannel.h"

#include "shared/daemon/Log.h"
#include "shared/daemon/LogEvent.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string_view>

namespace tidewire {

namespace {

/// A value with a line break carries its length, so that a path cannot forge a field.
void addField(std::string& datagram, std::string_view name, std::string_view value)
{
    datagram += name;
    if (value.find('\n') == std::string_view::npos)
    {
        datagram += '=';
    }
    else
    {
        datagram += '\n';
        for (unsigned shift = 0; shift < 64; shift += 8)
        {
            datagram += static_cast<char>(std::uint64_t{value.size()} >> shift & 0xFFU);
        }
    }
    datagram += value;
    datagram += '\n';
}

} // namespace

std::string journalDatagram(const Poco::Message& message, const std::string& program)
{
    std::string datagram;
    addField(datagram, "MESSAGE", visibleText(message.getText()));
    addField(datagram, "PRIORITY", std::to_string(syslogPriority(message.getPriority())));
    addField(datagram, "SYSLOG_IDENTIFIER", program);
    if (!message.getSource().empty())
    {
        addField(datagram, "TIDEWIRE_COMPONENT", message.getSource());
    }
    for (const char* name : kLogFieldNames)
    {
        if (message.has(name))
        {
            addField(datagram, name, message.get(name));
        }
    }
    return datagram;
}

Poco::AutoPtr<JournalChannel> JournalChannel::open(const std::string& program,
                                                   const std::string& path)
{
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
    {
        return {};
    }
    std::copy(path.begin(), path.end(), address.sun_path);
    UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    {
        return {};
    }
    return new JournalChannel(program, std::move(socket));
}

void JournalChannel::log(const Poco::Message& message)
{
    const std::string datagram = journalDatagram(message, _program);
    ssize_t sent = 0;
    do
    {
        sent = ::send(_socket.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
    {
        // journald was restarted and has a new socket, or the line is too long for a datagram.
        const std::string line = formatLogLine(message, LogForm::Journal);
        static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
    }
}

} // namespace tidewire
