// Where the relay gets the stores of its shares from.

#pragma once

#include "relay/store/Store.h"

#include <string>

namespace tidewire {

/// Gives out the stores of shares, one each.
///
/// Thread:    one at a time.
/// Ownership: keeps the stores; they live as long as the provider.
class StoreProvider
{
public:
    virtual ~StoreProvider() = default;

    /// The store of a share, opened (or made) on first use; null when there is no such share.
    /// Errors: those of the store's opening; the next call tries again.
    virtual Store* open(const std::string& share) = 0;
};

} // namespace tidewire
