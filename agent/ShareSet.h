// The configured shares: opens their folders, watches them, and tries again where a folder is missing.

#pragma once

#include "agent/AgentConfig.h"
#include "agent/sync/SyncEngine.h"
#include "agent/watch/WatchHub.h"
#include "shared/base/Clock.h"

#include <Poco/Logger.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// Keeps the engine's shares in step with the configuration and with what is mounted.
///
/// Thread: sync.
class ShareSet
{
public:
    /// Borrows all.
    ShareSet(SyncEngine& engine, WatchHub& watchers, const Clock& clock);

    /// Takes up the shares of the configuration: new ones are added, removed and changed ones leave.
    void configure(const AgentConfig& config);

    /// Opens what can be opened, lets go of what was lost; tells when to be called again.
    std::optional<SteadyTime> keep();

    /// How it stands with each share, in words, in one line for people. `connected`: to the relay.
    [[nodiscard]] std::string status(bool connected) const;

private:
    struct Share
    {
        AgentShareConfig config;
        bool open = false;
        SteadyTime retryAt{};
        std::string problem;  ///< last told
        std::string coverage; ///< last told
    };

    void open(WatchId id, Share& share);
    void close(WatchId id, Share& share);
    void tellCoverage(WatchId id, Share& share);

    SyncEngine& _engine;
    WatchHub& _watchers;
    const Clock& _clock;
    Poco::Logger& _log;
    std::string _agent;
    std::map<WatchId, Share> _shares;
    std::vector<WatchId> _closing; // removed, but jobs are still out
    WatchId _nextId = 1;
};

} // namespace tidewire
