// Queries on the table `sent`.

#include "agent/state/SentTable.h"

#include "shared/base/Errors.h"

namespace tidewire {

SentTable::SentTable(Database& database):
    _add(database, "INSERT INTO sent(share, age, fingerprints) VALUES(?, 0, ?) RETURNING id"),
    _remove(database, "DELETE FROM sent WHERE id = ?"),
    _all(database, "SELECT fingerprints FROM sent WHERE share = ?"),
    _age(database, "UPDATE sent SET age = age + 1 WHERE share = ?"),
    _expire(database, "DELETE FROM sent WHERE share = ? AND age > ?")
{
}

std::int64_t SentTable::add(ShareId share, ByteView fingerprints)
{
    Query query(_add, share, fingerprints);
    if (!query.next())
    {
        query.corrupt("a new row has no number");
    }
    return query.i64(0);
}

void SentTable::remove(std::int64_t batch)
{
    Query(_remove, batch).run();
}

std::vector<Bytes> SentTable::all(ShareId share)
{
    std::vector<Bytes> result;
    Query query(_all, share);
    while (query.next())
    {
        const ByteView blob = query.blob(0);
        result.emplace_back(blob.begin(), blob.end());
    }
    return result;
}

void SentTable::age(ShareId share, unsigned limit)
{
    Query(_age, share).run();
    Query(_expire, share, limit).run();
}

} // namespace tidewire
