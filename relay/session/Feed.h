// One connection's cursor in one share: what it gets next.

#pragma once

#include "relay/session/Line.h"
#include "relay/store/Store.h"

#include <string>
#include <unordered_map>
#include <unordered_set>

namespace tidewire {

/// Walks the journal from a cursor to its head; there it is live, and new revisions are pushed by LiveBatch.
///
/// Catching up reads the heads only: of ten revisions of one path the newest is sent. A folder that was touched after its entries
/// stands behind them in the journal, so it is sent before them a first time.
///
/// Ownership: borrows the store.
/// Errors:    those of the store's reading; Error when tombstones were dropped meanwhile that were still to be sent: the
///            connection has to end, and the agent gets a Reset when it comes back.
/// Cost:      a step reads and sends up to 512 revisions and their folders.
class Feed
{
public:
    /// Starts after `cursor`. Up to `resetHead` tombstones are left out: the agent compares itself with the
    /// list of heads. What was deleted after that head it has to be told, as it may have been sent before.
    Feed(const Store& store, ShareNumber share, Seq cursor, Seq resetHead);

    [[nodiscard]] bool isLive() const { return _live; }
    [[nodiscard]] Seq cursor() const { return _cursor; }

    /// One step towards the head.
    void catchUp(Line& line);

    /// Live: everything up to `cursor` was sent.
    void moveTo(Seq cursor) { _cursor = cursor; }

    /// The connection is too slow for live revisions.
    void fallBehind() { _live = false; }

private:
    /// What one step knows of folders.
    struct Step
    {
        RevisionsMessage message;
        std::size_t bytes = 0;
        std::unordered_set<RelativePath> sent;              // in this step, of any kind
        std::unordered_map<RelativePath, Revision> folders; // heads of parents; looked up once
    };

    void addParents(Line& line, Step& step, const Revision& revision);
    void add(Line& line, Step& step, const Revision& revision);
    void send(Line& line, Step& step, bool live);
    [[nodiscard]] const Revision* folderHead(Step& step, const RelativePath& path) const;

    const Store& _store;
    const ShareNumber _share;
    Seq _cursor;
    const Seq _resetHead;
    const Seq _startFloor; // the store's floor when the feed began
    bool _live = false;
};

} // namespace tidewire
