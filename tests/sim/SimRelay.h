// The relay of a simulation: the real core over a store, restarted at will.

#pragma once

#include "relay/session/RelayCore.h"
#include "relay/store/StoreFolder.h"
#include "shared/base/Clock.h"
#include "tests/sim/SimNetwork.h"
#include "tests/support/MemoryFileSystem.h"
#include "tests/support/MemoryStore.h"
#include "tests/support/TempFolder.h"

#include <map>
#include <memory>
#include <string>

namespace tidewire {

/// What keeps the journal.
enum class SimStore
{
    Memory,   ///< MemoryStore: fast
    Embedded, ///< the real one: its journal in a temporary folder, its segments in memory
};

/// The name of the one share.
inline constexpr const char* kSimShare = "photos";

/// Ownership: borrows network and clock.
class SimRelay: public RelayOutlet
{
public:
    SimRelay(SimNetwork& network, const Clock& clock, SimStore kind);
    ~SimRelay() override;

    [[nodiscard]] RelayCore& core() { return *_core; }
    [[nodiscard]] Store& store();

    /// The disk of the segments; only with SimStore::Embedded, and another one after replaceStore().
    [[nodiscard]] MemoryFileSystem& state() { return *_state; }

    /// True when flush() has something to do.
    [[nodiscard]] bool isDirty() const { return _isDirty; }
    void touch() { _isDirty = true; }
    void flush() { _isDirty = _core->flush(); }

    /// The power fails and comes back: what was not committed is lost, all connections are gone.
    void restart();

    /// The store is lost; an empty one takes its place.
    void replaceStore();

    /// `agent` may only read.
    void setReadOnly(const std::string& agent, bool readOnly)
    {
        _policy.readOnly[agent] = readOnly;
    }

    // RelayOutlet
    void send(ConnectionId connection, std::shared_ptr<const Bytes> message, Lane lane) override;
    void close(ConnectionId connection) override;

private:
    class Policy: public AccessPolicy
    {
    public:
        [[nodiscard]] ShareRight right(const std::string& agent,
                                       const std::string& share) const override;
        std::map<std::string, bool> readOnly;
    };

    class MemoryProvider: public StoreProvider
    {
    public:
        Store* open(const std::string& share) override
        {
            return share == kSimShare ? &store : nullptr;
        }
        MemoryStore store;
    };

    void makeProvider();
    void makeCore();

    SimNetwork& _network;
    const Clock& _clock;
    const SimStore _kind;
    Policy _policy;
    std::unique_ptr<TempFolder> _folder;      // Embedded
    std::unique_ptr<MemoryFileSystem> _state; // Embedded
    std::unique_ptr<StoreProvider> _provider;
    std::unique_ptr<RelayCore> _core;
    bool _isDirty = false;
};

} // namespace tidewire
