// What a log line is about, for programs that read the journal.

#pragma once

#include <Poco/Logger.h>
#include <Poco/Message.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire {

/// Kinds of events that a person may look for. Each has a MESSAGE_ID in the journal, for good, and an
/// entry in systemd/tidewire.catalog that says what to do about it.
enum class LogEvent : std::uint8_t
{
    Other,
    // programs
    ConfigReloaded,
    ConfigRejected,
    RestartNeeded,
    // agent
    RelayConnected,
    RelayLost,
    ShareStarted,
    ShareStopped,
    ShareUpToDate,
    ShareCompared,
    ShareRefused,
    BatchDone,
    ConflictKept,
    ContentRecovered,
    PathLeftAlone,
    PathDelayed,
    WatchLimited,
    FolderUnlocked,
    // relay
    AgentConnected,
    AgentGone,
    PeerRefused,
    OpenAccess,
    StoreFailed,
    StoreDamaged,
};

inline constexpr std::size_t kLogEvents = static_cast<std::size_t>(LogEvent::StoreDamaged) + 1;

/// MESSAGE_ID of an event, 32 hexadecimal digits; empty for Other.
[[nodiscard]] std::string_view messageId(LogEvent event);

/// What a line says beside its text. Empty ones are left out.
struct LogFields
{
    LogEvent event = LogEvent::Other;
    std::string_view share{};           ///< name
    std::string_view peer{};            ///< the other side: an agent's name, or an address
    std::string_view path{};            ///< in the share, byte by byte
    std::optional<std::uint64_t> seq{}; ///< of a revision
};

/// The fields of the journal that LogFields become, and MESSAGE_ID.
inline constexpr std::array<const char*, 5> kLogFieldNames{
    "MESSAGE_ID", "TIDEWIRE_SHARE", "TIDEWIRE_PEER", "TIDEWIRE_PATH", "TIDEWIRE_SEQ"};

/// Logs `text` with its fields, which are parameters of the Poco::Message under the names of
/// kLogFieldNames. Where lines are text alone the fields do not show: `text` says all by itself.
void logWith(Poco::Logger& log,
             Poco::Message::Priority priority,
             const std::string& text,
             const LogFields& fields);

} // namespace tidewire
