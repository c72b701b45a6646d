// Goes through what has vanished, entries before the folder that held them.

#pragma once

#include "agent/sync/ShareContext.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tidewire {

/// What became of one entry of the walk.
enum class DeletionStep : std::uint8_t
{
    Done, ///< it is proposed, or its deletion is on its way already
    Busy, ///< it is in other hands: its folder has to wait
};

/// A depth-first walk over the index below paths that are no longer on the disk.
///
/// Memory: one level for each folder on the way down.
/// Thread: sync.
class DeletionWalk
{
public:
    /// Proposes the deletion of one entry.
    using Propose = std::function<DeletionStep(const IndexEntry&)>;
    /// All that was below a path that stays is on its way.
    using Cleared = std::function<void(const RelativePath&)>;
    /// The folder could not be finished: somebody should look at it again.
    using PutOff = std::function<void(const RelativePath&)>;

    DeletionWalk(ShareContext& share, Propose propose, Cleared cleared, PutOff putOff);

    enum class Top : std::uint8_t
    {
        Goes,
        Stays, ///< something else is there now: only what is below goes
    };

    /// Begins with a path; what is below it comes first.
    void begin(const RelativePath& path, Top top = Top::Goes);

    /// Goes on while `hasRoom` is true.
    void run(const std::function<bool()>& hasRoom);

    [[nodiscard]] bool isIdle() const { return _levels.empty(); }

    /// Ends all walks; they are put off.
    void reset();

private:
    struct Level
    {
        RelativePath folder;
        std::string after;  ///< the name that the walk has come to
        bool waits = false; ///< something below is in other hands
        Top top = Top::Goes;
    };

    bool visitChildren();
    void finishLevel();

    ShareContext& _share;
    const Propose _propose;
    const Cleared _cleared;
    const PutOff _putOff;
    std::vector<Level> _levels; // from the top down
};

} // namespace tidewire
