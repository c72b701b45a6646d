// The literal bytes of one large file on their way to the relay, resumable.

#pragma once

#include "agent/sync/ReadJob.h"
#include "agent/sync/ShareContext.h"

#include <xxhash.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace tidewire {

using UploadToken = std::array<std::uint8_t, 16>;

/// Name of the upload of a file in a certain state: the same file unchanged gives the same name, so that a broken upload is found again.
[[nodiscard]] UploadToken uploadToken(const RelativePath& path, const FileStat& stat, Seq base);

/// Takes the frames of a ReadJob as they come, leaves out those the relay holds already, and sends the others on Lane::Bulk within the window.
///
/// Memory: kAhead frames beyond what a step of the job yields.
class Upload
{
public:
    /// Frames that may wait here before the job is made to wait.
    static constexpr std::size_t kAhead = 8;

    enum class Outcome : std::uint8_t
    {
        Going,
        Failed,   ///< the relay cannot store it now: try again later
        Mismatch, ///< what the relay holds is of another content: begin anew with `restart`
    };

    /// Sends UPLOAD_OPEN.
    Upload(ShareContext& share, const UploadToken& token, std::uint64_t fileSize, bool restart);

    [[nodiscard]] const UploadToken& token() const { return _token; }
    [[nodiscard]] std::uint64_t fileSize() const { return _fileSize; }

    /// The relay's word on how much it holds.
    [[nodiscard]] Outcome onState(const UploadStateMessage& state);

    /// Takes the next frames of the stream.
    void add(std::vector<Frame> frames);

    /// Keeps the job that makes the frames, and lets it go on when there is room for more.
    [[nodiscard]] Outcome park(std::unique_ptr<ReadJob> job);

    /// The proposal that ends the upload; it follows the last frame.
    [[nodiscard]] Outcome complete(Proposal proposal);

    /// True once the proposal is sent: the upload object can go.
    [[nodiscard]] bool isSent() const { return _sent; }

    /// Going until something else was returned.
    [[nodiscard]] Outcome outcome() const { return _outcome; }

    /// True while the job that makes the frames waits here.
    [[nodiscard]] bool isReading() const { return _waiting != nullptr; }

    [[nodiscard]] std::uint64_t bytesSent() const { return _bytes; }

private:
    Outcome pump();
    Outcome end(Outcome outcome) { return _outcome = outcome; }
    bool skipHeld(const Frame& frame);

    ShareContext& _share;
    const UploadToken _token;
    const std::uint64_t _fileSize;
    std::unique_ptr<ReadJob> _waiting;
    std::deque<Frame> _frames;
    std::uint32_t _next = 0; // index of the first of _frames
    std::uint32_t _held = 0; // frames that the relay had when the upload was opened
    std::uint64_t _heldDigest = 0;
    std::uint32_t _granted = 0; // frames that the relay has taken
    std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> _digest; // of the held frames
    bool _opened = false;
    bool _sent = false;
    Outcome _outcome = Outcome::Going;
    std::uint64_t _bytes = 0;
    std::optional<Proposal> _proposal;
};

} // namespace tidewire
