// Holds the first halves of renames until the second halves come.

#include "agent/watch/MoveTable.h"

#include <algorithm>
#include <iterator>

namespace tidewire {

void MoveTable::depart(std::uint32_t cookie, SteadyTime until, Departure departure)
{
    _departures[cookie].push_back(std::move(departure));
    _order.emplace_back(until, cookie);
}

std::vector<Departure> MoveTable::take(std::uint32_t cookie)
{
    const auto found = _departures.find(cookie);
    if (found == _departures.end())
    {
        return {};
    }
    std::vector<Departure> taken = std::move(found->second);
    _departures.erase(found);
    // Usually the pair is complete at once and leaves nothing to wait for.
    while (!_order.empty() && !_departures.contains(_order.front().second))
    {
        _order.pop_front();
    }
    return taken;
}

std::vector<Departure> MoveTable::takeExpired(SteadyTime now)
{
    std::vector<Departure> expired;
    while (!_order.empty() && _order.front().first <= now)
    {
        const std::uint32_t cookie = _order.front().second;
        _order.pop_front();
        std::ranges::move(take(cookie), std::back_inserter(expired));
    }
    return expired;
}

std::vector<Departure> MoveTable::takeOf(WatchId watch)
{
    std::vector<Departure> taken;
    for (auto& [cookie, departures] : _departures)
    {
        const auto kept = std::stable_partition(
            departures.begin(), departures.end(), [&](const Departure& departure) {
                return departure.watch != watch;
            });
        std::move(kept, departures.end(), std::back_inserter(taken));
        departures.erase(kept, departures.end());
    }
    return taken;
}

std::optional<SteadyTime> MoveTable::deadline() const
{
    return _order.empty() ? std::nullopt : std::optional(_order.front().first);
}

} // namespace tidewire
