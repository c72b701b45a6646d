// Where log lines go: stderr, in the form that the reader behind it understands.

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

/// Makes all loggers of Poco::Logger write to stderr at `level`; may be called again.
///
/// The form is Journal when stderr is the stream that JOURNAL_STREAM names, else Dated. A line goes
/// out in one write(2).
void setupLog(LogLevel level);

/// One line as it is written, newline included. Control bytes are made visible, so that no text
/// from outside can forge a line.
[[nodiscard]] std::string formatLogLine(const Poco::Message& message, LogForm form);

} // namespace tidewire
