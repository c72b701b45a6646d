#include "relay/store/Retention.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tidewire {

namespace {

constexpr int kRowsPerStep = 200;

/// 2020-09-13: a clock that shows an earlier time was never set.
constexpr std::int64_t kClockUnset = 1'600'000'000;

} // namespace

Retention::Retention(Database& database,
                     Journal& journal,
                     FramePool& pool,
                     Uploads& uploads,
                     const StoreOptions& options):
    _database(database),
    _journal(journal),
    _pool(pool),
    _uploads(uploads),
    _options(options),
    _adoptUntil(database,
                "UPDATE revision SET until = ? WHERE seq IN (SELECT seq FROM revision "
                "WHERE until IS NOT NULL AND until < ? LIMIT ?)"),
    _adoptTombstones(database,
                     "UPDATE revision SET time = ? WHERE seq IN (SELECT seq FROM revision "
                     "WHERE kind = 0 AND until IS NULL AND time < ? LIMIT ?)"),
    _adoptUploads(database, "UPDATE upload SET touched = ? WHERE touched < ?"),
    _dropRevisions(database,
                   "DELETE FROM revision WHERE seq IN (SELECT seq FROM revision "
                   "WHERE until IS NOT NULL AND until <= ? ORDER BY until LIMIT ?)"),
    _oldTombstones(database,
                   "SELECT seq, entry FROM revision r WHERE kind = 0 AND until IS NULL AND "
                   "time <= ? AND seq < ? AND NOT EXISTS (SELECT 1 FROM revision o "
                   "WHERE o.entry = r.entry AND o.seq <> r.seq) LIMIT ?"),
    _dropRevision(database, "DELETE FROM revision WHERE seq = ?"),
    _dropEntry(database, "DELETE FROM entry WHERE id = ?")
{
}

bool Retention::step(std::int64_t nowSeconds)
{
    return adoptTimes(nowSeconds) || dropRevisions(nowSeconds) || dropTombstones(nowSeconds) ||
           _uploads.sweep(nowSeconds - _options.uploads);
}

bool Retention::adoptTimes(std::int64_t nowSeconds)
{
    if (nowSeconds < kClockUnset)
    {
        return false;
    }
    const std::uint64_t before = _database.totalChanges();
    Query(_adoptUntil, nowSeconds, kClockUnset, kRowsPerStep).run();
    Query(_adoptTombstones, nowSeconds, kClockUnset, kRowsPerStep).run();
    Query(_adoptUploads, nowSeconds, kClockUnset).run();
    return _database.totalChanges() != before;
}

bool Retention::dropRevisions(std::int64_t nowSeconds)
{
    const std::uint64_t before = _database.totalChanges();
    Query(_dropRevisions, nowSeconds - _options.history, kRowsPerStep).run();
    const std::uint64_t dropped = _database.totalChanges() - before;
    if (dropped != 0)
    {
        _pool.noteGarbage(dropped);
    }
    return dropped != 0;
}

bool Retention::dropTombstones(std::int64_t nowSeconds)
{
    // The newest revision stays, so that its tag can be told.
    const std::int64_t cutoff = nowSeconds - std::max(_options.tombstones, _options.history);
    std::vector<std::pair<Seq, std::int64_t>> old;
    {
        Query query(_oldTombstones, cutoff, _journal.state().head, kRowsPerStep);
        while (query.next())
        {
            old.emplace_back(query.u64(0), query.i64(1));
        }
    }
    for (const auto& [seq, entryId] : old)
    {
        Query(_dropRevision, seq).run();
        Query(_dropEntry, entryId).run();
        _journal.raiseFloor(seq);
    }
    return !old.empty();
}

} // namespace tidewire
