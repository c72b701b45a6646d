// A relay's event loop with real sockets on loopback and the clock in the test's hand.

#pragma once

#include "relay/EventLoop.h"
#include "shared/daemon/Worker.h"
#include "tests/support/SharedClock.h"
#include "tests/support/TestPeer.h"

#include <catch2/catch.hpp>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidewire {

/// Bound of a peer's socket buffers that a few frames fill. With less, some kernels deliver a window
/// only every 40 ms.
constexpr int kSmallBuffer = 32 * 1024;

inline HelloMessage helloOf(const std::string& agent)
{
    HelloMessage hello;
    hello.agent = agent;
    return hello;
}

inline std::shared_ptr<const Bytes> frameOf(std::size_t size)
{
    FrameMessage message;
    message.frame.rawLength = static_cast<std::uint32_t>(size);
    message.frame.stored.assign(size, 7);
    return std::make_shared<const Bytes>(encodeMessage(message));
}

inline std::shared_ptr<const Bytes> ping(std::uint64_t token)
{
    return std::make_shared<const Bytes>(encodeMessage(PingMessage{token}));
}

/// A loop on a thread of its own; the test is the core.
class LoopFixture
{
public:
    explicit LoopFixture(const EventLoopLimits& limits = {}, std::size_t queueBytes = 8U << 20U):
        events(queueBytes),
        loop(Security::None, limits, clock, events)
    {
        loop.listen({"127.0.0.1", 0});
        worker.emplace(
            "loop",
            [this] { loop.run(); },
            [this](const std::string& reason) { failure = reason; });
    }
    ~LoopFixture()
    {
        loop.stop();
        worker->join();
        CHECK(failure.empty());
    }
    LoopFixture(const LoopFixture&) = delete;
    LoopFixture& operator=(const LoopFixture&) = delete;

    /// Takes the next event that is an `Event`, as the core would; others are dropped.
    template <typename Event>
    Event next()
    {
        for (;;)
        {
            auto event = events.pop(std::chrono::seconds(60));
            REQUIRE(event);
            loop.roomMade();
            if (auto* wanted = std::get_if<Event>(&*event))
            {
                return std::move(*wanted);
            }
        }
    }

    /// A peer that has said HELLO, and its number.
    std::pair<TestPeer, ConnectionId> greeted(const std::string& agent, int bufferBytes = 0)
    {
        TestPeer peer = TestPeer::connect(loop.port(), bufferBytes);
        peer.sendPreamble();
        peer.send(helloOf(agent));
        peer.expectPreamble();
        const ConnectionId id = next<PeerConnected>().connection;
        REQUIRE(next<PeerMessage>().connection == id);
        welcome(id);
        const auto answer = peer.receive();
        REQUIRE(answer);
        REQUIRE(std::holds_alternative<WelcomeMessage>(*answer));
        return {std::move(peer), id};
    }

    /// Takes what is queued; true when a message was among it.
    bool hasMessage()
    {
        bool found = false;
        while (const auto event = events.tryPop())
        {
            found = found || std::holds_alternative<PeerMessage>(*event);
        }
        return found;
    }

    void welcome(ConnectionId id)
    {
        const auto message = std::make_shared<const Bytes>(encodeMessage(WelcomeMessage{}));
        loop.send(id, message, Lane::Urgent);
        while (next<PeerSent>().connection != id)
        {
            // Another connection's answer left late.
        }
    }

    /// The clock goes on and the loop looks at it.
    void advance(SteadyTime by)
    {
        clock.advance(by);
        loop.wake();
    }

    SharedClock clock;
    RelayEventQueue events;
    EventLoop loop;
    std::optional<Worker> worker;
    std::string failure;
};

/// Sends from a thread of its own. What is left when the test fails is given up: the loop may have
/// stopped reading, and the end of the test would wait for the peers' deadlines.
class BackgroundSender
{
public:
    BackgroundSender(std::initializer_list<TestPeer*> peers, Worker::Body body):
        _peers(peers),
        _worker("sender", std::move(body), [](const std::string&) {})
    {
    }
    ~BackgroundSender()
    {
        for (TestPeer* peer : _peers)
        {
            peer->shutdown();
        }
    }
    BackgroundSender(const BackgroundSender&) = delete;
    BackgroundSender& operator=(const BackgroundSender&) = delete;

    /// Waits until all is sent.
    void join() { _worker.join(); }

private:
    std::vector<TestPeer*> _peers;
    Worker _worker;
};

} // namespace tidewire
