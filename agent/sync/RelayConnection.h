// The agent's connection to the relay: one thread that connects, reads, writes, and tries again.

#pragma once

#include "shared/base/Clock.h"
#include "shared/base/Wakeup.h"
#include "shared/daemon/RateLimit.h"
#include "shared/daemon/Worker.h"
#include "shared/net/Backoff.h"
#include "shared/net/HostPort.h"
#include "shared/net/Lane.h"
#include "shared/net/Liveness.h"
#include "shared/net/MessageLink.h"
#include "shared/net/Resolver.h"
#include "shared/noise/Keys.h"
#include "shared/wire/Messages.h"

#include <Poco/Logger.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// Who this agent is, and who the relay must be.
struct NoiseIdentity
{
    KeyPair own;
    PublicKey relay{};
};

struct RelayConnectionOptions
{
    HostPort address;
    std::shared_ptr<const NoiseIdentity> identity;    ///< null: `security = none`
    SteadyTime connecting = std::chrono::seconds(10); ///< for the look-up, and for each address
    SteadyTime greeting = std::chrono::seconds(10);   ///< for preamble and handshake
    SteadyTime silence = std::chrono::seconds(45);    ///< without a byte, then a PING
    SteadyTime patience = std::chrono::seconds(20);   ///< without a byte after it, then dead
};

/// Keeps a connection to the relay and carries messages over it.
///
/// Connections have numbers, so that what was meant for one never goes out on the next: send() and
/// disconnect() do nothing for a number that is not the present one's.
///
/// Backpressure: messages are handed over one by one as they come. The receiver may call
/// pauseReading() (from within onMessage, too): nothing more is handed over or read until
/// resumeReading(), so the relay is slowed down by TCP, while sending and PINGs go on. onMessage
/// may also block, but then sending and PINGs stand still with it: the relay ends a connection
/// after 150 s without a byte, so a receiver that may take longer has to pause instead.
/// Since send() never waits, the two threads cannot wait for each other.
///
/// Thread: send(), disconnect(), pauseReading(), resumeReading() from any, callbacks included;
///         start() and stop() from the owner's. Callbacks come on the network thread.
/// Memory: what was sent and not reported by onSent; the bound is the caller's. One message of input.
class RelayConnection
{
public:
    using Number = std::uint64_t;

    struct Callbacks
    {
        std::function<void(Number connection)> onConnected; ///< HELLO may be sent
        std::function<void(Message&& message, std::size_t wireBytes)> onMessage; ///< no PING, PONG
        std::function<void(const std::string& reason)> onDisconnected; ///< only after onConnected
        std::function<void(Lane lane, std::uint64_t bytes)>
            onSent;                                               ///< bytes that are in the kernel
        std::function<void(const std::string& reason)> onFailure; ///< the thread had to end
    };

    /// Borrows `clock`. `seed` is for the delays between attempts; agents should have different ones.
    RelayConnection(RelayConnectionOptions options, const Clock& clock, std::uint64_t seed);
    ~RelayConnection() { stop(); }
    RelayConnection(const RelayConnection&) = delete;
    RelayConnection& operator=(const RelayConnection&) = delete;

    /// Begins to connect. Once.
    void start(Callbacks callbacks);

    /// Queues an encoded message; never waits.
    void send(Number connection, std::shared_ptr<const Bytes> message, Lane lane);

    /// Ends the connection after what it can send at once; another one follows after a delay.
    void disconnect(Number connection, const std::string& reason);

    void pauseReading();
    void resumeReading();

    /// Ends the thread and the connection; no callback comes afterwards.
    void stop();

private:
    struct Order
    {
        std::shared_ptr<const Bytes> message;
        Lane lane = Lane::Urgent;
    };

    void run();
    [[nodiscard]] std::string attempt();
    [[nodiscard]] std::optional<Resolution> resolve();
    [[nodiscard]] UniqueFd connectTo(const SocketAddress& address, std::string& problem);
    [[nodiscard]] MessageLink makeLink(UniqueFd socket) const;
    [[nodiscard]] std::string serve(MessageLink& link);
    [[nodiscard]] std::string exchange(MessageLink& link, Liveness& liveness);
    [[nodiscard]] std::string greet(MessageLink& link);
    [[nodiscard]] std::string refusal(const MessageLink& link) const;
    [[nodiscard]] bool flush(MessageLink& link) const;
    bool deliver(MessageLink& link);
    [[nodiscard]] short await(int fd, short events, SteadyTime deadline);
    [[nodiscard]] std::optional<std::string> takeOrders(MessageLink& link);
    void beginOrders();
    void endOrders();
    void logConnected();
    void logEnd(const std::string& reason, SteadyTime delay);

    // Constant after construction and start().
    const RelayConnectionOptions _options;
    const Clock& _clock;
    Callbacks _callbacks;
    Poco::Logger& _log;
    Wakeup _wakeup;

    // Owned by the network thread.
    Backoff _backoff;
    RepeatFilter _failures;
    Bytes _scratch;
    std::string _farewell; // what the relay gave as its reason
    std::optional<SteadyTime> _connectedAt;
    bool _isFlapping = false; // the connection before did not last
    std::uint64_t _pings = 0;

    std::atomic<bool> _stopped{false};
    std::atomic<bool> _paused{false};

    // Guarded by _mutex.
    std::mutex _mutex;
    Number _last = 0;
    Number _current = 0; // 0: none
    std::vector<Order> _orders;
    std::optional<std::string> _disconnect;

    std::unique_ptr<Worker> _worker;
};

} // namespace tidewire
