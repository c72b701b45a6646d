// Queries on the table `entry`; each is a range of the primary key or of one index.

#include "agent/state/EntryTable.h"

#include "agent/state/IndexRows.h"

#include <array>
#include <string>

namespace tidewire {

namespace {

std::string select(std::string_view rest)
{
    return std::string("SELECT ")
        .append(kEntryColumns)
        .append(", inode, local_size, local_mtime_s, local_mtime_ns, ctime_s, ctime_ns FROM entry ")
        .append(rest);
}

IndexEntry readRow(const Query& row)
{
    constexpr int kLocal = kEntryColumnCount;
    return {readPath(row),
            row.u64(kSeqColumn),
            readEntry(row),
            {row.u64(kLocal),
             row.u64(kLocal + 1),
             readTime(row, kLocal + 2),
             readTime(row, kLocal + 4)}};
}

void appendRows(Query& query, std::vector<IndexEntry>& out)
{
    while (query.next())
    {
        out.push_back(readRow(query));
    }
}

std::optional<IndexEntry> oneRow(Query& query)
{
    return query.next() ? std::optional(readRow(query)) : std::nullopt;
}

bool isTrue(Query& query)
{
    return query.next() && query.i64(0) != 0;
}

/// Greater than every folder: no name has 256 bytes.
const std::array<std::uint8_t, kMaxNameBytes + 1>& aboveAllFolders()
{
    static const auto bytes = [] {
        std::array<std::uint8_t, kMaxNameBytes + 1> result{};
        result.fill(0xFF);
        return result;
    }();
    return bytes;
}

constexpr std::size_t kIndexedHashBytes = 8; // entry_content takes as many

} // namespace

// INDEXED BY: without statistics SQLite takes a share for ten entries and would read them all.
EntryTable::EntryTable(Database& database):
    _database(database),
    _get(database, select("WHERE share = ? AND folder = ? AND name = ?")),
    _insert(database,
            "INSERT OR IGNORE INTO entry(share, folder, name, seq, kind, mode, mtime_s, mtime_ns,"
            " size, hash, target, inode, local_size, local_mtime_s, local_mtime_ns, ctime_s,"
            " ctime_ns, sig, sig_size, sig_block_bytes, sig_blocks, sig_leaves)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    _updateRest(database,
                "UPDATE entry SET mode = ?4, mtime_s = ?5, mtime_ns = ?6, target = ?7,"
                " local_size = ?8, local_mtime_s = ?9, local_mtime_ns = ?10, ctime_s = ?11,"
                " ctime_ns = ?12 WHERE share = ?1 AND folder = ?2 AND name = ?3"),
    _updateSeq(database,
               "UPDATE entry SET seq = ?4 WHERE share = ?1 AND folder = ?2 AND name = ?3"),
    _updateInode(database,
                 "UPDATE entry SET inode = ?4 WHERE share = ?1 AND folder = ?2 AND name = ?3"),
    _updateContent(database,
                   "UPDATE entry SET kind = ?4, size = ?5, hash = ?6"
                   " WHERE share = ?1 AND folder = ?2 AND name = ?3"),
    _remove(database, "DELETE FROM entry WHERE share = ? AND folder = ? AND name = ?"),
    _children(database,
              select("WHERE share = ? AND folder = ? AND name > ? ORDER BY name LIMIT ?")),
    _hasChildren(
        database,
        "SELECT EXISTS(SELECT 1 FROM entry WHERE share = ? AND folder = ? AND name > x'')"),
    _range(database,
           select("WHERE share = ? AND (folder, name) > (?, ?) AND folder < ?"
                  " ORDER BY folder, name LIMIT ?")),
    _withContent(database,
                 select("INDEXED BY entry_content WHERE kind = 1 AND share = ? AND size = ? AND "
                        "substr(hash, 1, 8) = ?"
                        " AND hash = ? LIMIT ?")),
    _hasFileOfSize(database,
                   "SELECT EXISTS(SELECT 1 FROM entry INDEXED BY entry_content WHERE kind = 1 AND "
                   "share = ? AND size = ?)"),
    _withInode(
        database,
        select("INDEXED BY entry_inode WHERE inode <> 0 AND share = ? AND inode = ? LIMIT ?")),
    _withSeq(database,
             select("INDEXED BY entry_seq WHERE seq <> 0 AND share = ? AND seq = ? LIMIT 1")),
    _withSeqAfter(database,
                  select("INDEXED BY entry_seq WHERE seq <> 0 AND share = ? AND seq > ?"
                         " ORDER BY seq LIMIT ?")),
    // Along the primary key: along entry_seq SQLite would first gather all keys in memory.
    _forgetRevisions(database, "UPDATE entry SET seq = 0 WHERE share = ? AND +seq <> 0"),
    _markListed(database, "INSERT OR IGNORE INTO listed(share, folder, name) VALUES(?, ?, ?)"),
    _unlisted(database,
              select("WHERE share = ? AND (folder, name) > (?, ?) AND NOT EXISTS"
                     " (SELECT 1 FROM listed WHERE listed.share = entry.share"
                     " AND listed.folder = entry.folder AND listed.name = entry.name)"
                     " ORDER BY folder, name LIMIT ?")),
    _clearListed(database, "DELETE FROM listed WHERE share = ?")
{
}

std::optional<IndexEntry> EntryTable::get(ShareId share, const RelativePath& path)
{
    Query query(_get, share, folderBytes(path), nameBytes(path));
    return oneRow(query);
}

void EntryTable::put(ShareId share, const IndexEntry& entry)
{
    const auto before = get(share, entry.path);
    if (before)
    {
        update(share, *before, entry);
        return;
    }
    insert(share, entry);
}

bool EntryTable::add(ShareId share, const IndexEntry& entry, const SignatureReference& signature)
{
    return insert(share,
                  entry,
                  signature.number,
                  signature.size,
                  signature.blockBytes,
                  signature.blocks,
                  signature.leaves);
}

/// False when the entry is there already. `signature`: its columns; without them they are NULL.
template <typename... Signature>
bool EntryTable::insert(ShareId share, const IndexEntry& row, const Signature&... signature)
{
    const std::uint64_t changes = _database.totalChanges();
    const Entry& entry = row.entry;
    const LocalIdentity& local = row.local;
    Query(_insert,
          share,
          folderBytes(row.path),
          nameBytes(row.path),
          row.seq,
          static_cast<std::uint8_t>(entry.kind),
          entry.mode,
          entry.mtime.seconds,
          entry.mtime.nanoseconds,
          entry.size,
          packed(entry.hash.bytes),
          asBytes(entry.target),
          local.inode,
          local.size,
          local.mtime.seconds,
          local.mtime.nanoseconds,
          local.ctime.seconds,
          local.ctime.nanoseconds,
          signature...)
        .run();
    return _database.totalChanges() != changes;
}

void EntryTable::update(ShareId share, const IndexEntry& before, const IndexEntry& after)
{
    // SQLite rewrites the pages of every index whose columns an UPDATE names, changed or not. So
    // each index has an UPDATE of its own; further ones to the same row cost no further page.
    const ByteView folder = folderBytes(after.path);
    const ByteView name = nameBytes(after.path);
    const Entry& entry = after.entry;
    const LocalIdentity& local = after.local;
    if (before.seq != after.seq)
    {
        Query(_updateSeq, share, folder, name, after.seq).run();
    }
    if (before.local.inode != local.inode)
    {
        Query(_updateInode, share, folder, name, local.inode).run();
    }
    if (before.entry.kind != entry.kind || before.entry.size != entry.size ||
        before.entry.hash != entry.hash)
    {
        Query(_updateContent,
              share,
              folder,
              name,
              static_cast<std::uint8_t>(entry.kind),
              entry.size,
              packed(entry.hash.bytes))
            .run();
    }
    if (before.entry.mode != entry.mode || before.entry.mtime != entry.mtime ||
        before.entry.target != entry.target || before.local != local)
    {
        Query(_updateRest,
              share,
              folder,
              name,
              entry.mode,
              entry.mtime.seconds,
              entry.mtime.nanoseconds,
              asBytes(entry.target),
              local.size,
              local.mtime.seconds,
              local.mtime.nanoseconds,
              local.ctime.seconds,
              local.ctime.nanoseconds)
            .run();
    }
}

void EntryTable::remove(ShareId share, const RelativePath& path)
{
    Query(_remove, share, folderBytes(path), nameBytes(path)).run();
}

std::vector<IndexEntry> EntryTable::children(ShareId share,
                                             const RelativePath& folder,
                                             std::string_view after,
                                             std::size_t limit)
{
    std::vector<IndexEntry> result;
    Query query(_children, share, asBytes(folder.text()), asBytes(after), limit);
    appendRows(query, result);
    return result;
}

bool EntryTable::hasChildren(ShareId share, const RelativePath& folder)
{
    Query query(_hasChildren, share, asBytes(folder.text()));
    return isTrue(query);
}

std::vector<IndexEntry> EntryTable::subtree(ShareId share,
                                            const RelativePath& folder,
                                            const RelativePath& after,
                                            std::size_t limit)
{
    if (folder.isRoot())
    {
        std::vector<IndexEntry> result;
        Query query(_range,
                    share,
                    folderBytes(after),
                    nameBytes(after),
                    ByteView(aboveAllFolders()),
                    limit);
        appendRows(query, result);
        return result;
    }
    // Folders such as "a-b" stand between "a" and "a/b", so it takes two ranges: the folder itself,
    // and all that begin with "a/" ('0' follows '/').
    std::vector<IndexEntry> result;
    if (after.folder() <= folder.text())
    {
        const bool inside = after.folder() == folder.text();
        result = children(share, folder, inside ? after.name() : std::string_view(), limit);
    }
    const std::string low = folder.text() + "/";
    const std::string high = folder.text() + "0";
    const bool beyond = after.folder() >= low;
    Query query(_range,
                share,
                beyond ? folderBytes(after) : asBytes(low),
                beyond ? nameBytes(after) : ByteView(),
                asBytes(high),
                limit - result.size());
    appendRows(query, result);
    return result;
}

std::vector<IndexEntry>
EntryTable::withContent(ShareId share, std::uint64_t size, const Hash& hash, std::size_t limit)
{
    std::vector<IndexEntry> result;
    const ByteView bytes = packed(hash.bytes);
    const ByteView start = bytes.empty() ? bytes : bytes.first(kIndexedHashBytes);
    Query query(_withContent, share, size, start, bytes, limit);
    appendRows(query, result);
    return result;
}

bool EntryTable::hasFileOfSize(ShareId share, std::uint64_t size)
{
    Query query(_hasFileOfSize, share, size);
    return isTrue(query);
}

std::vector<IndexEntry> EntryTable::withInode(ShareId share, std::uint64_t inode, std::size_t limit)
{
    std::vector<IndexEntry> result;
    Query query(_withInode, share, inode, limit);
    appendRows(query, result);
    return result;
}

std::vector<IndexEntry> EntryTable::withSeqAfter(ShareId share, Seq seq, std::size_t limit)
{
    std::vector<IndexEntry> result;
    Query query(_withSeqAfter, share, seq, limit);
    appendRows(query, result);
    return result;
}

std::optional<IndexEntry> EntryTable::withSeq(ShareId share, Seq seq)
{
    Query query(_withSeq, share, seq);
    return oneRow(query);
}

void EntryTable::forgetRevisions(ShareId share)
{
    Query(_forgetRevisions, share).run();
}

void EntryTable::markListed(ShareId share, const RelativePath& path)
{
    Query(_markListed, share, folderBytes(path), nameBytes(path)).run();
}

std::vector<IndexEntry>
EntryTable::unlisted(ShareId share, const RelativePath& after, std::size_t limit)
{
    std::vector<IndexEntry> result;
    Query query(_unlisted, share, folderBytes(after), nameBytes(after), limit);
    appendRows(query, result);
    return result;
}

void EntryTable::clearListed(ShareId share)
{
    Query(_clearListed, share).run();
}

} // namespace tidewire
