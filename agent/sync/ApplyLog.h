// Remembers what is being put on the disk, so that it is known for what it is when the process ends before it is recorded.

#pragma once

#include "agent/state/Index.h"
#include "agent/sync/ApplyTask.h"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace tidewire {

/// A revision may be in its place, and the process end before the index says so. The next one finds a file that it does not
/// know: proposed as new, it would bring back what somebody has deleted meanwhile, and an edit made elsewhere would become a
/// conflict. So the index knows path, entry and number of each revision of a batch before the batch is handed to a worker; what is
/// found on the disk and is just that, the mtime included, is that revision. The relay has it: no content can be lost.
///
/// Memory: 24 bytes a revision that an earlier process was about to apply, kMaxFormer of them at most.
/// Thread: sync.
class ApplyLog
{
public:
    static constexpr std::size_t kMaxFormer = 8192;

    explicit ApplyLog(Index& index): _index(index) {}

    /// Takes up what an earlier process left.
    void load(ShareId share);

    /// The revision of the batch for that path will be `seq` and `entry`; see begin().
    void add(const RelativePath& path, Seq seq, const Entry& entry);

    /// Writes what was added; the worker may begin once that is committed.
    void begin();

    /// The batch is recorded.
    void end();

    /// The revision that an earlier process was about to apply, when `entry` is what it would have made; answers so once.
    std::optional<Seq> take(const RelativePath& path, const Entry& entry);

    /// What became of the path is known.
    void settle(const RelativePath& path);

    /// What was being applied means nothing any more.
    void clear();

private:
    struct Mark
    {
        std::uint64_t entry = 0; ///< fingerprint
        Seq seq = 0;
    };
    using Marks = std::unordered_map<std::uint64_t, Mark>; // by the fingerprint of the path

    void write();

    Index& _index;
    ShareId _share = 0;
    Marks _former;
    Marks _batch;
};

} // namespace tidewire
