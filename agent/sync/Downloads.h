// The large contents of one share that are under way.

#pragma once

#include "agent/sync/DownloadJob.h"
#include "agent/sync/Fetcher.h"
#include "agent/sync/ShareContext.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace tidewire {

/// Feeds download jobs with the chunks that come, one job a path.
///
/// Contents of kHugeBytes and more have places of their own, so that they keep nobody else waiting.
///
/// Memory: 2 * kMaxOfKind jobs; chunks that wait for one are bounded by the fetch credit.
/// Thread: sync.
class Downloads
{
public:
    static constexpr std::size_t kMaxOfKind = 2;
    static constexpr std::uint64_t kHugeBytes = 32 << 20;

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

    /// Ends the making of a content; what is on the disk of it stays for the next try.
    void drop(const RelativePath& path);

private:
    struct Download
    {
        Seq seq = 0;
        std::uint64_t size = 0;
        std::unique_ptr<DownloadJob> waiting; // null while it is with a worker
        std::vector<ContentChunk> chunks;     // that came meanwhile
    };

    void submit(std::unique_ptr<DownloadJob> job);
    void onJob(std::unique_ptr<DownloadJob> job);

    ShareContext& _share;
    Fetcher& _fetcher;
    const Callbacks _callbacks;
    std::map<RelativePath, Download> _downloads;
    std::set<RelativePath> _atWork; // whose job is with a worker, wanted or not
};

} // namespace tidewire
