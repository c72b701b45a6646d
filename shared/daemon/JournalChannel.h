// Writes log lines to systemd's journal, with their fields.

#pragma once

#include "shared/base/UniqueFd.h"

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>
#include <Poco/Message.h>

#include <string>

namespace tidewire {

/// The datagram for one line: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, TIDEWIRE_COMPONENT (the logger) and
/// the fields of LogFields, as https://systemd.io/JOURNAL_NATIVE_PROTOCOL has them.
[[nodiscard]] std::string journalDatagram(const Poco::Message& message, const std::string& program);

/// Sends each line to journald's socket. What the socket does not take goes to stderr, in the form for
/// the journal.
///
/// Thread: any.
class JournalChannel: public Poco::Channel
{
public:
    static constexpr const char* kSocket = "/run/systemd/journal/socket";

    /// Connects to the journal's socket at `path`; nothing when there is none.
    [[nodiscard]] static Poco::AutoPtr<JournalChannel> open(const std::string& program,
                                                            const std::string& path = kSocket);

    void log(const Poco::Message& message) override;

private:
    JournalChannel(std::string program, UniqueFd socket):
        _program(std::move(program)),
        _socket(std::move(socket))
    {
    }

    const std::string _program;
    const UniqueFd _socket;
};

} // namespace tidewire
