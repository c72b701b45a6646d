// Contents on their way from the relay: what was asked for, and what came.

#pragma once

#include "agent/sync/DownloadJob.h"
#include "agent/sync/ReceivedFrames.h"
#include "agent/sync/ShareContext.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <unordered_map>
#include <vector>

namespace tidewire {

/// A small content, ready to be made: Data operations address `bytes` by their offset, frame is 0.
struct InlineContent
{
    Delta ops;
    Bytes bytes;
};

/// Adds operations whose Data name frames of `window` (or the literal) to a content.
///
/// Errors: ProtocolError for a frame that is not there or is too short; CorruptError for a damaged one.
void appendInline(InlineContent& content,
                  const Delta& ops,
                  ShareNumber share,
                  ReceivedFrames& window,
                  ByteView literal);

/// State of a connection that its shares have in common.
struct ConnectionState
{
    ReceivedFrames live;
    ReceivedFrames fetched;
    std::uint32_t nextFetch = 1;
    std::size_t fetches = 0;       ///< that have not ended; at most kMaxFetches
    std::uint32_t frameCredit = 0; ///< bytes of FRAMEs that no CONTENT has used yet
    std::uint32_t credit = 0;      ///< digested, not yet granted

    /// Below the relay's limit, so that large downloads find room beside small ones.
    static constexpr std::size_t kMaxFetches = 512;

    void reset() { *this = ConnectionState(); }
};

/// The fetches of one share. Small contents are gathered here, large ones handed over as they come.
///
/// Memory: small contents of kMaxSmallBytes in all, waiting requests as many as the downlink has work.
/// Thread: sync.
class Fetcher
{
public:
    static constexpr std::uint64_t kMaxSmallBytes = 4 << 20;

    struct Callbacks
    {
        std::function<void(const RelativePath&, Seq, InlineContent)> onSmall;
        std::function<void(const RelativePath&, Seq, ContentChunk)> onChunk;
        std::function<void(const RelativePath&, Seq)> onGone;
    };

    struct Wanted
    {
        RelativePath path;
        Seq seq = 0;
        Seq base = 0;
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
        bool large = false;
    };

    Fetcher(ShareContext& share, ConnectionState& connection, Callbacks callbacks);

    /// Asks for a content; small ones wait their turn.
    void want(Wanted wanted);

    /// The content is no longer wanted.
    void cancel(const RelativePath& path);

    /// True when the message belongs to this share.
    bool onContent(ContentMessage& message, std::uint32_t bodyBytes);

    /// Sends the requests that there is room for.
    void pump();

    /// Grants the relay what was digested.
    void grant(std::uint32_t bytes);

    void onDisconnected();

    /// Contents that are asked for, or wait to be.
    [[nodiscard]] std::size_t size() const { return _waiting.size() + _fetches.size(); }

private:
    struct Fetch
    {
        Wanted wanted;
        InlineContent content;
        std::uint64_t length = 0; ///< that `content` makes so far
        bool cancelled = false;
    };

    [[nodiscard]] ContentChunk chunkOf(ContentMessage& message, std::uint32_t credit) const;
    void addSmall(Fetch& fetch, const ContentMessage& message);
    void onEnd(Fetch&& fetch, ContentStatus status);

    ShareContext& _share;
    ConnectionState& _connection;
    const Callbacks _callbacks;
    std::deque<Wanted> _waiting;
    std::unordered_map<std::uint32_t, Fetch> _fetches;
    std::uint64_t _smallBytes = 0;
};

} // namespace tidewire
