// Where log lines go, in the form that the reader behind it understands.

#pragma once

#include <Poco/Message.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace tidewire {

/// How much is logged; each level holds those before it.
enum class LogLevel : std::uint8_t
{
    Error,
    Warning,
    Info,
    Debug,
};

/// The levels by the names that a configuration gives them.
inline constexpr std::array<std::pair<const char*, LogLevel>, 4> kLogLevelNames{{
    {"error", LogLevel::Error},
    {"warning", LogLevel::Warning},
    {"info", LogLevel::Info},
    {"debug", LogLevel::Debug},
}};

/// How a line begins.
enum class LogForm : std::uint8_t
{
    Dated,   ///< date and level, for people
    Journal, ///< "<N>", the priority as sd-daemon(3) has it; journald adds the date itself
};

/// Who takes the lines.
enum class LogTarget : std::uint8_t
{
    Stderr, ///< the journal with its fields when stderr is the stream that JOURNAL_STREAM names
    Syslog, ///< syslog(3), for machines without a journal
};

/// Makes all loggers of Poco::Logger write to `target`, as `program`. Once, before there are other
/// threads: they use the channel without a lock.
void setupLog(const std::string& program, LogTarget target);

/// Lets all loggers write at `level`; may be called again.
void setLogLevel(LogLevel level);

/// One line as it is written to stderr, newline included. A line goes out in one write(2).
[[nodiscard]] std::string formatLogLine(const Poco::Message& message, LogForm form);

/// `text` with its control bytes made visible, so that no text from outside can forge a line.
[[nodiscard]] std::string visibleText(const std::string& text);

/// The priority of syslog(3) for one of POCO.
[[nodiscard]] int syslogPriority(Poco::Message::Priority priority);

} // namespace tidewire
