#include "agent/sync/TemporarySweep.h"

#include "agent/sync/DisplacedFiles.h"
#include "agent/sync/PrivateFolder.h"
#include "agent/sync/ReadJob.h"
#include "agent/sync/RevisionQueue.h"
#include "shared/base/Errors.h"

#include <charconv>
#include <optional>
#include <string>

namespace tidewire {

namespace {

/// One file in `tmp/`, and the revision whose number its name carries.
struct Leftover
{
    RelativePath path;
    FileStat stat;
    Seq seq = 0;
    bool isPartial = false;          ///< a content in the making
    std::optional<Revision> awaited; ///< the revision, when it is still to be applied
    std::optional<IndexEntry> row;   ///< or was
};

std::optional<Leftover> examine(ShareContext& share, const std::string& name)
{
    Leftover file;
    file.path = PrivateFolder::temporary(name);
    const auto stat = share.files.stat(file.path);
    if (!stat || stat->kind == FileKind::Directory)
    {
        return std::nullopt;
    }
    file.stat = *stat;
    file.isPartial = name.starts_with(kPartialPrefix);
    if (const std::size_t dash = name.find('-'); dash != std::string::npos)
    {
        std::from_chars(name.data() + dash + 1, name.data() + name.size(), file.seq);
    }
    if (file.seq > 0)
    {
        const auto pending = share.index.pendingAfter(share.record.id, {file.seq, {}}, 1);
        if (!pending.empty() && pending.front().revision.seq == file.seq)
        {
            file.awaited = pending.front().revision;
        }
        file.row = share.index.withSeq(share.record.id, file.seq);
    }
    return file;
}

std::optional<Hash> hashOf(ShareContext& share, const Leftover& file)
{
    ReadRequest request;
    request.path = file.path;
    request.expected = file.stat;
    request.hashOnly = true;
    request.forced = true;
    ReadJob job(share.files, std::move(request), {});
    while (job.step())
    {
    }
    return job.status == ReadStatus::Complete ? std::optional(job.hash) : std::nullopt;
}

/// True when the content is had elsewhere, or will be.
bool isKnown(ShareContext& share, const Leftover& file)
{
    if (file.isPartial)
    {
        return true;
    }
    if (file.stat.kind == FileKind::Symlink)
    {
        return file.row && file.row->entry.target == share.files.readSymlink(file.path);
    }
    if (file.stat.kind != FileKind::File)
    {
        return false;
    }
    const auto hash = hashOf(share, file);
    return hash && ((file.awaited && file.awaited->entry.hash == *hash) ||
                    !share.index.withContent(share.record.id, file.stat.size, *hash, 1).empty());
}

void sweep(ShareContext& share, const Leftover& file)
{
    const bool isDownload = file.awaited && file.awaited->entry.size > RevisionQueue::kLargeBytes;
    if (file.isPartial && isDownload)
    {
        return;
    }
    if (isKnown(share, file))
    {
        // A download that had ended is verified again, not made a second time.
        if (!isDownload || file.stat.size != file.awaited->entry.size ||
            share.files.renameNoReplace(file.path, PrivateFolder::partial(file.seq)) !=
                RenameOutcome::Done)
        {
            share.files.removeFile(file.path);
        }
        return;
    }
    const RelativePath owner =
        file.row ? file.row->path
                 : (file.awaited ? file.awaited->path
                                 : *RelativePath::parse("recovered-" + std::to_string(file.seq)));
    Placement placement(share.files, share.options.modes, conflictNamer(share));
    if (const auto copy = placement.keepAsConflict(file.path, owner))
    {
        share.log.warning(share.options.name + ": an interrupted change was found; it is kept as " +
                              printable(copy->text()),
                          {.event = LogEvent::ContentRecovered, .path = copy->text()});
    }
}

} // namespace

void sweepTemporaries(ShareContext& share)
{
    for (const std::string& name : PrivateFolder(share.files).temporaries())
    {
        if (const auto file = examine(share, name))
        {
            sweep(share, *file);
        }
    }
}

} // namespace tidewire
