// The agent as a process: builds the parts, joins them by queues, ends them in reverse.

#pragma once

#include "agent/AgentConfig.h"
#include "shared/daemon/Daemon.h"

#include <memory>
#include <optional>
#include <string>

namespace tidewire {

class AgentApp: public Daemon
{
public:
    AgentApp();
    ~AgentApp() override;

protected:
    void load(const std::string& file) override;
    [[nodiscard]] LogLevel logLevel() const override;
    void start() override;
    void reload() override;
    void stop() override;
    void pulse(const HeartbeatPtr& heartbeat) override;

private:
    class Parts;

    AgentConfig _config;  // as last read
    AgentConfig _running; // in force
    std::unique_ptr<Parts> _parts;
};

} // namespace tidewire
