// What a log line is about, for programs that read the journal.

#include "shared/daemon/LogEvent.h"

namespace tidewire {

namespace {

/// In the order of LogEvent. Never changed: people's filters and the catalogue name them.
constexpr std::array<std::string_view, kLogEvents> kMessageIds{
    "",                                 // Other
    "764a57dec6994b8da11a05d557e12055", // ConfigReloaded
    "900d63898aed434fad551a502c11fec3", // ConfigRejected
    "bac3e19095f245beafd328c6113ba337", // RestartNeeded
    "7f0659b8d23a4f3b9e268478fe067901", // RelayConnected
    "334344a5ad2042929f797b65d6a0727f", // RelayLost
    "827240257bb34f4f808eb8be0b7dcfde", // ShareStarted
    "e429f9bbeadc46a0b61cabc93e12924f", // ShareStopped
    "6c67a1a29e7c4d66ab108234a84735a8", // ShareUpToDate
    "89bc4ed9995b4665ab0da9570f7c293d", // ShareCompared
    "180c200d0dfb46ab9e1a5f548a21b77d", // ShareRefused
    "f7287a11de1743a19578d32d2787b8ec", // BatchDone
    "87d18d5f345147368c52cde8a1650ac2", // ConflictKept
    "7ba03a40f61342a08d45c0f3d0fdef3c", // ContentRecovered
    "8485c0fe2bbe4df6855cc44b8c9367a8", // PathLeftAlone
    "2dd00d6ec868449d81fbcb00b03dcb76", // PathDelayed
    "b11906d545cf4f1a9d21032f65e9b9e6", // WatchLimited
    "b25e2a9cfdf74ba7bb7476113e74f80f", // FolderUnlocked
    "13280846d95141319a690a7f1fe01208", // AgentConnected
    "cef315729b48454894d7b2de639d5d99", // AgentGone
    "a371bcfc66ee4c6795b516829458278f", // PeerRefused
    "c21c82b34c6c490480621cd7819ed0c6", // OpenAccess
    "55be86b6aa7048b0b897a3085c7e7134", // StoreFailed
    "c4687ffc19eb4bc7b5724c708a374f75", // StoreDamaged
};

void setUnlessEmpty(Poco::Message& message, const char* name, std::string_view value)
{
    if (!value.empty())
    {
        message.set(name, std::string(value));
    }
}

} // namespace

std::string_view messageId(LogEvent event)
{
    return kMessageIds.at(static_cast<std::size_t>(event));
}

void logWith(Poco::Logger& log,
             Poco::Message::Priority priority,
             const std::string& text,
             const LogFields& fields)
{
    if (!log.is(priority))
    {
        return;
    }
    Poco::Message message(log.name(), text, priority);
    setUnlessEmpty(message, "MESSAGE_ID", messageId(fields.event));
    setUnlessEmpty(message, "TIDEWIRE_SHARE", fields.share);
    setUnlessEmpty(message, "TIDEWIRE_PEER", fields.peer);
    setUnlessEmpty(message, "TIDEWIRE_PATH", fields.path);
    if (fields.seq)
    {
        message.set("TIDEWIRE_SEQ", std::to_string(*fields.seq));
    }
    log.log(message);
}

} // namespace tidewire
