// The relay as a program: builds the parts, owns the threads, ends them in order.

#pragma once

#include "relay/CoreLoop.h"
#include "relay/EventLoop.h"
#include "relay/RelayConfig.h"
#include "relay/store/StoreFolder.h"
#include "shared/base/Clock.h"
#include "shared/daemon/Daemon.h"
#include "shared/daemon/StateLock.h"
#include "shared/daemon/Worker.h"
#include "shared/fs/FileSystem.h"

#include <memory>
#include <mutex>

namespace tidewire {

/// tidewire-relay. Two threads beside the main one: the network's (EventLoop) and the core's
/// (CoreLoop with sessions and stores), with one bounded queue from the first to the second.
class RelayApp: public Daemon
{
public:
    RelayApp();
    ~RelayApp() override;
    RelayApp(const RelayApp&) = delete;
    RelayApp& operator=(const RelayApp&) = delete;

protected:
    void load(const std::string& file) override;
    [[nodiscard]] LogLevel logLevel() const override { return _loaded.log; }
    void start() override;
    void reload() override;
    void stop() override;
    void pulse(const HeartbeatPtr& heartbeat) override;

private:
    struct Parts;

    [[nodiscard]] StoreOptions optionsOf(const std::string& share);

    // Owned by the main thread.
    RelayConfig _loaded;
    std::unique_ptr<Parts> _parts;

    // Guarded by _mutex: the core thread asks for the options of shares.
    std::mutex _mutex;
    RelayConfig _config;
};

} // namespace tidewire
