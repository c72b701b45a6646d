// One connection of an agent: the order of messages and what each of them does.

#pragma once

#include "relay/session/FetchQueue.h"
#include "relay/session/LiveBatch.h"
#include "relay/session/SessionShare.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace tidewire {

/// The protocol of one connection, passive.
///
/// Ownership: borrows hubs, policy and outlet.
/// Errors:    ProtocolError when the peer broke a rule, other Errors when a store could not be read: the
///            session must end then.
class Session
{
public:
    /// `provenAgent`: the name that HELLO must give; empty when any will do.
    Session(RelayOutlet& outlet,
            ConnectionId connection,
            std::string peer,
            std::string provenAgent);

    [[nodiscard]] Line& line() { return _line; }
    [[nodiscard]] const Line& line() const { return _line; }
    [[nodiscard]] const std::string& peer() const { return _peer; }

    /// Whose key the peer has proven; empty when none was proven.
    [[nodiscard]] const std::string& provenAgent() const { return _provenAgent; }

    /// Empty before HELLO.
    [[nodiscard]] const std::string& agent() const { return _agent; }

    /// The first message: names the agent and opens its shares; answered by WELCOME.
    void greet(const HelloMessage& hello, ShareHubs& hubs, const AccessPolicy& policy);

    /// Any further message.
    void onMessage(Message& message);

    /// After a commit of `hub`: sends the UPLOAD_STATEs that are due.
    void sendUploadStates(const ShareHub& hub);

    /// The share of `hub` when its feed is live, else null.
    [[nodiscard]] bool isLive(const ShareHub& hub) const;

    /// Sends new revisions to the live feed of `hub`, or lets it fall behind when too much is queued.
    void sendLive(const ShareHub& hub, LiveBatch& batch);

    /// One step of every feed that catches up, and one slice of a fetch. True when more could be done at once.
    bool work();

    /// The shares; null for one that is unknown to the agent.
    [[nodiscard]] const std::vector<std::unique_ptr<SessionShare>>& shares() const
    {
        return _shares;
    }

    /// Shares whose stores could not be opened; Unknown for the agent.
    [[nodiscard]] const std::vector<std::string>& missedShares() const { return _missedShares; }

private:
    WelcomeMessage::Share
    openShare(const HelloMessage::Share& wanted, ShareHubs& hubs, const AccessPolicy& policy);
    [[nodiscard]] SessionShare& share(ShareNumber number) const;
    [[nodiscard]] SessionShare* find(const ShareHub& hub) const;

    void on(FrameMessage& message);
    void on(ProposeMessage& message);
    void on(const CursorMessage& message);
    void on(const FetchMessage& message);
    void on(const CreditMessage& message);
    void on(const CancelMessage& message);
    void on(const UploadOpenMessage& message);
    void on(const UploadFrameMessage& message);
    void on(const PingMessage& message);
    void on(const PongMessage& /*message*/) {}

    /// Messages that only a relay sends, a second HELLO, and ERROR, which the core has taken out before.
    template <typename Other>
    void on(const Other& message);

    Line _line;
    const std::string _peer;
    const std::string _provenAgent;
    std::string _agent;
    std::vector<std::unique_ptr<SessionShare>> _shares; // by their number in HELLO
    std::vector<std::string> _missedShares;
    SentFrames _liveWindow;
    FetchQueue _fetches;
};

} // namespace tidewire
