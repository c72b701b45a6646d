#include "relay/store/StoreFolder.h"

#include "shared/wire/Messages.h"

#include <algorithm>
#include <utility>

namespace tidewire {

bool isValidShareName(std::string_view name)
{
    return !name.empty() && name.size() <= kMaxShareNameBytes && name.front() != '.' &&
           std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-';
           });
}

StoreFolder::StoreFolder(FileSystem& state,
                         std::string statePath,
                         const Clock& clock,
                         std::function<StoreOptions(const std::string& share)> options):
    _state(state),
    _statePath(std::move(statePath)),
    _clock(clock),
    _options(std::move(options))
{
}

Store* StoreFolder::open(const std::string& share)
{
    if (!isValidShareName(share))
    {
        return nullptr;
    }
    auto found = _stores.find(share);
    if (found == _stores.end())
    {
        auto store =
            std::make_unique<EmbeddedStore>(_state, _statePath, share, _clock, _options(share));
        found = _stores.emplace(share, std::move(store)).first;
    }
    return found->second.get();
}

} // namespace tidewire
