// The log of one share.

#pragma once

#include "shared/daemon/LogEvent.h"

#include <Poco/Logger.h>

#include <string>
#include <utility>

namespace tidewire {

/// A logger that names the share in the fields of each line.
///
/// Thread: as Poco::Logger.
class ShareLog
{
public:
    /// Borrows `log`.
    ShareLog(Poco::Logger& log, std::string share): _log(log), _share(std::move(share)) {}

    void error(const std::string& text, const LogFields& fields = {}) const
    {
        write(Poco::Message::PRIO_ERROR, text, fields);
    }
    void warning(const std::string& text, const LogFields& fields = {}) const
    {
        write(Poco::Message::PRIO_WARNING, text, fields);
    }
    void information(const std::string& text, const LogFields& fields = {}) const
    {
        write(Poco::Message::PRIO_INFORMATION, text, fields);
    }
    void debug(const std::string& text, const LogFields& fields = {}) const
    {
        write(Poco::Message::PRIO_DEBUG, text, fields);
    }

    /// True when debug() writes: the text need not be made otherwise.
    [[nodiscard]] bool debug() const { return _log.debug(); }

private:
    void write(Poco::Message::Priority priority, const std::string& text, LogFields fields) const
    {
        fields.share = _share;
        logWith(_log, priority, text, fields);
    }

    Poco::Logger& _log;
    std::string _share;
};

} // namespace tidewire
