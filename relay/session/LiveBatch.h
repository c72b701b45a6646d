// The revisions of one commit on their way to all live feeds: encoded once, shared by all.

#pragma once

#include "relay/session/Line.h"
#include "relay/session/SentFrames.h"
#include "relay/session/ShareWriter.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidewire {

/// Most stored bytes of frames that go inline with the revisions of one commit.
inline constexpr std::size_t kInlineBytes = 4 << 20;

/// Cuts a commit's revisions into messages and sends them, with the frames that a connection lacks before them.
///
/// The encoded messages differ between connections only by the share's number and by the connection's own changes, which are left out.
///
/// Ownership: borrows the store; lives for one flush.
/// Errors:    a damaged frame is logged and its revision goes without its delta.
/// Cost:      reads at most kInlineBytes and one frame, once, and nothing when nobody but the author listens.
class LiveBatch
{
public:
    LiveBatch(const Store& store,
              std::vector<Accepted> accepted,
              std::unordered_map<Seq, ConnectionId> origins);

    /// Sends everything but the connection's own revisions; the last message says live.
    void send(Line& line, ShareNumber share, SentFrames& window);

    /// The cursor after send().
    [[nodiscard]] Seq cursor() const { return _accepted.back().revision.seq; }

    /// The newest frame that the commit's deltas name; 0 when there is none.
    [[nodiscard]] FrameId newestFrame() const;

private:
    /// Revisions of one message.
    struct Chunk
    {
        std::size_t begin = 0;
        std::size_t end = 0;
    };

    void planInline();
    bool loadFrames(const std::vector<FrameId>& frames, std::size_t& bytes);
    void cut();

    [[nodiscard]] bool isOwn(std::size_t index, ConnectionId connection) const;
    [[nodiscard]] bool isAllOwn(ConnectionId connection) const;
    [[nodiscard]] bool hasOwn(const Chunk& chunk, ConnectionId connection) const;
    [[nodiscard]] std::vector<FrameId> framesOf(const Chunk& chunk, const Line& line) const;
    [[nodiscard]] RevisionsMessage
    message(const Chunk& chunk, ShareNumber share, const Line& line) const;
    std::shared_ptr<const Bytes> frameMessage(ShareNumber share, FrameId id);
    std::shared_ptr<const Bytes>
    revisionsMessage(std::size_t chunk, ShareNumber share, const Line& line);

    const Store& _store;
    const std::vector<Accepted> _accepted;
    const std::unordered_map<Seq, ConnectionId> _origins;
    std::vector<std::vector<FrameId>> _frames; // per revision: those that its delta names
    std::vector<bool> _inline;                 // per revision: the delta goes with it
    std::map<FrameId, Frame> _loaded;
    std::vector<Chunk> _chunks; // planned when the first connection needs them
    std::map<std::pair<ShareNumber, FrameId>, std::shared_ptr<const Bytes>> _frameMessages;
    std::map<std::pair<ShareNumber, std::size_t>, std::shared_ptr<const Bytes>> _revisionsMessages;
};

} // namespace tidewire
