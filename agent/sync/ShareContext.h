// What the parts of one share have in common.

#pragma once

#include "agent/Modes.h"
#include "agent/scan/IgnoreRules.h"
#include "agent/state/Index.h"
#include "agent/sync/Job.h"
#include "agent/sync/Placement.h"
#include "shared/base/Clock.h"
#include "shared/fs/FileSystem.h"
#include "shared/net/Lane.h"
#include "shared/wire/Messages.h"

#include <Poco/Logger.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// A share as configured.
struct ShareOptions
{
    std::string name;
    std::string agent; ///< our own name, for conflict copies
    ShareMode mode = ShareMode::Sync;
    ModePolicy modes;
    std::vector<std::string> ignore; ///< patterns of the INI file

    static constexpr std::size_t kMaxRevisions = 2048;
    std::size_t maxRevisions = kMaxRevisions; ///< that wait in memory; tests make do with less
};

/// How messages go out.
class RelayLink
{
public:
    virtual ~RelayLink() = default;
    virtual void send(const Message& message, Lane lane) = 0;
};

/// Borrowed by all parts of one share; they live on the sync thread.
struct ShareContext
{
    const ShareOptions options;
    FileSystem& files;
    Index& index;
    const Clock& clock;
    JobRunner& jobs;
    RelayLink& relay;
    Poco::Logger& log;

    ShareRecord record;
    IgnoreRules rules;
    std::uint64_t device = 0; ///< of the root
    ShareNumber number = 0;   ///< on this connection
    bool online = false;      ///< the relay has welcomed the share
    bool live = false;        ///< and has told all that it has
    bool readOnly = false;    ///< the relay takes nothing from us

    /// While a full list of heads is compared (RESET) the record keeps the old cursor and
    /// incarnation, so that a comparison which is cut off begins anew; this is what it gets then.
    struct Comparison
    {
        std::array<std::uint8_t, 16> incarnation{};
        Seq cursor = 0;
        std::uint64_t tag = 0;
    };
    std::optional<Comparison> comparison;

    [[nodiscard]] bool mayPropose() const
    {
        return live && !readOnly && options.mode != ShareMode::Receive;
    }

    /// A local change is not, or never, going to be proposed.
    [[nodiscard]] bool onlyReceives() const
    {
        return options.mode == ShareMode::Receive || readOnly;
    }
};

} // namespace tidewire
