// The large contents of one share that are under way.

#pragma once

#include "agent/sync/DownloadJob.h"
#include "agent/sync/Fetcher.h"
#include "agent/sync/ShareContext.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace tidewire {

/// Feeds download jobs with the chunks that come, one job a path.
///
/// Memory: kMax jobs; chunks that wait for one are bounded by the fetch credit.
/// Thread: sync.
class Downloads
{
public:
    static constexpr std::size_t kMax = 2;

    struct Callbacks
    {
        /// Whether the revision is still to be made.
        std::function<bool(const RelativePath& path, Seq seq)> isWanted;
        /// The job has ended in one way or another, or is not wanted any more.
        std::function<void(DownloadJob& job, bool wanted)> onEnd;
    };

    Downloads(ShareContext& share, Fetcher& fetcher, Callbacks callbacks);

    [[nodiscard]] bool hasRoom() const { return _downloads.size() < kMax; }

    /// False, too, while a job of an earlier attempt may still be writing to the same file.
    [[nodiscard]] bool canStart(const RelativePath& path) const;

    /// Begins; `first` may have no operations: its chunks come by onChunk() then.
    void start(DownloadRequest request, ContentChunk first);

    void onChunk(const RelativePath& path, Seq seq, ContentChunk chunk);

    /// Ends the making of a content; what is on the disk of it stays for the next try.
    void drop(const RelativePath& path);

private:
    struct Download
    {
        Seq seq = 0;
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
