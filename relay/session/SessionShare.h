// One share of one connection: its frames and uploads on the way up, its feed on the way down.

#pragma once

#include "relay/session/Feed.h"
#include "relay/session/SessionUploads.h"
#include "relay/session/ShareHub.h"
#include "relay/session/UpWindow.h"

#include <optional>
#include <string>

namespace tidewire {

/// Errors: ProtocolError for messages that break the rules.
class SessionShare
{
public:
    SessionShare(ShareHub& hub, ShareNumber number, bool mayWrite);

    [[nodiscard]] ShareHub& hub() const { return _hub; }
    [[nodiscard]] ShareNumber number() const { return _number; }

    /// The feed, or null for an agent that wants none.
    [[nodiscard]] Feed* feed() { return _feed ? &*_feed : nullptr; }
    [[nodiscard]] const Feed* feed() const { return _feed ? &*_feed : nullptr; }
    void startFeed(Seq cursor, Seq resetHead);

    void onFrame(const FrameMessage& message);
    void onPropose(const std::string& agent, ConnectionId connection, ProposeMessage& message);
    [[nodiscard]] SessionUploads& uploads() { return _uploads; }

    /// Where the agent says it is.
    [[nodiscard]] Seq reported() const { return _reported; }
    void onCursor(Seq cursor) { _reported = cursor; }

private:
    ProposalResult decide(const std::string& agent, ConnectionId connection, Proposal& proposal);
    [[nodiscard]] Refusal prepare(Proposal& proposal) const;

    ShareHub& _hub;
    const ShareNumber _number;
    const bool _mayWrite;
    UpWindow _frames;
    SessionUploads _uploads;
    std::optional<Feed> _feed;
    Seq _reported = 0;
};

} // namespace tidewire
