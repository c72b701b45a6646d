// A proxy between one agent and the relay: counts, slows, stalls and cuts what goes through.

#pragma once

#include "shared/base/UniqueFd.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tidewire::e2e {

/// From whom to whom bytes go.
enum class Direction : std::uint8_t
{
    Up,   ///< agent to relay
    Down, ///< relay to agent
};

/// A TCP proxy with a thread of its own, on a port of 127.0.0.1 that it keeps while it lives.
///
/// It counts payload bytes of the TCP stream as they are taken from the sender.
/// Thread: any.
class Traffic
{
public:
    /// `host` is an IPv4 address in dots.
    Traffic(const std::string& host, std::uint16_t port);
    ~Traffic();

    Traffic(const Traffic&) = delete;
    Traffic& operator=(const Traffic&) = delete;

    [[nodiscard]] std::uint16_t port() const { return _port; }

    /// Bytes that went through so far.
    [[nodiscard]] std::uint64_t bytes(Direction direction) const;

    /// Connections that the agent tried to make so far, refused ones included.
    [[nodiscard]] std::uint64_t attempts() const;

    /// Connections that are open now.
    [[nodiscard]] std::size_t open() const;

    /// Ends all connections at once, with a reset; new ones are let through.
    void cut();

    /// Ends all connections and closes every new one.
    void goOffline();
    void goOnline();
    [[nodiscard]] bool online() const;

    /// Goes offline as soon as so many more bytes went that way.
    void goOfflineAfter(Direction direction, std::uint64_t bytes);

    /// Keeps connections open but lets nothing through.
    void setStalled(bool isStalled);

    /// Most bytes a second each way; 0 for no limit.
    void setRate(std::uint64_t bytesPerSecond);

private:
    using SteadyClock = std::chrono::steady_clock;

    /// One way of one connection.
    struct Flow
    {
        int from = -1;
        int to = -1;
        Direction direction = Direction::Up;
        std::vector<char> buffer;
        std::size_t begin = 0; // what was sent of the buffer
        bool ended = false;    // the sender has closed
        bool closed = false;   // and that was passed on
    };

    struct Connection
    {
        UniqueFd agent;
        UniqueFd relay;
        std::array<Flow, 2> flows;
        bool dead = false;
    };

    void run();
    void acceptOne();
    void pump(Connection& connection, Flow& flow);
    void receive(Connection& connection, Flow& flow);
    void endAll();
    void refill();
    void wake() const;
    [[nodiscard]] bool mayReceive(const Flow& flow) const;
    [[nodiscard]] std::size_t allowance(Direction direction) const;

    // Constant after construction.
    std::string _host;
    std::uint16_t _relayPort;
    std::uint16_t _port = 0;
    UniqueFd _listener;
    UniqueFd _wakeup;

    // Guarded by _mutex.
    mutable std::mutex _mutex;
    std::list<Connection> _connections;
    std::array<std::uint64_t, 2> _bytes{};
    std::array<std::uint64_t, 2> _untilOffline{};
    std::array<double, 2> _tokens{};
    SteadyClock::time_point _lastRefill;
    std::uint64_t _rate = 0;
    std::uint64_t _attempts = 0;
    bool _isOnline = true;
    bool _isStalled = false;
    bool _isEnding = false;

    std::thread _thread;
};

} // namespace tidewire::e2e
