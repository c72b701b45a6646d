// Compares one folder on the disk with the index: the merge that finds all changes.

#pragma once

#include "agent/scan/IgnoreRules.h"
#include "agent/state/Index.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tidewire {

/// What a scan found about one path.
struct Finding
{
    enum class Kind : std::uint8_t
    {
        New,      ///< on the disk, not in the index
        Changed,  ///< in both, and the local identity, kind or mode differs
        Vanished, ///< in the index, not on the disk (for a folder: with all that is below it)
    };
    Kind kind = Kind::New;
    RelativePath path;
    FileStat stat; ///< New, Changed
};

/// What is on the disk but cannot be synchronised.
struct Skipped
{
    enum class Reason : std::uint8_t
    {
        Special, ///< FIFO, socket, device
        /// Another filesystem is mounted there; nothing below it is looked at or taken as vanished.
        OtherDevice,
        PathTooLong,
        Unreadable, ///< listing the folder failed; nothing below it is taken as vanished
    };
    Reason reason = Reason::Special;
    std::string path; ///< as text: it need not be a valid RelativePath
    int code = 0;     ///< Unreadable: errno
};

/// Receives what a scan finds, in the order of names.
class ScanSink
{
public:
    virtual ~ScanSink() = default;
    virtual void onFinding(const Finding& finding) = 0;
    virtual void onSkipped(const Skipped& skipped) = 0;
    /// A folder in the one that is scanned that exists on the disk and is neither ignored nor on
    /// another device.
    virtual void onFolder(const RelativePath& folder) = 0;
};

/// Whether an indexed entry is known to the relay (seq is not 0) and still is what the index says: same kind; for a file size, inode, mtime
/// and ctime; for a folder the mode as far as `modeMask` goes; for a link inode, mtime and ctime. A file whose ctime alone
/// differs (chmod, rename, link count) is Changed as well: the caller finds out what it was.
[[nodiscard]] bool
isUnchanged(const IndexEntry& entry, const FileStat& stat, std::uint32_t modeMask);

/// Looks at one folder, not below it.
///
/// Names are read, sorted, and merged with the index's rows of that folder, which come in batches.
/// Ignored paths are not found; indexed entries that are ignored now are not reported as vanished
/// either. An indexed entry that is on another device now, whose stat fails, or in whose place a
/// special file stands, is skipped. If the folder cannot be reached (ENOENT, ENOTDIR, or ELOOP: a
/// link has taken its place) nothing is reported: its parent's scan does that. Before the first
/// Vanished of a call is reported, and before each that was still listed, the folder is proved to
/// be the same still by another stat, so that one that is moved away while it is read does not look
/// emptied; the scan ends there if not.
///
/// Memory: the names of one folder; the largest folder of the share is the bound.
void scanFolder(FileSystem& files,
                Index& index,
                ShareId share,
                const IgnoreRules& rules,
                const RelativePath& folder,
                std::uint64_t device,
                ScanSink& sink,
                std::uint32_t modeMask = 07777);

} // namespace tidewire
