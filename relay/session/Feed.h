// One connection's cursor in one share: what it gets next.

#pragma once

#include "relay/session/Line.h"
#include "relay/session/SentFrames.h"
#include "relay/store/Store.h"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace tidewire {

/// Walks the journal from a cursor to its head; there it is live, and new revisions are pushed by LiveBatch.
///
/// Catching up reads the heads only: of ten revisions of one path the newest is sent. A folder that was touched after its entries
/// stands behind them in the journal, so it is sent before them a first time.
///
/// A feed that was live and fell behind sends small contents along as a live one does, as far as they are made of frames alone that are
/// newer than those it has sent: the agent has hardly got these from elsewhere. Anything else, and all of a feed that has just begun, goes as
/// metadata: the agent may have the content, or something to make it of, and asks for what it lacks.
///
/// Ownership: borrows the store.
/// Errors:    those of the store's reading, but a damaged frame is logged and its revision goes without content; Error when
///            tombstones were dropped meanwhile that were still to be sent: the connection has to end, and the agent gets a
///            Reset when it comes back.
/// Cost:      a step reads and sends up to 512 revisions and their folders; with contents up to 128, and 256 KiB of frames and one
///            content more.
class Feed
{
public:
    /// Starts after `cursor`. Up to `resetHead` tombstones are left out: the agent compares itself with the
    /// list of heads. What was deleted after that head it has to be told, as it may have been sent before.
    Feed(const Store& store, ShareNumber share, Seq cursor, Seq resetHead);

    [[nodiscard]] bool isLive() const { return _live; }
    [[nodiscard]] Seq cursor() const { return _cursor; }

    /// True when it is behind and the connection has room for a step.
    [[nodiscard]] bool canCatchUp(const Line& line) const;

    /// One step towards the head. `agent` is whom it is for: its own contents are not sent back to it.
    void catchUp(Line& line, const std::string& agent, SentFrames& window);

    /// Live: everything up to `cursor` was sent, and `newestFrame` (0: none) or older frames with it.
    void moveTo(Seq cursor, FrameId newestFrame);

    /// The connection is too slow for live revisions.
    void fallBehind() { _live = false; }

private:
    /// What one step has read and is going to send.
    struct Step
    {
        Line& line;
        const std::string& agent;
        SentFrames& window;
        RevisionsMessage message;
        std::vector<FrameId> named;      // by the message
        std::map<FrameId, Frame> loaded; // of those named
        std::size_t bytes = 0;
        std::unordered_set<RelativePath> sent;              // in this step, of any kind
        std::unordered_map<RelativePath, Revision> folders; // heads of parents; looked up once
    };

    void addParents(Step& step, const Revision& revision);
    void add(Step& step, const Revision& revision);
    void addContent(Step& step, RevisionsMessage::Item& item);
    [[nodiscard]] std::optional<Recipe> newContent(const Step& step,
                                                   const Revision& revision) const;
    bool loadFrames(Step& step, const std::vector<FrameId>& frames) const;
    void send(Step& step, bool live);
    [[nodiscard]] const Revision* folderHead(Step& step, const RelativePath& path) const;

    const Store& _store;
    const ShareNumber _share;
    Seq _cursor;
    const Seq _resetHead;
    const Seq _startFloor;    // the store's floor when the feed began
    FrameId _newestFrame = 0; // of those that were sent; 0: nothing is known of what the agent has
    bool _live = false;
};

} // namespace tidewire
