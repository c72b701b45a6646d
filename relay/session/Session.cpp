// Hands each message to the share, feed or fetch that it is for.

#include "relay/session/Session.h"

#include "relay/session/Welcome.h"
#include "shared/base/Errors.h"
#include "shared/daemon/LogEvent.h"

#include <Poco/Logger.h>

#include <utility>
#include <variant>

namespace tidewire {

Session::Session(RelayOutlet& outlet,
                 ConnectionId connection,
                 std::string peer,
                 std::string provenAgent):
    _line(outlet, connection),
    _peer(std::move(peer)),
    _provenAgent(std::move(provenAgent))
{
}

void Session::greet(const HelloMessage& hello, ShareHubs& hubs, const AccessPolicy& policy)
{
    checkHello(hello);
    if (!_provenAgent.empty() && hello.agent != _provenAgent)
    {
        throw ProtocolError(
            "HELLO names another agent than the key does: the relay knows the key as " +
            _provenAgent);
    }
    _agent = hello.agent;
    WelcomeMessage welcome;
    for (const HelloMessage::Share& wanted : hello.shares)
    {
        welcome.shares.push_back(openShare(wanted, hubs, policy));
    }
    _line.send(welcome, Lane::Urgent);
}

WelcomeMessage::Share
Session::openShare(const HelloMessage::Share& wanted, ShareHubs& hubs, const AccessPolicy& policy)
{
    const auto number = static_cast<ShareNumber>(_shares.size());
    const ShareRight right = policy.right(_agent, wanted.name);
    ShareHub* hub = nullptr;
    WelcomeMessage::Share welcome;
    try
    {
        hub = right.read ? hubs.open(wanted.name) : nullptr;
        welcome = hub == nullptr ? welcome : welcomeTo(hub->store, wanted);
    }
    catch (const Error& error)
    {
        // The agent's other shares must not suffer for it.
        logWith(Poco::Logger::get("relay.session"),
                Poco::Message::PRIO_ERROR,
                "share " + wanted.name + " cannot be used: " + error.what(),
                {.event = LogEvent::StoreFailed, .share = wanted.name, .peer = _agent});
        _missedShares.push_back(wanted.name);
        hub = nullptr;
    }
    if (hub == nullptr)
    {
        _shares.push_back(nullptr);
        return {};
    }
    welcome.readOnly = !right.write;
    auto opened = std::make_unique<SessionShare>(*hub, number, right.write);
    if (wanted.wantsFeed)
    {
        const bool reset = welcome.status == ShareStatus::Reset;
        opened->startFeed(reset ? 0 : wanted.cursor, reset ? welcome.head : 0);
    }
    _shares.push_back(std::move(opened));
    return welcome;
}

SessionShare& Session::share(ShareNumber number) const
{
    if (number >= _shares.size() || !_shares[number])
    {
        throw ProtocolError("share number " + std::to_string(number) + " is not open");
    }
    return *_shares[number];
}

SessionShare* Session::find(const ShareHub& hub) const
{
    for (const auto& opened : _shares)
    {
        if (opened && &opened->hub() == &hub)
        {
            return opened.get();
        }
    }
    return nullptr;
}

template <typename Other>
void Session::on(const Other& message)
{
    throw ProtocolError(std::string(messageName(static_cast<std::uint8_t>(typeOf(message)))) +
                        " out of place");
}

void Session::onMessage(Message& message)
{
    std::visit([this](auto& body) { on(body); }, message);
}

void Session::on(FrameMessage& message)
{
    share(message.share).onFrame(message);
}

void Session::on(ProposeMessage& message)
{
    share(message.share).onPropose(_agent, _line.connection(), message);
}

void Session::on(const CursorMessage& message)
{
    share(message.share).onCursor(message.cursor);
}

void Session::on(const FetchMessage& message)
{
    const SessionShare& from = share(message.share);
    for (const FetchMessage::Item& item : message.items)
    {
        _fetches.add(from.hub().store, message.share, item);
    }
}

void Session::on(const CreditMessage& message)
{
    _fetches.addCredit(message.bytes);
}

void Session::on(const CancelMessage& message)
{
    _fetches.cancel(message.id);
}

void Session::on(const UploadOpenMessage& message)
{
    share(message.share).uploads().open(_agent, message);
}

void Session::on(const UploadFrameMessage& message)
{
    share(message.share).uploads().add(_agent, message);
}

void Session::on(const PingMessage& message)
{
    _line.send(PongMessage{message.token}, Lane::Urgent);
}

void Session::sendUploadStates(const ShareHub& hub)
{
    SessionShare* opened = find(hub);
    if (opened == nullptr)
    {
        return;
    }
    for (const UploadStateMessage& state : opened->uploads().takeStates())
    {
        _line.send(state, Lane::Urgent);
    }
}

bool Session::isLive(const ShareHub& hub) const
{
    const SessionShare* opened = find(hub);
    return opened != nullptr && opened->feed() != nullptr && opened->feed()->isLive();
}

void Session::sendLive(const ShareHub& hub, LiveBatch& batch)
{
    SessionShare& opened = *find(hub);
    if (_line.queued(Lane::Urgent) >= kLiveBytes)
    {
        opened.feed()->fallBehind();
        return;
    }
    batch.send(_line, opened.number(), _liveWindow);
    opened.feed()->moveTo(batch.cursor(), batch.newestFrame());
}

bool Session::work()
{
    bool more = false;
    for (const auto& opened : _shares)
    {
        Feed* feed = opened ? opened->feed() : nullptr;
        if (feed == nullptr || !feed->canCatchUp(_line))
        {
            continue;
        }
        feed->catchUp(_line, _agent, _liveWindow);
        more = more || feed->canCatchUp(_line);
    }
    if (_fetches.canServe(_line))
    {
        _fetches.serve(_line);
        more = more || _fetches.canServe(_line);
    }
    return more;
}

} // namespace tidewire
