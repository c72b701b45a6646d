// Brings connections, sessions and shares together, and ends what fails.

#include "relay/session/RelayCore.h"

#include "relay/session/LiveBatch.h"
#include "relay/session/Session.h"
#include "relay/session/ShareHub.h"
#include "shared/base/Errors.h"
#include "shared/daemon/LogEvent.h"

#include <Poco/Logger.h>

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

namespace tidewire {

namespace {

// Urgent bytes above which a peer that asks and does not read is cut off.
constexpr std::size_t kOverloadBytes = 16 << 20;

// Time for feeds and fetches between two batches; a step that has begun is ended.
constexpr SteadyTime kWorkTime = std::chrono::milliseconds(20);

// Time until a share that has failed is tried again.
constexpr SteadyTime kRetryInterval = std::chrono::minutes(10);

} // namespace

class RelayCore::Impl
{
public:
    Impl(StoreProvider& stores,
         const AccessPolicy& policy,
         const Clock& clock,
         RelayOutlet& outlet):
        _hubs(stores, clock),
        _policy(policy),
        _clock(clock),
        _outlet(outlet)
    {
    }

    void connect(ConnectionId connection, const std::string& peer, const std::string& provenAgent);
    void message(ConnectionId connection, Message&& message);
    void violation(ConnectionId connection, const std::string& reason);
    void disconnect(ConnectionId connection, const std::string& reason);
    void sent(ConnectionId connection, Lane lane, std::size_t bytes);
    void endAgents(const std::vector<std::string>& names);
    bool flush();
    bool maintain();
    [[nodiscard]] std::vector<SessionStatus> status() const;

private:
    template <typename Action>
    void guarded(Session& session, Action action);

    void handle(Session& session, Message& message);
    void greet(Session& session, const HelloMessage& hello);
    void end(Session& session, ErrorCode code, const std::string& text);
    void settle(ShareHub& hub);
    void forward(const ShareHub& hub, ShareWriter::Outcome&& outcome);
    bool work();
    bool maintain(ShareHub& hub);
    void retryShares();
    [[nodiscard]] bool canOpen(const std::string& share);

    ShareHubs _hubs;
    const AccessPolicy& _policy;
    const Clock& _clock;
    RelayOutlet& _outlet;
    Poco::Logger& _log = Poco::Logger::get("relay.session");
    std::map<ConnectionId, std::unique_ptr<Session>> _sessions;
    std::map<std::string, ConnectionId> _agents; // the connection of each agent
    ConnectionId _worked = 0;                    // the session that was served last
    std::string _maintained;                     // the share that upkeep has last worked on
    SteadyTime _retryAt{};                       // when failed shares are tried again
};

/// Does something for a session and ends it when that fails; `session` may be gone afterwards.
template <typename Action>
void RelayCore::Impl::guarded(Session& session, Action action)
{
    try
    {
        action();
    }
    catch (const ProtocolError& error)
    {
        end(session, ErrorCode::ProtocolViolation, error.what());
    }
    catch (const Error& error)
    {
        logWith(_log,
                Poco::Message::PRIO_ERROR,
                printable(session.agent()) + " (" + session.peer() + "): " + error.what(),
                {.event = LogEvent::StoreFailed, .peer = session.agent()});
        end(session, ErrorCode::Internal, "the relay has a problem with its store");
    }
}

void RelayCore::Impl::connect(ConnectionId connection,
                              const std::string& peer,
                              const std::string& provenAgent)
{
    _sessions[connection] = std::make_unique<Session>(_outlet, connection, peer, provenAgent);
}

void RelayCore::Impl::message(ConnectionId connection, Message&& message)
{
    const auto found = _sessions.find(connection);
    if (found == _sessions.end())
    {
        return;
    }
    Session& session = *found->second;
    guarded(session, [&] {
        if (const auto* error = std::get_if<ErrorMessage>(&message))
        {
            const std::string text = printable(error->text);
            _outlet.close(connection);
            disconnect(connection, "the agent says: " + text);
        }
        else if (!session.agent().empty())
        {
            handle(session, message);
        }
        else if (const auto* hello = std::get_if<HelloMessage>(&message))
        {
            greet(session, *hello);
        }
        else
        {
            throw ProtocolError("the first message is not HELLO");
        }
    });
}

/// Answers cannot wait as feeds can: what one round of events asks for must not fill the memory.
void RelayCore::Impl::handle(Session& session, Message& message)
{
    if (session.line().queued(Lane::Urgent) > kOverloadBytes)
    {
        end(session, ErrorCode::Overloaded, "too many answers are waiting to be read");
        return;
    }
    session.onMessage(message);
    if (!std::holds_alternative<ProposeMessage>(message))
    {
        return;
    }
    for (const auto& [name, hub] : _hubs.all())
    {
        if (hub->writer.isFull())
        {
            settle(*hub);
        }
    }
}

void RelayCore::Impl::greet(Session& session, const HelloMessage& hello)
{
    if (hello.version != kProtocolVersion)
    {
        end(session,
            ErrorCode::UnsupportedVersion,
            "this relay speaks version " + std::to_string(kProtocolVersion));
        return;
    }
    session.greet(hello, _hubs, _policy);
    const auto older = _agents.find(session.agent());
    if (older != _agents.end())
    {
        end(*_sessions.at(older->second),
            ErrorCode::Replaced,
            "a newer connection of " + session.agent() + " has taken over");
    }
    _agents[session.agent()] = session.line().connection();
    logWith(_log,
            Poco::Message::PRIO_INFORMATION,
            "agent " + session.agent() + " connected from " + session.peer(),
            {.event = LogEvent::AgentConnected, .peer = session.agent()});
}

void RelayCore::Impl::end(Session& session, ErrorCode code, const std::string& text)
{
    session.line().send(ErrorMessage{code, printable(text)}, Lane::Urgent);
    session.line().close();
    disconnect(session.line().connection(), text);
}

void RelayCore::Impl::violation(ConnectionId connection, const std::string& reason)
{
    const auto found = _sessions.find(connection);
    if (found != _sessions.end())
    {
        end(*found->second, ErrorCode::ProtocolViolation, reason);
    }
}

void RelayCore::Impl::disconnect(ConnectionId connection, const std::string& reason)
{
    const auto found = _sessions.find(connection);
    if (found == _sessions.end())
    {
        return;
    }
    const Session& session = *found->second;
    // A connection that failed in its HELLO may bear the name of another one.
    const auto agent = _agents.find(session.agent());
    const bool greeted = agent != _agents.end() && agent->second == connection;
    logWith(_log,
            Poco::Message::PRIO_INFORMATION,
            (greeted ? "agent " + session.agent() : std::string("connection")) + " from " +
                session.peer() + " has gone: " + printable(reason),
            {.event = LogEvent::AgentGone, .peer = greeted ? session.agent() : session.peer()});
    if (greeted)
    {
        _agents.erase(agent);
    }
    _sessions.erase(found);
}

void RelayCore::Impl::sent(ConnectionId connection, Lane lane, std::size_t bytes)
{
    const auto found = _sessions.find(connection);
    if (found != _sessions.end())
    {
        found->second->line().onSent(lane, bytes);
    }
}

void RelayCore::Impl::endAgents(const std::vector<std::string>& names)
{
    for (auto it = _sessions.begin(); it != _sessions.end();)
    {
        Session& session = *(it++)->second;
        if (std::find(names.begin(), names.end(), session.provenAgent()) != names.end())
        {
            end(session, ErrorCode::AccessChanged, "what this agent may do has changed");
        }
    }
}

bool RelayCore::Impl::flush()
{
    for (const auto& [name, hub] : _hubs.all())
    {
        if (hub->writer.isDue())
        {
            settle(*hub);
        }
    }
    return work();
}

void RelayCore::Impl::settle(ShareHub& hub)
{
    ShareWriter::Outcome outcome = hub.writer.commit();
    for (const ShareWriter::Answer& answer : outcome.answers)
    {
        const auto session = _sessions.find(answer.connection);
        if (session != _sessions.end())
        {
            session->second->line().send(answer.result, Lane::Urgent);
        }
    }
    for (const auto& [connection, session] : _sessions)
    {
        session->sendUploadStates(hub);
    }
    if (!outcome.accepted.empty())
    {
        _log.debug("share " + hub.name + ": " + std::to_string(outcome.accepted.size()) +
                   " revisions up to " + std::to_string(outcome.accepted.back().revision.seq));
        forward(hub, std::move(outcome));
    }
}

void RelayCore::Impl::forward(const ShareHub& hub, ShareWriter::Outcome&& outcome)
{
    LiveBatch batch(hub.store, std::move(outcome.accepted), std::move(outcome.origins));
    for (auto it = _sessions.begin(); it != _sessions.end();)
    {
        Session& session = *(it++)->second;
        if (session.isLive(hub))
        {
            guarded(session, [&] { session.sendLive(hub, batch); });
        }
    }
}

/// One step for each session that can take one, for a bounded time: proposals must not wait until a thousand agents that
/// came back at once have been served.
bool RelayCore::Impl::work()
{
    bool more = false;
    const SteadyTime until = _clock.steady() + kWorkTime;
    auto next = _sessions.upper_bound(_worked);
    for (std::size_t left = _sessions.size(); left > 0; --left)
    {
        next = next == _sessions.end() ? _sessions.begin() : next;
        _worked = next->first;
        Session& session = *(next++)->second;
        guarded(session, [&] { more = session.work() || more; });
        if (left > 1 && _clock.steady() >= until)
        {
            return true;
        }
    }
    return more;
}

/// The shares take turns, so that one with much to do does not keep the others from it.
bool RelayCore::Impl::maintain()
{
    retryShares();
    const ShareHubs::Map& hubs = _hubs.all();
    auto next = hubs.upper_bound(_maintained);
    for (std::size_t i = 0; i < hubs.size(); ++i)
    {
        next = next == hubs.end() ? hubs.begin() : next;
        const auto& [name, hub] = *next++;
        if (maintain(*hub))
        {
            _maintained = name;
            return true;
        }
    }
    return false;
}

bool RelayCore::Impl::maintain(ShareHub& hub)
{
    if (hub.writer.isOpen())
    {
        settle(hub);
    }
    if (_clock.steady() < hub.upkeepAfter)
    {
        return false;
    }
    try
    {
        return hub.store.maintain(_clock.wallSeconds());
    }
    catch (const Error& error)
    {
        logWith(_log,
                Poco::Message::PRIO_ERROR,
                "share " + hub.name + ": upkeep failed: " + error.what(),
                {.event = LogEvent::StoreFailed, .share = hub.name});
        hub.upkeepAfter = _clock.steady() + kRetryInterval;
        return false;
    }
}

/// Whether a share is there is told in WELCOME only: who missed one is sent to ask again.
void RelayCore::Impl::retryShares()
{
    const SteadyTime now = _clock.steady();
    if (now < _retryAt)
    {
        return;
    }
    _retryAt = now + kRetryInterval;
    for (auto it = _sessions.begin(); it != _sessions.end();)
    {
        Session& session = *(it++)->second;
        const std::vector<std::string>& missed = session.missedShares();
        if (std::any_of(missed.begin(), missed.end(), [&](const std::string& share) {
                return canOpen(share);
            }))
        {
            end(session, ErrorCode::Internal, "a share that had failed can be used again");
        }
    }
}

bool RelayCore::Impl::canOpen(const std::string& share)
{
    try
    {
        return _hubs.open(share) != nullptr;
    }
    catch (const Error&)
    {
        return false;
    }
}

std::vector<SessionStatus> RelayCore::Impl::status() const
{
    std::vector<SessionStatus> result;
    for (const auto& [agent, connection] : _agents)
    {
        const Session& session = *_sessions.at(connection);
        SessionStatus& status = result.emplace_back();
        status.connection = connection;
        status.agent = agent;
        status.peer = session.peer();
        for (const auto& share : session.shares())
        {
            if (share)
            {
                const Feed* feed = std::as_const(*share).feed();
                status.shares.push_back(
                    {share->hub().name, share->reported(), feed != nullptr && feed->isLive()});
            }
        }
    }
    return result;
}

RelayCore::RelayCore(StoreProvider& stores,
                     const AccessPolicy& policy,
                     const Clock& clock,
                     RelayOutlet& outlet):
    _impl(std::make_unique<Impl>(stores, policy, clock, outlet))
{
}

RelayCore::~RelayCore() = default;

void RelayCore::onConnect(ConnectionId connection,
                          const std::string& peer,
                          const std::string& provenAgent)
{
    _impl->connect(connection, peer, provenAgent);
}

void RelayCore::onMessage(ConnectionId connection, Message&& message)
{
    _impl->message(connection, std::move(message));
}

void RelayCore::onViolation(ConnectionId connection, const std::string& reason)
{
    _impl->violation(connection, reason);
}

void RelayCore::onDisconnect(ConnectionId connection)
{
    _impl->disconnect(connection, "the connection was closed");
}

void RelayCore::onSent(ConnectionId connection, Lane lane, std::size_t bytes)
{
    _impl->sent(connection, lane, bytes);
}

void RelayCore::endAgents(const std::vector<std::string>& names)
{
    _impl->endAgents(names);
}

bool RelayCore::flush()
{
    return _impl->flush();
}

bool RelayCore::maintain()
{
    return _impl->maintain();
}

std::vector<SessionStatus> RelayCore::status() const
{
    return _impl->status();
}

} // namespace tidewire
