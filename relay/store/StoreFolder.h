// All shares' stores below the relay's state folder.

#pragma once

#include "relay/store/EmbeddedStore.h"
#include "relay/store/StoreProvider.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace tidewire {

/// True for 1 to kMaxShareNameBytes of [A-Za-z0-9._-] without a leading dot: safe as the name of a
/// folder.
[[nodiscard]] bool isValidShareName(std::string_view name);

/// Opens the store of a share in `<state>/<share>` on first use, makes it when there is none, and
/// keeps it open.
///
/// Thread:    one at a time.
/// Ownership: owns the stores; borrows the file system and the clock.
/// Errors:    open(): as EmbeddedStore's constructor; it is tried again at the next call.
class StoreFolder: public StoreProvider
{
public:
    /// `state` is the file system whose root is the absolute path `statePath`; `options` gives the
    /// settings of a share.
    StoreFolder(FileSystem& state,
                std::string statePath,
                const Clock& clock,
                std::function<StoreOptions(const std::string& share)> options);

    /// Null for a name that is not valid.
    Store* open(const std::string& share) override;

private:
    FileSystem& _state;
    const std::string _statePath;
    const Clock& _clock;
    const std::function<StoreOptions(const std::string& share)> _options;
    std::map<std::string, std::unique_ptr<EmbeddedStore>> _stores;
};

} // namespace tidewire
