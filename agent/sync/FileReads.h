// The reading of changed files, and the uploads that large ones need.

#pragma once

#include "agent/sync/ReadJob.h"
#include "agent/sync/ShareContext.h"
#include "agent/sync/Upload.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>

namespace tidewire {

/// How a file is to be read.
struct ReadPlan
{
    bool forced = false;        ///< although somebody has it open for writing
    bool withBase = true;       ///< find a delta, when there is a base
    bool withAppend = true;     ///< try the fast path for appends
    bool hashFirst = true;      ///< hash it before anything is sent, when its like may be known
    bool restartUpload = false; ///< what the relay holds of the upload is of another content
};

/// Reads files one step at a time and streams the large ones.
///
/// Files of kHugeBytes and more have places of their own, so that they keep nobody else waiting.
///
/// Memory: kMaxReads small files of ReadJob::kHeavyBytes, 2 * kMaxLarge large reads with their uploads, 2 * kMaxWaiting paths.
/// Thread: sync.
class FileReads
{
public:
    static constexpr std::size_t kMaxReads = 32;
    static constexpr std::size_t kMaxLarge = 2; ///< and as many huge ones
    static constexpr std::uint64_t kHugeBytes = 32 << 20;
    static constexpr std::size_t kMaxWaiting = 256;

    struct Callbacks
    {
        /// The file was read as it is; `job->streaming`: its literal is on its way, end it with finish().
        std::function<void(std::unique_ptr<ReadJob> job, ReadPlan plan)> onContent;
        /// It could not be read; nothing of it is under way any more.
        std::function<void(const ReadJob& job)> onFailed;
        /// There is no room, the file is gone, or the relay's disk is full: another time.
        std::function<void(const RelativePath& path, SteadyTime delay)> onPutOff;
        /// The proposal that finish() was given is void: the file is read anew.
        std::function<void(const RelativePath& path)> onVoid;
        /// Whether a revision of that size waits for the path.
        std::function<bool(const RelativePath& path, std::uint64_t size)> isAwaited;
    };

    FileReads(ShareContext& share, Callbacks callbacks);
    ~FileReads();

    /// Begins to read; one of the callbacks follows, unless onDisconnected() comes before.
    void read(const RelativePath& path, const FileStat& stat, ReadPlan plan);

    /// The token of the upload of a streamed content; it is opened when the content came in one piece.
    [[nodiscard]] UploadToken uploadOf(ReadJob& job, const ReadPlan& plan);

    /// Sends the proposal of a streamed content behind its last frame.
    void finish(const RelativePath& path, Proposal proposal);

    /// The streamed content is not needed.
    void drop(const RelativePath& path) { _uploads.erase(path); }

    void onUploadState(const UploadStateMessage& message);
    void onDisconnected();
    void pump();

    /// Uploads that were sent to their end since the last call.
    struct Sent
    {
        std::size_t files = 0;
        std::uint64_t bytes = 0;
    };
    Sent takeSent() { return std::exchange(_sent, Sent{}); }

    [[nodiscard]] bool hasRoom() const { return _light < kMaxReads; }
    /// True when no small file is being read: what has been gathered need not wait for more.
    [[nodiscard]] bool isLull() const { return _light == 0; }
    [[nodiscard]] bool isIdle() const
    {
        return _light == 0 && _large.reads == 0 && _huge.reads == 0 && _uploads.empty() &&
               _large.waiting.empty() && _huge.waiting.empty();
    }

private:
    struct Waiting
    {
        RelativePath path;
        FileStat stat;
        ReadPlan plan;
    };

    /// Large reads of one kind.
    struct Lot
    {
        std::size_t reads = 0; ///< under way
        std::deque<Waiting> waiting;
    };

    [[nodiscard]] Lot& lotOf(std::uint64_t size) { return size < kHugeBytes ? _large : _huge; }
    void submit(const RelativePath& path, const FileStat& stat, ReadPlan plan);
    void onRead(std::unique_ptr<ReadJob> job, ReadPlan plan);
    void onFrames(std::unique_ptr<ReadJob> job, const ReadPlan& plan);
    void ended(const ReadJob& job);
    Upload& upload(const ReadJob& job, const ReadPlan& plan);
    void check(const RelativePath& path, Upload::Outcome outcome);
    void restart(const RelativePath& path);

    ShareContext& _share;
    const Callbacks _callbacks;
    std::size_t _light = 0;
    Lot _large;
    Lot _huge;
    struct Entry
    {
        std::unique_ptr<Upload> upload;
        bool finished = false; ///< finish() was called
    };
    std::map<RelativePath, Entry> _uploads;
    Sent _sent;
    std::uint64_t _connection = 0; // tells jobs of an earlier connection
};

} // namespace tidewire
