// Gathers proposals and their literal bytes into solid frames and messages.

#pragma once

#include "agent/sync/ShareContext.h"
#include "shared/wire/FrameCodec.h"

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tidewire {

/// Proposals leave in the order of add(): a folder before what is in it, a new name before the old
/// one goes. Small literals share a frame, so that many small similar files compress together; those that do not compress
/// share another one, which costs neither side any work and leaves the first one whole.
///
/// Memory: kMaxBatches batches of two frames each; hasRoom() tells.
/// Thread: sync.
class ProposalBatcher
{
public:
    static constexpr std::size_t kMaxBatches = 6;
    static constexpr std::size_t kMaxProposals = 512;
    static constexpr std::size_t kMaxOps = 65536;

    /// Bytes of paths and link targets: with the operations they stay far below kMaxMessageBytes.
    static constexpr std::size_t kMaxTextBytes = 1 << 20;

    /// A frame of up to this size is packed on the spot: quicker than a trip to a worker.
    static constexpr std::size_t kPackInline = 8 << 10;

    explicit ProposalBatcher(ShareContext& share): _share(share) {}

    [[nodiscard]] bool hasRoom() const { return _batches.size() < kMaxBatches; }

    /// `literal` is the stream that the proposal's Data operations address (frame 0 from its start);
    /// at most kFrameBytes.
    void add(Proposal proposal, ByteView literal);

    /// Sends what has been gathered: nothing more is about to come.
    void flush();

    /// The connection is gone, and with it all that was not sent.
    void reset();

    /// Literal bytes and proposals sent since the last call.
    struct Sent
    {
        std::size_t proposals = 0;
        std::uint64_t bytes = 0;
    };
    Sent takeSent() { return std::exchange(_sent, Sent{}); }

private:
    /// What compresses, and what does not.
    static constexpr std::size_t kStreams = 2;
    using Streams = std::array<Bytes, kStreams>;
    using Frames = std::array<std::optional<Frame>, kStreams>; // none of an empty stream

    struct Batch
    {
        Streams raw;
        Frames frames;
        std::vector<Proposal> proposals; // their Data name the stream instead of the frame
        std::size_t ops = 0;
        std::size_t text = 0;
        bool closed = false;
        bool packed = false;
    };
    class PackJob;

    [[nodiscard]] static Frames pack(const Streams& raw, PackEffort effort);
    void close(PackEffort effort);
    void sendReady();
    void send(Batch& batch);

    ShareContext& _share;
    std::deque<std::shared_ptr<Batch>> _batches; // the last one may be open
    FrameId _nextFrame = 0;
    Sent _sent;
};

} // namespace tidewire
