// All connections of the relay in one epoll loop: who proves to be an agent, and who is one no more.

#include "relay/EventLoop.h"
#include "shared/base/Errors.h"
#include "shared/net/NoiseChannel.h"

namespace tidewire {

namespace {

/// Handshakes done at once, then the connections that stand have their turn.
constexpr int kHandshakesPerTurn = 8;

} // namespace

std::unique_ptr<Channel> EventLoop::makeChannel(ConnectionId id)
{
    if (_security == Security::None)
    {
        return std::make_unique<PlainChannel>();
    }
    return std::make_unique<NoiseResponderChannel>(
        _key, [this, id](const PublicKey& key) { return recognise(id, key); });
}

bool EventLoop::recognise(ConnectionId id, const PublicKey& key)
{
    const auto found = _agents.find(key);
    if (found == _agents.end())
    {
        return false;
    }
    Connection& connection = *_connections.at(id);
    connection.agent = found->second;
    connection.key = key;
    return true;
}

void EventLoop::shakeHands()
{
    for (int i = 0; i < kHandshakesPerTurn; ++i)
    {
        const SteadyTime begin = _clock.steady();
        const auto id = _handshakes.next(begin);
        if (!id)
        {
            return;
        }
        Connection& connection = *_connections.at(*id);
        bool isProven = true;
        try
        {
            connection.link.answer();
        }
        catch (const ProtocolError& error)
        {
            // Without a word: whoever is not let in learns nothing, not even why.
            isProven = false;
            _handshakes.failed(connection.network, begin);
            end(connection, std::string("refused, ") + error.what());
        }
        _handshakes.spent(_clock.steady() - begin);
        if (isProven)
        {
            write(connection);
        }
    }
}

void EventLoop::setAgents(AgentKeys agents, std::function<void()> then)
{
    runSoon([this, agents = std::move(agents), then = std::move(then)] {
        _agents = agents;
        endStrangers();
        // Behind everything that came in under the old keys, and before all that comes later.
        tellCore(CoreTask{then});
    });
}

/// Ends who has proven a key and not greeted yet, when the key is nobody's now or somebody else's; the
/// core knows the others.
void EventLoop::endStrangers()
{
    const std::set<ConnectionId> greeting = _greeting;
    for (const ConnectionId id : greeting)
    {
        Connection& connection = *_connections.at(id);
        if (!connection.key)
        {
            continue;
        }
        const auto found = _agents.find(*connection.key);
        if (found == _agents.end() || found->second != connection.agent)
        {
            end(connection, "its key is not " + connection.agent + "'s any more");
        }
    }
}

} // namespace tidewire
