// Uploads of whole new contents that other connections may follow while they come.

#pragma once

#include "relay/session/RelayCore.h"
#include "relay/store/Store.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace tidewire {

/// One such upload, as its followers see it.
struct IncomingUpload
{
    enum class State : std::uint8_t
    {
        Coming,
        Accepted, ///< it is the content of revision `seq`
        Ended,    ///< it never will be one's
    };

    std::uint64_t number = 0;
    ConnectionId origin = 0;
    UploadedFile file;
    FrameId first = 0;
    std::uint32_t frames = 0; ///< that have come
    State state = State::Coming;
    Seq seq = 0;
    std::deque<std::shared_ptr<const Frame>> recent; ///< the last of the frames that have come

    /// Bytes of the content that have come.
    [[nodiscard]] std::uint64_t available() const;

    /// The frame when it is among the recent ones, else null.
    [[nodiscard]] std::shared_ptr<const Frame> find(FrameId id) const;
};

/// The incoming uploads of one share.
///
/// Frames are followed before they are durable: nothing is promised with them, and a follower believes nothing before it has a revision
/// whose hash is right.
///
/// Memory: of each of kMaxIncoming uploads at most kRecentFrames, and these only while somebody follows or may be about to; the numbers
///         of kMaxKnown that have ended.
/// Thread: one.
class IncomingUploads
{
public:
    static constexpr std::size_t kMaxIncoming = 4;
    static constexpr std::size_t kRecentFrames = 64;
    static constexpr std::size_t kMaxKnown = 64;

    /// The number of a new one; 0 when there is no room for it. One that the connection has begun for the same path ends.
    [[nodiscard]] std::uint64_t open(ConnectionId origin, const UploadedFile& file, FrameId first);

    /// Its next frame has been staged.
    void add(std::uint64_t number, Frame&& frame);

    /// It was proposed with that size, and is the content of revision `seq` if the batch lives.
    void propose(std::uint64_t number, std::uint64_t size, Seq seq);

    /// It will not become a content. Nothing for 0 or one that has ended.
    void end(std::uint64_t number);

    /// After a commit: what was proposed is accepted, or has ended.
    void settle(const std::vector<Accepted>& accepted);

    /// Those that nobody was told of yet.
    [[nodiscard]] std::vector<std::shared_ptr<const IncomingUpload>> takeNew();

    /// The upload that the content of a recent revision came with; 0: none.
    [[nodiscard]] std::uint64_t numberOf(Seq seq) const;

    /// Null for one that has ended without a revision, or is forgotten.
    [[nodiscard]] std::shared_ptr<const IncomingUpload> find(std::uint64_t number) const;

private:
    using Item = std::shared_ptr<IncomingUpload>;

    std::map<std::uint64_t, Item> _items;
    std::vector<Item> _untold;
    std::map<std::uint64_t, Item> _proposed;
    std::deque<std::pair<std::uint64_t, Seq>> _accepted; // the last ones
    std::uint64_t _next = 1;
};

} // namespace tidewire
