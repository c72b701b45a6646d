// The agent's memory between runs: what it synchronised, and under which identity it last saw it.

#pragma once

#include "shared/delta/ContentScan.h"
#include "shared/delta/Signature.h"
#include "shared/fs/FileSystem.h"
#include "shared/model/Entry.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

using ShareId = std::uint32_t;

/// What the index knows of a share as a whole.
struct ShareRecord
{
    ShareId id = 0;
    std::string name;
    std::array<std::uint8_t, 16> marker{};      ///< id in the marker file; zero: none made yet
    std::array<std::uint8_t, 16> incarnation{}; ///< of the relay's store; zero: never connected
    Seq cursor = 0;
    std::uint64_t tag = 0; ///< tag of the revision `cursor`
    /// Of the rules that were in force; a change makes the agent look at everything anew.
    Hash ignoreRules;
    Seq durable = 0; ///< rows with a greater seq may tell of contents that never reached the medium
    std::string boot; ///< of the system when the share was last open; empty: not known
};

/// Under which a content was last seen on the local disk.
struct LocalIdentity
{
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    FileTime mtime;
    FileTime ctime;

    [[nodiscard]] static LocalIdentity of(const FileStat& stat)
    {
        return {stat.inode, stat.size, stat.mtime, stat.ctime};
    }

    friend bool operator==(const LocalIdentity&, const LocalIdentity&) = default;
};

/// One synchronised (or, with seq 0, only hashed) entry.
struct IndexEntry
{
    RelativePath path;
    Seq seq = 0; ///< revision that `entry` is; 0: not, or no longer, known to the relay
    Entry entry;
    LocalIdentity local;
};

/// The agent's database: SQLite, WAL, synchronous=NORMAL. A power cut may lose the latest commits,
/// never the order of them.
///
/// Everything between begin() and commit() is one transaction. Reads see what was written in it.
/// Order of entries: (folder, name) as bytes, the order of RelativePath.
///
/// Thread: one. Memory: SQLite's page cache, capped at 1 MiB.
/// Errors: StorageError; CorruptError for a damaged database; Error for one of a newer version,
/// which is sound and must not be set aside. Each call is done as a whole or not at all. After an
/// error inside a transaction: rollback().
class Index
{
public:
    /// Opens or makes the database file at `path`; ":memory:" keeps it in memory.
    explicit Index(const std::string& path);
    ~Index();

    void begin();
    void commit();
    void rollback();
    [[nodiscard]] bool inTransaction() const;

    /// Empties the page cache: nothing is going on.
    void releaseMemory();

    /// Rows written, changed or removed since it was opened: what the card has to bear.
    [[nodiscard]] std::uint64_t rowsWritten() const;

    // --- shares ---

    /// The share's record; it is made when there is none.
    [[nodiscard]] ShareRecord share(const std::string& name);
    void putShare(const ShareRecord& record);

    /// Removes all entries and pending revisions of the share, and takes cursor and incarnation from `record`: relay and folder are
    /// compared anew. The record itself is not stored.
    void forgetShare(ShareRecord& record);

    // --- entries ---

    [[nodiscard]] std::optional<IndexEntry> get(ShareId share, const RelativePath& path);

    /// Replaces the entry; writes only what differs. The signature stays as long as it is a file.
    void put(ShareId share, const IndexEntry& entry);

    /// put() and putSignature() of a file in one: half the work when the entry is new.
    void put(ShareId share, const IndexEntry& entry, const Signature& signature);

    /// Removes the entry and its signature; no error when there is none. Entries below it stay.
    void remove(ShareId share, const RelativePath& path);

    /// Entries directly in `folder`, ordered by name, after the name `after` (empty: from the
    /// start), at most `limit`.
    [[nodiscard]] std::vector<IndexEntry>
    children(ShareId share, const RelativePath& folder, std::string_view after, std::size_t limit);
    [[nodiscard]] bool hasChildren(ShareId share, const RelativePath& folder);

    /// Entries below `folder` at any depth (not itself), deepest folders' entries before those
    /// above them is NOT promised: ordered by (folder, name); those after the path `after` (root:
    /// from the start), at most `limit`.
    [[nodiscard]] std::vector<IndexEntry> subtree(ShareId share,
                                                  const RelativePath& folder,
                                                  const RelativePath& after,
                                                  std::size_t limit);

    /// Files with this content, at most `limit`.
    [[nodiscard]] std::vector<IndexEntry>
    withContent(ShareId share, std::uint64_t size, const Hash& hash, std::size_t limit);

    /// True when some file of the share has this size: a cheap question before hashing a new file
    /// to find its like.
    [[nodiscard]] bool hasFileOfSize(ShareId share, std::uint64_t size);

    /// Entries last seen under this inode (several for hard links), at most `limit`.
    [[nodiscard]] std::vector<IndexEntry>
    withInode(ShareId share, std::uint64_t inode, std::size_t limit);

    /// The entry whose seq this is.
    [[nodiscard]] std::optional<IndexEntry> withSeq(ShareId share, Seq seq);

    /// Entries with a seq above `seq`, in the order of seq, at most `limit`.
    [[nodiscard]] std::vector<IndexEntry> withSeqAfter(ShareId share, Seq seq, std::size_t limit);

    /// Sets seq to 0 in all entries of the share: the relay's store is another one.
    void forgetRevisions(ShareId share);

    // --- signatures: kept in parts of 256 blocks and 64 leaves, so that an append or a small edit
    // rewrites a page of each. They are handed to an entry that is there already: put() comes
    // first. ---

    /// Stores the signature of the entry's content; rewrites only the parts that differ.
    void putSignature(ShareId share, const RelativePath& path, const Signature& signature);

    /// Replaces blocks from `appended.firstBlock` on, all leaves, and the size.
    void appendSignature(ShareId share,
                         const RelativePath& path,
                         std::uint64_t newSize,
                         const AppendedContent& appended);

    [[nodiscard]] std::optional<Signature> signature(ShareId share, const RelativePath& path);

    /// What scanAppend() wants, reading only the parts that hold the samples.
    [[nodiscard]] std::optional<AppendBase>
    appendBase(ShareId share, const RelativePath& path, std::size_t samples);

    /// Hands the signature of `from` to `to` (a rename); only the number of its parts moves. No
    /// error when there is none.
    void moveSignature(ShareId share, const RelativePath& from, const RelativePath& to);
    void copySignature(ShareId share, const RelativePath& from, const RelativePath& to);

    // --- revisions that were taken in (the cursor is past them) but are not on the disk yet ---

    struct Pending
    {
        Revision revision;
        std::uint32_t failures = 0; ///< how often applying it has failed
    };
    void putPending(ShareId share, const Pending& pending); ///< replaces the one of the same path
    void removePending(ShareId share, const RelativePath& path); ///< and what follows it
    [[nodiscard]] std::optional<Pending> pending(ShareId share, const RelativePath& path);
    /// A newer revision of a path that has a pending one already, to be applied behind that.
    void putFollowing(ShareId share, const Pending& pending);
    [[nodiscard]] std::optional<Pending> following(ShareId share, const RelativePath& path);
    /// A place in the order (seq, folder, name); with the root as path: before all of that seq.
    struct PendingPosition
    {
        Seq seq = 0;
        RelativePath path;
        // NOLINTNEXTLINE(modernize-use-nullptr): the zero is in what the compiler makes of it
        friend auto operator<=>(const PendingPosition&, const PendingPosition&) = default;
    };
    /// Those after the position, at most `limit`.
    [[nodiscard]] std::vector<Pending>
    pendingAfter(ShareId share, const PendingPosition& after, std::size_t limit);
    /// True when there is one directly in `folder`.
    [[nodiscard]] bool hasPendingIn(ShareId share, const RelativePath& folder);

    // --- proposals that were sent and may have been accepted without our knowing: opaque bytes, one batch a message ---

    [[nodiscard]] std::int64_t addSent(ShareId share, ByteView fingerprints);
    void removeSent(std::int64_t batch);
    [[nodiscard]] std::vector<Bytes> sent(ShareId share);
    /// Makes all batches one connection older, and removes those that are older than `limit`.
    void ageSent(ShareId share, unsigned limit);

    // --- revisions that are on their way to the disk: opaque bytes (see ApplyLog) ---

    void putApplying(ShareId share, ByteView marks);
    [[nodiscard]] Bytes applying(ShareId share);

    // --- the comparison with a full list of heads after a RESET ---

    /// Marks the path as seen in the list.
    void markListed(ShareId share, const RelativePath& path);
    /// Entries of the share that are not marked, ordered by (folder, name), after the path `after`,
    /// at most `limit`.
    [[nodiscard]] std::vector<IndexEntry>
    unlisted(ShareId share, const RelativePath& after, std::size_t limit);
    void clearListed(ShareId share);

private:
    class Impl;
    std::unique_ptr<Impl> _impl;
};

} // namespace tidewire
