// RelayConnection: against a listening socket in the test's hand.

#include "agent/sync/RelayConnection.h"

#include "shared/base/BoundedQueue.h"
#include "shared/base/Errors.h"
#include "shared/net/NoiseChannel.h"
#include "tests/support/SharedClock.h"
#include "tests/support/TestPeer.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>
#include <vector>

using namespace tidewire;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr SteadyTime kDeadline = 60s;

/// What a callback told.
struct Told
{
    enum class Kind
    {
        Connected,
        Message,
        Disconnected,
        Sent,
    };
    Kind kind = Kind::Connected;
    RelayConnection::Number number = 0;
    Message message;
    std::string reason;
    std::uint64_t bytes = 0;
};

class ConnectionFixture
{
public:
    explicit ConnectionFixture(std::shared_ptr<const NoiseIdentity> identity = {}):
        connection(options(std::move(identity)), clock, 1)
    {
        connection.start({
            [this](RelayConnection::Number number) {
                told.push({Told::Kind::Connected, number, {}, {}, 0});
            },
            [this](Message&& message, std::size_t) {
                if (pauseOnMessage)
                {
                    connection.pauseReading();
                }
                told.push({Told::Kind::Message, 0, std::move(message), {}, 0});
            },
            [this](const std::string& reason) {
                told.push({Told::Kind::Disconnected, 0, {}, reason, 0});
            },
            [this](Lane, std::uint64_t bytes) {
                told.push({Told::Kind::Sent, 0, {}, {}, bytes});
            },
            [this](const std::string& reason) {
                told.push({Told::Kind::Disconnected, 0, {}, "FAILURE " + reason, 0});
            },
        });
    }
    ~ConnectionFixture() { connection.stop(); }
    ConnectionFixture(const ConnectionFixture&) = delete;
    ConnectionFixture& operator=(const ConnectionFixture&) = delete;

    RelayConnectionOptions options(std::shared_ptr<const NoiseIdentity> identity)
    {
        RelayConnectionOptions result;
        result.identity = std::move(identity);
        result.address = {"127.0.0.1", server.port()};
        return result;
    }

    Told next(Told::Kind kind)
    {
        for (;;)
        {
            auto one = told.pop(kDeadline);
            REQUIRE(one);
            if (one->kind == kind)
            {
                return std::move(*one);
            }
        }
    }

    /// The relay's end of a new connection, and the agent's number of it.
    std::pair<TestPeer, RelayConnection::Number> connected()
    {
        TestPeer peer = server.accept();
        peer.sendPreamble();
        peer.expectPreamble();
        return {std::move(peer), next(Told::Kind::Connected).number};
    }

    void sendPing(RelayConnection::Number number, std::uint64_t token)
    {
        connection.send(
            number, std::make_shared<const Bytes>(encodeMessage(PingMessage{token})), Lane::Urgent);
    }

    /// Makes the connection look at the clock.
    void wake()
    {
        connection.pauseReading();
        connection.resumeReading();
    }

    /// Moves the clock until the next attempt comes; where the delay began is not known here.
    void passDelay()
    {
        for (int i = 0; i < 1000 && !server.isAwaited(50ms); ++i)
        {
            clock.advance(1s);
            wake();
        }
    }

    TestServer server;
    SharedClock clock;
    BoundedQueue<Told> told{1000};
    std::atomic<bool> pauseOnMessage{false};
    RelayConnection connection;
};

} // namespace

TEST_CASE_METHOD(ConnectionFixture,
                 "RelayConnection: messages go both ways, sent bytes are told",
                 "[relayconnection]")
{
    auto [peer, number] = connected();

    sendPing(number, 1);
    peer.send(CreditMessage{7});

    CHECK(std::get<PingMessage>(peer.receive().value()).token == 1);
    CHECK(next(Told::Kind::Sent).bytes == encodeMessage(PingMessage{1}).size());
}

TEST_CASE_METHOD(ConnectionFixture,
                 "RelayConnection: what was meant for an ended connection never goes out",
                 "[relayconnection]")
{
    auto [first, firstNumber] = connected();
    first.close();
    CHECK_THAT(next(Told::Kind::Disconnected).reason, Contains("closed"));
    sendPing(firstNumber, 1);
    connection.disconnect(firstNumber, "too late");

    sendPing(firstNumber, 2);
    passDelay();
    auto [second, secondNumber] = connected();
    CHECK(secondNumber != firstNumber);
    sendPing(firstNumber, 3);
    sendPing(secondNumber, 4);

    CHECK(std::get<PingMessage>(second.receive().value()).token == 4);
}

TEST_CASE_METHOD(ConnectionFixture,
                 "RelayConnection: disconnect() sends what is queued and then ends",
                 "[relayconnection]")
{
    auto [peer, number] = connected();
    sendPing(number, 1);

    connection.disconnect(number, "enough");

    CHECK(std::get<PingMessage>(peer.receive().value()).token == 1);
    CHECK(peer.isEnded());
    CHECK(next(Told::Kind::Disconnected).reason == "enough");
}

TEST_CASE_METHOD(ConnectionFixture,
                 "RelayConnection: silence brings a PING, and no answer the end",
                 "[relayconnection]")
{
    auto [peer, number] = connected();
    // The answer shows that the connection waits with its deadlines set.
    peer.send(PingMessage{5});
    CHECK(std::get<PongMessage>(peer.receive().value()).token == 5);

    clock.advance(46s);
    sendPing(number, 1000);
    std::vector<std::uint64_t> tokens;
    while (tokens.size() < 2)
    {
        const auto message = peer.receive();
        REQUIRE(message);
        tokens.push_back(std::get<PingMessage>(*message).token);
    }
    std::sort(tokens.begin(), tokens.end());
    CHECK(tokens == std::vector<std::uint64_t>{1, 1000});

    // The kernel's acknowledgements count as signs of life, so the end may take more than one turn.
    std::optional<Told> end;
    for (int i = 0; i < 1000 && !end; ++i)
    {
        clock.advance(21s);
        wake();
        auto one = told.pop(100ms);
        if (one && one->kind == Told::Kind::Disconnected)
        {
            end = std::move(one);
        }
    }
    REQUIRE(end);
    CHECK(end->reason == "the relay does not answer");
}

TEST_CASE_METHOD(ConnectionFixture,
                 "RelayConnection: the relay's ERROR is the reason that is told",
                 "[relayconnection]")
{
    auto [peer, number] = connected();

    peer.send(ErrorMessage{ErrorCode::ShuttingDown, "the relay is shutting down"});
    peer.close();

    CHECK(std::holds_alternative<ErrorMessage>(next(Told::Kind::Message).message));
    CHECK(next(Told::Kind::Disconnected).reason == "the relay says: the relay is shutting down");
}

TEST_CASE_METHOD(ConnectionFixture,
                 "RelayConnection: garbage from the relay is answered with an ERROR",
                 "[relayconnection]")
{
    auto [peer, number] = connected();

    peer.sendBytes(Bytes(64, 0xFF));

    const auto message = peer.receive();
    REQUIRE(message);
    CHECK(std::get<ErrorMessage>(*message).code == ErrorCode::ProtocolViolation);
    CHECK_FALSE(next(Told::Kind::Disconnected).reason.empty());
}

TEST_CASE_METHOD(ConnectionFixture,
                 "RelayConnection: a relay with another security is no connection",
                 "[relayconnection]")
{
    TestPeer peer = server.accept();
    peer.sendPreamble(Security::Noise);
    peer.expectPreamble();

    CHECK(peer.isEnded());
    CHECK_FALSE(told.tryPop());
}

TEST_CASE_METHOD(ConnectionFixture,
                 "RelayConnection: a receiver that pauses gets no more, but can send",
                 "[relayconnection]")
{
    auto [peer, number] = connected();
    pauseOnMessage = true;
    for (std::uint32_t i = 0; i < 3; ++i)
    {
        peer.send(CreditMessage{i});
    }
    CHECK(std::get<CreditMessage>(next(Told::Kind::Message).message).bytes == 0);

    sendPing(number, 1);
    CHECK(std::get<PingMessage>(peer.receive().value()).token == 1);
    CHECK(next(Told::Kind::Sent).bytes > 0);
    CHECK_FALSE(told.tryPop());

    for (std::uint32_t i = 1; i < 3; ++i)
    {
        connection.resumeReading();
        CHECK(std::get<CreditMessage>(next(Told::Kind::Message).message).bytes == i);
    }
}

TEST_CASE_METHOD(ConnectionFixture,
                 "RelayConnection: stop() ends it while it waits for the next attempt",
                 "[relayconnection]")
{
    auto [peer, number] = connected();
    server.close();
    peer.close();
    static_cast<void>(next(Told::Kind::Disconnected));

    connection.stop();

    CHECK_FALSE(told.tryPop());
}

namespace {

/// With Noise; the keys of both sides.
struct NoiseKeys
{
    const KeyPair agent = makeKeyPair();
    const std::shared_ptr<const KeyPair> relay = std::make_shared<const KeyPair>(makeKeyPair());
};

class NoiseConnectionFixture: public NoiseKeys, public ConnectionFixture
{
public:
    NoiseConnectionFixture():
        ConnectionFixture(std::make_shared<const NoiseIdentity>(NoiseIdentity{agent, relay->open}))
    {
    }

    [[nodiscard]] std::unique_ptr<Channel> relayChannel(const PublicKey& known) const
    {
        return std::make_unique<NoiseResponderChannel>(
            relay, [known](const PublicKey& key) { return key == known; });
    }
};

} // namespace

TEST_CASE_METHOD(NoiseConnectionFixture,
                 "RelayConnection: with Noise messages pass both ways once both keys are proven",
                 "[relayconnection]")
{
    TestPeer peer = server.accept();
    REQUIRE(peer.secure(relayChannel(agent.open)));
    const auto number = next(Told::Kind::Connected).number;

    sendPing(number, 5);
    const auto up = peer.receive();
    REQUIRE(up);
    CHECK(std::get<PingMessage>(*up).token == 5);
    peer.send(CreditMessage{7});
    CHECK(std::get<CreditMessage>(next(Told::Kind::Message).message).bytes == 7);
}

TEST_CASE_METHOD(
    NoiseConnectionFixture,
    "RelayConnection: a relay with another key than the configured one is no connection",
    "[relayconnection]")
{
    TestPeer peer = server.accept();
    const auto other = std::make_shared<const KeyPair>(makeKeyPair());

    CHECK_THROWS_AS(peer.secure(std::make_unique<NoiseResponderChannel>(
                        other, [](const PublicKey&) { return true; })),
                    ProtocolError);

    CHECK_FALSE(told.tryPop());
}

TEST_CASE_METHOD(NoiseConnectionFixture,
                 "RelayConnection: whoever answers without the relay's key is no connection",
                 "[relayconnection]")
{
    TestPeer peer = server.accept();
    peer.sendPreamble(Security::Noise);
    peer.expectPreamble(Security::Noise);
    CHECK(peer.receiveBytes(kIkRequestBytes).size() == kIkRequestBytes);

    peer.sendBytes(Bytes(kIkAnswerBytes, 7));

    CHECK(peer.isEnded());
    CHECK_FALSE(told.tryPop());
}

TEST_CASE_METHOD(NoiseConnectionFixture,
                 "RelayConnection: a relay without security is no connection",
                 "[relayconnection]")
{
    TestPeer peer = server.accept();
    peer.sendPreamble(Security::None);
    peer.expectPreamble(Security::Noise);
    static_cast<void>(peer.receiveBytes(kIkRequestBytes));

    CHECK(peer.isEnded());
    CHECK_FALSE(told.tryPop());
}
