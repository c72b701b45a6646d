// Holds the first halves of renames until the second halves come.

#pragma once

#include "agent/watch/WatchTree.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace tidewire {

/// An entry that left its place.
struct Departure
{
    WatchId watch = 0;
    RelativePath path;                  ///< where it was
    HintScope scope = HintScope::Entry; ///< Subtree for a folder
    std::unique_ptr<WatchNode> node;    ///< what was known of the folder, or null
};

/// Pairs IN_MOVED_FROM with IN_MOVED_TO by their cookie.
///
/// The halves can be torn apart: by the end of a read and by events of other processes. One
/// without the other has left the watched folders, or entered them.
class MoveTable
{
public:
    /// `until` must not be earlier than that of the call before.
    void depart(std::uint32_t cookie, SteadyTime until, Departure departure);

    /// What left under this cookie; several when a folder is watched for several shares.
    [[nodiscard]] std::vector<Departure> take(std::uint32_t cookie);

    /// What has waited for too long.
    [[nodiscard]] std::vector<Departure> takeExpired(SteadyTime now);

    /// What belongs to a share.
    [[nodiscard]] std::vector<Departure> takeOf(WatchId watch);

    /// When the next one will have waited for too long.
    [[nodiscard]] std::optional<SteadyTime> deadline() const;

private:
    std::map<std::uint32_t, std::vector<Departure>> _departures;
    std::deque<std::pair<SteadyTime, std::uint32_t>> _order; // may name cookies that were taken
};

} // namespace tidewire
