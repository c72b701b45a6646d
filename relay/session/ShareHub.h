// The shares that sessions have opened: one store and one open batch each.

#pragma once

#include "relay/session/ShareWriter.h"

#include <map>
#include <memory>
#include <string>

namespace tidewire {

/// One share as all sessions see it.
struct ShareHub
{
    ShareHub(Store& theStore, const std::string& share, const Clock& clock):
        name(share),
        store(theStore),
        writer(theStore, share, clock)
    {
    }

    const std::string name;
    Store& store;
    ShareWriter writer;
    SteadyTime upkeepAfter{}; ///< after a failure
};

/// Opens shares on first use.
///
/// Ownership: borrows the provider and the clock.
class ShareHubs
{
public:
    using Map = std::map<std::string, std::unique_ptr<ShareHub>>;

    ShareHubs(StoreProvider& provider, const Clock& clock): _provider(provider), _clock(clock) {}

    /// Null when there is no such share. Errors: those of StoreProvider::open().
    ShareHub* open(const std::string& share)
    {
        const auto known = _hubs.find(share);
        if (known != _hubs.end())
        {
            return known->second.get();
        }
        Store* store = _provider.open(share);
        if (store == nullptr)
        {
            return nullptr;
        }
        return _hubs.emplace(share, std::make_unique<ShareHub>(*store, share, _clock))
            .first->second.get();
    }

    /// All that are open.
    [[nodiscard]] const Map& all() const { return _hubs; }

private:
    StoreProvider& _provider;
    const Clock& _clock;
    Map _hubs;
};

} // namespace tidewire
