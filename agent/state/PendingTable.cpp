// Queries on the table `pending`.

#include "agent/state/PendingTable.h"

#include "agent/state/IndexRows.h"

#include <string>

namespace tidewire {

namespace {

std::string select(std::string_view rest)
{
    return std::string("SELECT ")
        .append(kEntryColumns)
        .append(", agent, failures FROM pending ")
        .append(rest);
}

Index::Pending readRow(const Query& row)
{
    constexpr int kRest = kEntryColumnCount;
    return {{row.u64(kSeqColumn), readPath(row), readEntry(row), std::string(row.text(kRest))},
            row.u32(kRest + 1)};
}

} // namespace

PendingTable::PendingTable(Database& database):
    _put(database,
         "INSERT OR REPLACE INTO pending(share, folder, name, seq, kind, mode, mtime_s, mtime_ns,"
         " size, hash, target, agent, failures, follows)"
         " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    _remove(database, "DELETE FROM pending WHERE share = ? AND folder = ? AND name = ?"),
    _get(database, select("WHERE share = ? AND folder = ? AND name = ? AND follows = ?")),
    _after(database,
           select("WHERE follows = 0 AND share = ? AND (seq, folder, name) > (?, ?, ?)"
                  " ORDER BY seq, folder, name LIMIT ?")),
    _hasIn(database, "SELECT EXISTS(SELECT 1 FROM pending WHERE share = ? AND folder = ?)")
{
}

void PendingTable::put(ShareId share, const Index::Pending& pending, PendingPlace place)
{
    const Revision& revision = pending.revision;
    const Entry& entry = revision.entry;
    Query(_put,
          share,
          folderBytes(revision.path),
          nameBytes(revision.path),
          revision.seq,
          static_cast<std::uint8_t>(entry.kind),
          entry.mode,
          entry.mtime.seconds,
          entry.mtime.nanoseconds,
          entry.size,
          packed(entry.hash.bytes),
          asBytes(entry.target),
          asBytes(revision.agent),
          pending.failures,
          static_cast<std::uint8_t>(place))
        .run();
}

void PendingTable::remove(ShareId share, const RelativePath& path)
{
    Query(_remove, share, folderBytes(path), nameBytes(path)).run();
}

std::optional<Index::Pending>
PendingTable::get(ShareId share, const RelativePath& path, PendingPlace place)
{
    Query query(_get, share, folderBytes(path), nameBytes(path), static_cast<std::uint8_t>(place));
    return query.next() ? std::optional(readRow(query)) : std::nullopt;
}

std::vector<Index::Pending>
PendingTable::after(ShareId share, const Index::PendingPosition& after, std::size_t limit)
{
    std::vector<Index::Pending> result;
    Query query(_after, share, after.seq, folderBytes(after.path), nameBytes(after.path), limit);
    while (query.next())
    {
        result.push_back(readRow(query));
    }
    return result;
}

bool PendingTable::hasIn(ShareId share, const RelativePath& folder)
{
    Query query(_hasIn, share, asBytes(folder.text()));
    return query.next() && query.u64(0) != 0;
}

} // namespace tidewire
