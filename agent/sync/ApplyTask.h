// One revision on its way to the disk.

#pragma once

#include "agent/state/Index.h"
#include "shared/model/Entry.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tidewire {

/// Where the new content of a file comes from.
enum class ContentSource : std::uint8_t
{
    None,      ///< no content is needed: no file, an empty file, or metadata alone
    Inline,    ///< `ops` over `bytes`; Copy reads the file at `sourcePath`
    Temporary, ///< a finished file in the private folder
    CopyOf,    ///< the whole of the local file at `sourcePath`
    MoveOf,    ///< the local file at `sourcePath` itself, which is to vanish there
};

enum class ApplyOutcome : std::uint8_t
{
    Done,
    LocalChanged,  ///< the disk is not as expected: nothing was lost, look at the path first
    SourceChanged, ///< the local source is not what was expected: get the content another way
    WrongContent,  ///< what was made has another hash than the revision: get it anew
    NotEmpty,      ///< a directory that should go has entries
    Failed,        ///< see `error`; try again later
};

/// What was displaced while somebody had it open for writing; it is to be looked at once more.
struct Displaced
{
    RelativePath temporary; ///< where it is now
    RelativePath path;      ///< where it was
    LocalIdentity identity; ///< as it was displaced
};

/// What to do, and what became of it.
struct ApplyTask
{
    // --- in ---
    Seq seq = 0;
    RelativePath path;
    Entry entry;
    bool metadataOnly = false; ///< the content on the disk is the revision's already

    bool expectPresent = false; ///< something is at the path, as the index has it
    FileKind expectedKind = FileKind::Other;
    LocalIdentity expected; ///< expectPresent, not for directories
    bool keepLocal = false; ///< whatever is at the path becomes a conflict copy

    ContentSource source = ContentSource::None;
    RelativePath sourcePath;
    LocalIdentity sourceIdentity;
    Delta ops; ///< Inline: Data addresses `bytes` by offset, frame is 0
    Bytes bytes;
    RelativePath temporary; ///< Temporary: where it is; others: given by the job
    std::optional<Signature>
        signature; ///< Temporary: comes with it; Inline, CopyOf: made by the job

    // --- out ---
    ApplyOutcome outcome = ApplyOutcome::Failed;
    std::string error;
    int code = 0;                             ///< errno of Failed, 0 when it was none
    FileStat stat;                            ///< Done: the entry as it is on the disk now
    std::optional<RelativePath> conflictCopy; ///< made of what a person had written
    std::optional<Displaced> displaced;
};

} // namespace tidewire
