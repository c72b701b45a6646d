// Applies a batch of revisions: all contents made and durable first, then all put in place.

#pragma once

#include "agent/sync/ApplyTask.h"
#include "agent/sync/Job.h"
#include "agent/sync/Placement.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace tidewire {

/// The order on the medium: contents, then names, and only after finish() the index.
///
/// Small batches are made durable file by file, larger ones with one syncfs.
class ApplyJob: public Job
{
public:
    using Done = std::function<void(std::unique_ptr<ApplyJob>)>;

    /// From this many files on, one syncfs costs less than an fsync each.
    static constexpr std::size_t kSyncAllFrom = 8;

    ApplyJob(FileSystem& files,
             ModePolicy modes,
             Placement::ConflictNamer namer,
             std::vector<ApplyTask> batch,
             Done done);

    bool step() override;
    void finish(JobPtr self) override;

    std::vector<ApplyTask> tasks; ///< in the order of their revisions; carries the outcomes

private:
    void prepare();
    std::unique_ptr<File> makeContent(ApplyTask& task);
    std::unique_ptr<File> makeTemporary(ApplyTask& task);
    void makeDurable(std::size_t count, const std::vector<std::unique_ptr<File>>& open);
    void makePlaces();
    void discard(const ApplyTask& task);

    FileSystem& _files;
    const ModePolicy _modes;
    Placement _placement;
    Done _done;
    std::vector<bool> _prepared;
};

} // namespace tidewire
