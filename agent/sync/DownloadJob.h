// Makes a large content in a temporary file, part by part as it comes from the relay or from local files.

#pragma once

#include "agent/state/Index.h"
#include "agent/sync/Job.h"
#include "agent/sync/Placement.h"
#include "shared/delta/ContentWriter.h"
#include "shared/model/Entry.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidewire {

/// A frame that several owners look at.
using SharedFrame = std::shared_ptr<const Frame>;

/// The next operations of a content, with all that they name.
struct ContentChunk
{
    Delta ops; ///< Data names a frame of `frames`, or kLiteralFrame for `literal`
    std::vector<std::pair<FrameId, SharedFrame>> frames;
    Bytes literal;
    std::uint32_t credit = 0; ///< bytes to grant to the relay once it is digested
};

/// What is to be made.
struct DownloadRequest
{
    RelativePath path; ///< for whom; the job does not touch it
    Seq seq = 0;
    Entry entry;
    RelativePath temporary;     ///< is made, or gone on with when it exists
    std::uint64_t resumeAt = 0; ///< bytes of it that stand already
    RelativePath basePath;      ///< what Copy reads; root: nothing
    LocalIdentity baseIdentity;
};

enum class DownloadStatus : std::uint8_t
{
    Hungry,   ///< all chunks are digested, more are needed
    Finished, ///< content complete, right, and durable
    WrongContent,
    BaseChanged,
    Failed, ///< see `error`
};

/// One content under way. Chunks are added while the job is not with a worker.
class DownloadJob: public Job
{
public:
    using Done = std::function<void(std::unique_ptr<DownloadJob>)>;

    DownloadJob(FileSystem& files, ModePolicy modes, DownloadRequest request, Done done);

    [[nodiscard]] JobWeight weight() const override { return JobWeight::Heavy; }
    bool step() override;
    void finish(JobPtr self) override;

    /// To be called between finish() and the next submit().
    void add(ContentChunk chunk) { _chunks.push_back(std::move(chunk)); }

    [[nodiscard]] bool hasChunks() const { return !_chunks.empty(); }

    /// Credit of the chunks that were not digested.
    [[nodiscard]] std::uint32_t undigested() const;

    [[nodiscard]] const DownloadRequest& request() const { return _request; }

    // --- results ---
    DownloadStatus status = DownloadStatus::Failed;
    std::string error;
    int code = 0;
    std::uint32_t digested = 0; ///< credit of the chunks that were digested; the taker sets it to 0
    std::optional<Signature> signature; ///< Finished

private:
    bool open();
    void apply(ContentChunk& chunk);
    void writeRun(const ContentChunk& chunk, const Op& op);
    ByteView unpacked(const SharedFrame& frame);
    bool complete();
    bool end(DownloadStatus result);

    FileSystem& _files;
    const ModePolicy _modes;
    DownloadRequest _request;
    Done _done;
    std::deque<ContentChunk> _chunks;
    std::size_t _nextOp = 0;     // of the first chunk
    std::uint64_t _doneOfOp = 0; // bytes of that operation
    SharedFrame _lastFrame;      // many operations in a row read the same one
    ByteView _lastRaw;           // its raw bytes: its own, or those in _buffer
    Bytes _buffer;
    std::unique_ptr<File> _out;
    std::unique_ptr<File> _base;
    std::unique_ptr<ContentWriter> _writer;
};

} // namespace tidewire
