// The relay of a simulation: the real core over a store, restarted at will.

#include "tests/sim/SimRelay.h"

#include <filesystem>

namespace tidewire {

ShareRight SimRelay::Policy::right(const std::string& agent, const std::string& /*share*/) const
{
    const auto found = readOnly.find(agent);
    return {true, found == readOnly.end() || !found->second};
}

SimRelay::SimRelay(SimNetwork& network, const Clock& clock, SimStore kind):
    _network(network),
    _clock(clock),
    _kind(kind)
{
    replaceStore();
}

SimRelay::~SimRelay() = default;

void SimRelay::makeProvider()
{
    _provider = std::make_unique<StoreFolder>(
        *_state, _folder->path(), _clock, [](const std::string&) { return StoreOptions(); });
}

void SimRelay::makeCore()
{
    for (const auto& connection : _network.connections())
    {
        connection->broken = true;
        connection->relayEnded = true;
    }
    _core = std::make_unique<RelayCore>(*_provider, _policy, _clock, *this);
    _isDirty = false;
}

void SimRelay::replaceStore()
{
    _core.reset();
    _provider.reset();
    if (_kind == SimStore::Memory)
    {
        _provider = std::make_unique<MemoryProvider>();
    }
    else
    {
        _folder = std::make_unique<TempFolder>();
        std::filesystem::create_directory(*_folder / kSimShare);
        _state = std::make_unique<MemoryFileSystem>();
        makeProvider();
    }
    makeCore();
}

void SimRelay::restart()
{
    _core.reset();
    if (_kind == SimStore::Memory)
    {
        store().rollback();
    }
    else
    {
        _provider.reset();
        _state->crash();
        makeProvider();
    }
    makeCore();
}

Store& SimRelay::store()
{
    return *_provider->open(kSimShare);
}

void SimRelay::send(ConnectionId connection, std::shared_ptr<const Bytes> message, Lane lane)
{
    SimConnection* to = _network.find(connection);
    if (to != nullptr && !to->broken)
    {
        to->down.push(std::move(message), lane);
    }
}

void SimRelay::close(ConnectionId connection)
{
    if (SimConnection* to = _network.find(connection))
    {
        to->down.dropBulk();
        to->broken = true;
        to->relayEnded = true;
    }
}

} // namespace tidewire
