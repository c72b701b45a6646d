// Frames and proposals of one connection in one share.

#include "relay/session/SessionShare.h"

#include "shared/wire/FrameCodec.h"

#include <utility>

namespace tidewire {

SessionShare::SessionShare(ShareHub& hub, ShareNumber number, bool mayWrite):
    _hub(hub),
    _number(number),
    _mayWrite(mayWrite),
    _uploads(hub.writer, number, mayWrite)
{
}

void SessionShare::startFeed(Seq cursor, Seq resetHead)
{
    _feed.emplace(_hub.store, _number, cursor, resetHead);
}

void SessionShare::onFrame(const FrameMessage& message)
{
    if (message.use != FrameUse::Live)
    {
        throw ProtocolError("FRAME for contents from an agent");
    }
    if (!hasGoodChecksum(message.frame))
    {
        throw ProtocolError("FRAME with a wrong checksum");
    }
    const FrameId storeId = _mayWrite ? _hub.writer.addFrame(message.frame) : 0;
    _frames.push(message.id, storeId, message.frame.rawLength, _hub.writer.fate());
}

void SessionShare::onPropose(const std::string& agent,
                             ConnectionId connection,
                             ProposeMessage& message)
{
    ResultMessage answer;
    answer.share = _number;
    answer.results.reserve(message.proposals.size());
    for (Proposal& proposal : message.proposals)
    {
        answer.results.push_back(decide(agent, connection, proposal));
    }
    _hub.writer.answer(connection, std::move(answer));
}

Refusal SessionShare::prepare(Proposal& proposal) const
{
    if (!_mayWrite)
    {
        return Refusal::NotAllowed;
    }
    if (proposal.upload)
    {
        return _uploads.hasFailed(*proposal.upload) ? Refusal::StorageFull : Refusal::None;
    }
    return _frames.translate(proposal);
}

ProposalResult
SessionShare::decide(const std::string& agent, ConnectionId connection, Proposal& proposal)
{
    ProposalResult result;
    result.id = proposal.id;
    result.refusal = prepare(proposal);
    if (result.refusal == Refusal::None)
    {
        result = _hub.writer.propose(agent, connection, proposal);
    }
    if (proposal.upload)
    {
        _uploads.end(*proposal.upload);
    }
    return result;
}

} // namespace tidewire
