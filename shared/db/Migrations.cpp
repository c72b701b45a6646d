// Numbered steps and PRAGMA user_version.

#include "shared/db/Migrations.h"

#include "shared/base/Errors.h"
#include "shared/db/Statement.h"

#include <cstddef>
#include <string>

namespace tidewire {

namespace {

std::int64_t userVersion(Database& database)
{
    Statement statement(database, "PRAGMA user_version");
    Query query(statement);
    query.next();
    return query.i64(0);
}

} // namespace

void migrate(Database& database, std::span<const char* const> steps)
{
    const std::int64_t version = userVersion(database);
    if (version < 0)
    {
        throw CorruptError("open " + printable(database.path()) + ": version " +
                           std::to_string(version) + " is none of tidewire's");
    }
    if (version > static_cast<std::int64_t>(steps.size()))
    {
        throw Error("open " + printable(database.path()) + ": made by a newer tidewire (version " +
                    std::to_string(version) + ", this one knows up to " +
                    std::to_string(steps.size()) + ")");
    }
    for (auto i = static_cast<std::size_t>(version); i < steps.size(); ++i)
    {
        Transaction transaction(database);
        database.exec(steps[i]);
        database.exec(("PRAGMA user_version = " + std::to_string(i + 1)).c_str());
        transaction.commit();
    }
}

} // namespace tidewire
