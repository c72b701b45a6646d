// The fetches of one connection, served in slices of at most one frame, in turns.

#pragma once

#include "relay/session/FetchPlan.h"
#include "relay/session/Line.h"
#include "relay/session/SentFrames.h"
#include "shared/base/Errors.h"

#include <cstdint>
#include <list>
#include <optional>
#include <vector>

namespace tidewire {

/// Serves one fetch after another, a slice each, while the connection has room and credit.
///
/// A frame of which the next fetches want little is not sent: its bytes go as literals. The fetches that wait next are planned
/// ahead, so that files that share a frame are served together and the frame is sent once.
///
/// Ownership: borrows the stores.
/// Errors:    ProtocolError for more than kMaxQueuedFetches, an id in use, an offset behind the end; those of the store's
///            reading, but a damaged frame ends only its fetch, with Gone, and a revision that upkeep has rewritten
///            meanwhile is planned anew.
/// Cost:      at most kMaxQueuedFetches, and 3 * kMaxPieces operations of those planned ahead; a slice reads up to 8 frames.
class FetchQueue
{
public:
    void add(const Store& store, ShareNumber share, const FetchMessage::Item& item);

    /// Answered with Gone in its turn; nothing when the fetch has ended.
    void cancel(std::uint32_t id);

    /// Takes CREDIT in.
    void addCredit(std::uint32_t bytes);

    /// There is something to send and room for it.
    [[nodiscard]] bool canServe(const Line& line) const;

    /// Sends one slice; call it when canServe().
    void serve(Line& line);

private:
    struct Fetch
    {
        FetchMessage::Item item;
        ShareNumber share = 0;
        const Store* store = nullptr;
        std::optional<FetchPlan> plan;
        std::uint64_t sent = 0; // bytes of the content that were sent, `item.offset` included
        bool ended = false;     // cancelled or gone: to be answered with Gone
    };
    using Position = std::list<Fetch>::iterator;

    /// A frame that was just read, and its raw bytes once they were needed.
    struct ReadFrame
    {
        SentFrames::Key key;
        Frame frame;
        Bytes raw;
    };

    /// What a slice is made of.
    struct Slice
    {
        ContentMessage content;
        std::vector<FrameId> used;     // frames of the window that `content` names
        std::vector<FrameId> literals; // frames that go as literals in this slice
        std::size_t reads = 0;
        bool sentFrame = false;
    };

    void plan(Fetch& fetch);
    void planAhead();
    void forgetPlan(Fetch& fetch);
    Position choose();
    void sendSlice(Line& line, Fetch& fetch);
    void addPieces(Line& line, Fetch& fetch, Slice& slice);
    void planAnew(Fetch& fetch, const CorruptError& error);
    bool addPiece(Line& line, Fetch& fetch, Slice& slice);
    bool addLiteral(Fetch& fetch, Slice& slice, const Op& piece);
    bool canBringIn(const Fetch& fetch, const Slice& slice) const;
    bool isWorthWhole(const Fetch& fetch, const Op& piece);
    ReadFrame& read(const Fetch& fetch, FrameId frame, Slice& slice);
    void sendFrame(Line& line, const Fetch& fetch, FrameId frame, Slice& slice);
    void sendContent(Line& line, const ContentMessage& content);

    std::list<Fetch> _fetches; // in the order of their turns
    SentFrames _window;
    std::int64_t _credit = kFetchCredit; // a slice may overdraw it
    std::size_t _heldOps = 0;
    std::optional<ReadFrame> _read;
};

} // namespace tidewire
