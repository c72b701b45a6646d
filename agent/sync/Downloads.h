// The large contents of one share that are under way.

#pragma once

#include "agent/sync/DownloadJob.h"
#include "agent/sync/Fetcher.h"
#include "agent/sync/ShareContext.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace tidewire {

/// Feeds download jobs with the chunks that come, one job a path.
///
/// Contents of kHugeBytes and more have places of their own, so that they keep nobody else waiting.
///
/// A content that is followed while its author still sends it has no revision yet. Its place is beside those of the others, since its author
/// may be slow; when the revision comes it becomes a download like any other. When our connection breaks, what has come waits
/// for the revision for a while.
///
/// Memory: 2 * kMaxOfKind + kMaxFollowed jobs; chunks that wait for one are bounded by the fetch credit.
/// Thread: sync.
class Downloads
{
public:
    static constexpr std::size_t kMaxOfKind = 2;
    static constexpr std::uint64_t kHugeBytes = 32 << 20;
    static constexpr std::size_t kMaxFollowed = 2;
    static constexpr SteadyTime kLeftoverTime = std::chrono::hours(1);

    struct Callbacks
    {
        /// Whether the revision is still to be made.
        std::function<bool(const RelativePath& path, Seq seq)> isWanted;
        /// The job has ended in one way or another, or is not wanted any more.
        std::function<void(DownloadJob& job, bool wanted)> onEnd;
    };

    Downloads(ShareContext& share, Fetcher& fetcher, Callbacks callbacks);

    /// True when there is a place for a content of that size.
    [[nodiscard]] bool hasRoom(std::uint64_t size) const;

    /// False, too, while a job of an earlier attempt may still be writing to the same file.
    [[nodiscard]] bool canStart(const RelativePath& path, std::uint64_t size) const;

    /// Begins; `first` may have no operations: its chunks come by onChunk() then.
    void start(DownloadRequest request, ContentChunk first);

    void onChunk(const RelativePath& path, Seq seq, ContentChunk chunk);

    /// True when a content of the path can be followed. One that has come to its end and that no revision has claimed makes room.
    [[nodiscard]] bool canFollow(const RelativePath& path);

    /// Begins. Its chunks come by onChunk() with seq 0.
    void follow(const RelativePath& path, std::uint64_t size, std::uint64_t upload);

    /// The upload was sent to its end, or the relay gave it up.
    void onFollowedEnd(const RelativePath& path, bool complete);

    /// The connection has ended.
    void leaveFollowed();

    /// What is left of a content that was followed becomes the beginning of this one, when that may be.
    void claimLeftover(const RelativePath& path, Seq seq, std::uint64_t size);

    /// Removes what has waited for too long.
    void sweepLeftovers();
    [[nodiscard]] std::optional<SteadyTime> nextDue() const;

    /// The revision has come whose content came with `upload` (0: that is not known): true when this is what is followed, and it is made
    /// on from what is there. Otherwise nothing is followed for the path afterwards.
    bool adopt(const RelativePath& path, Seq seq, const Entry& entry, std::uint64_t upload);

    /// Nothing is followed for the path any more, nor kept of it.
    void dropFollowed(const RelativePath& path);

    /// Ends the making of a content; what is on the disk of it stays for the next try.
    void drop(const RelativePath& path);

private:
    struct Download
    {
        Seq seq = 0;
        std::uint64_t size = 0;
        std::unique_ptr<DownloadJob> waiting; // null while it is with a worker
        std::vector<ContentChunk> chunks;     // that came meanwhile
        std::optional<Entry> entry;           // of the revision that the job has still to become
        bool complete = false;                // followed, and all has come
        std::uint64_t upload = 0;             // that is followed
        std::uint64_t number = 0;             // of its file

        [[nodiscard]] bool isFollowed() const { return seq == 0; }
    };

    /// A file whose author may come back.
    struct Leftover
    {
        std::uint64_t size = 0; ///< of the whole content
        RelativePath temporary;
        SteadyTime until{};
    };

    [[nodiscard]] bool isLeftover(const DownloadJob& job) const;
    void leave(const RelativePath& path);
    void dropLeftover(const RelativePath& path);
    std::unique_ptr<DownloadJob> makeJob(DownloadRequest request);
    static void become(DownloadJob& job, Download& download);
    void end(const RelativePath& path);
    void submit(std::unique_ptr<DownloadJob> job);
    void onJob(std::unique_ptr<DownloadJob> job);

    ShareContext& _share;
    Fetcher& _fetcher;
    const Callbacks _callbacks;
    std::map<RelativePath, Download> _downloads;
    std::set<RelativePath> _atWork; // whose job is with a worker, wanted or not
    std::map<RelativePath, Leftover> _leftovers;
    std::uint64_t _nextFollowed = 1;
};

} // namespace tidewire
