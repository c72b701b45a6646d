// What the parts of one share have in common.

#pragma once

#include "agent/Modes.h"
#include "agent/scan/IgnoreRules.h"
#include "agent/state/Index.h"
#include "agent/sync/Job.h"
#include "agent/sync/Placement.h"
#include "agent/sync/ShareLog.h"
#include "shared/base/Clock.h"
#include "shared/fs/FileSystem.h"
#include "shared/net/Lane.h"
#include "shared/wire/Messages.h"

#include <algorithm>
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

    std::string boot; ///< names this run of the system (boot_id); empty: not known

    static constexpr std::size_t kMaxRevisions = 2048;
    std::size_t maxRevisions = kMaxRevisions; ///< that wait in memory; tests make do with less
};

/// Revisions whose contents a person wrote, recorded since the filesystem was last synced.
struct Unsynced
{
    Seq lowest = 0;  ///< 0: there are none
    Seq highest = 0; ///< ever noted
    Seq later = 0;   ///< lowest since the sync that is under way began

    [[nodiscard]] bool empty() const { return lowest == 0; }

    void note(Seq seq)
    {
        lowest = lowest == 0 ? seq : std::min(lowest, seq);
        later = later == 0 ? seq : std::min(later, seq);
        highest = std::max(highest, seq);
    }

    void beginSync() { later = 0; }
    void endSync() { lowest = later; }
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
    const ShareLog log;
    const ShareOptions options;
    FileSystem& files;
    Index& index;
    const Clock& clock;
    JobRunner& jobs;
    RelayLink& relay;

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

    Unsynced unsynced{}; ///< see DurableMark

    /// A content that a person wrote is recorded as that revision.
    void noteUnsynced(Seq seq)
    {
        if (seq == 0)
        {
            return;
        }
        unsynced.note(seq);
        if (seq <= record.durable)
        {
            record.durable = seq - 1;
            index.putShare(record);
        }
    }

    /// All rows up to that seq that are not unsynced are on the medium; true when that is news. The record is not stored.
    bool raiseDurable(Seq upTo)
    {
        const Seq limit = unsynced.empty() ? upTo : std::min(upTo, unsynced.lowest - 1);
        const bool isNews = limit > record.durable;
        record.durable = std::max(record.durable, limit);
        return isNews;
    }

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
