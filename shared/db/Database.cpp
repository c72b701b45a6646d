// SQLite's C API behind Database.

#include "shared/db/Database.h"

#include "shared/base/Errors.h"

#include <sqlite3.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <utility>

namespace tidewire {

namespace {

/// errno for a result code that tells of the disk or the system; 0 for any other.
int errnoOf(sqlite3* handle, int code)
{
    const int system = handle == nullptr ? 0 : sqlite3_system_errno(handle);
    switch (code & 0xFF)
    {
    case SQLITE_FULL:
        return ENOSPC;
    case SQLITE_IOERR:
        // Delayed allocation and quotas report a full disk at fsync, as an I/O error.
        return system == ENOSPC || system == EDQUOT ? system : EIO;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return EBUSY;
    case SQLITE_NOMEM:
        return ENOMEM;
    case SQLITE_READONLY:
        return EROFS;
    case SQLITE_PERM:
        return EACCES;
    case SQLITE_CANTOPEN:
        return system != 0 ? system : EIO;
    default:
        return 0;
    }
}

bool isNarrow(const timespec& time)
{
    using Narrow = std::numeric_limits<std::int32_t>;
    return time.tv_sec >= Narrow::min() && time.tv_sec <= Narrow::max();
}

/// The SQLite of 32-bit systems cannot look at a file with a time that 32 bits do not hold, such as
/// a clock that was wrong for a moment leaves behind.
void repairTimes(const std::string& path)
{
    struct stat status = {};
    if (::stat(path.c_str(), &status) == 0 &&
        !(isNarrow(status.st_atim) && isNarrow(status.st_mtim) && isNarrow(status.st_ctim)))
    {
        // Where this fails SQLite says why the file cannot be opened.
        static_cast<void>(::utimensat(AT_FDCWD, path.c_str(), nullptr, 0));
    }
}

bool isCorrupt(int code)
{
    const int primary = code & 0xFF;
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || code == SQLITE_IOERR_CORRUPTFS;
}

} // namespace

Database::Database(std::string path, const DatabaseOptions& options): _path(std::move(path))
{
    // Without its statistics SQLite takes no lock for each piece of memory. Refused, and of no
    // consequence, once SQLite runs.
    static const int isSet = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    static_cast<void>(isSet);
    repairTimes(_path);
    repairTimes(_path + "-wal");
    const int code = sqlite3_open_v2(_path.c_str(),
                                     &_handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                                         SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                     nullptr);
    try
    {
        if (code != SQLITE_OK)
        {
            fail("open", code);
        }
        configure(options);
    }
    catch (...)
    {
        close();
        throw;
    }
}

Database::~Database()
{
    close();
}

void Database::close() noexcept
{
    // The unfinished transaction ends with the connection. A failed last checkpoint leaves the WAL
    // in place for the next start: nothing is lost, so its error is of no interest.
    sqlite3_finalize(_begin);
    sqlite3_finalize(_commit);
    sqlite3_close_v2(_handle);
    _handle = nullptr;
}

void Database::configure(const DatabaseOptions& options)
{
    sqlite3_busy_timeout(_handle, options.busyTimeoutMs);
    // A damaged or planted schema may neither call functions nor be written to.
    sqlite3_db_config(_handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(_handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    // The lock mode has to stand before the WAL is touched for the first time.
    exec("PRAGMA locking_mode = EXCLUSIVE;"
         "PRAGMA mmap_size = 0;"
         "PRAGMA temp_store = MEMORY;"
         "PRAGMA cell_size_check = ON;"
         "PRAGMA foreign_keys = OFF");
    exec(("PRAGMA cache_size = -" + std::to_string(options.cacheKiB)).c_str());
    exec("PRAGMA journal_mode = WAL");
    exec(options.durability == Durability::Committed ? "PRAGMA synchronous = FULL"
                                                     : "PRAGMA synchronous = NORMAL");
    // One huge transaction must not leave its WAL on the card for ever.
    exec("PRAGMA journal_size_limit = 4194304");
    exec("BEGIN EXCLUSIVE; COMMIT");
}

void Database::exec(const char* sql)
{
    const int code = sqlite3_exec(_handle, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
    {
        fail("write", code);
    }
}

/// Steps a statement that gives no rows, and keeps it prepared.
void Database::run(const char* sql, sqlite3_stmt*& statement)
{
    int code = SQLITE_OK;
    if (statement == nullptr)
    {
        code = sqlite3_prepare_v3(_handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    }
    if (code == SQLITE_OK)
    {
        sqlite3_step(statement);
        code = sqlite3_reset(statement);
    }
    if (code != SQLITE_OK)
    {
        fail("write", code);
    }
}

void Database::begin()
{
    run("BEGIN IMMEDIATE", _begin);
}

void Database::commit()
{
    run("COMMIT", _commit);
}

void Database::rollback()
{
    if (inTransaction())
    {
        exec("ROLLBACK");
    }
}

bool Database::inTransaction() const
{
    return sqlite3_get_autocommit(_handle) == 0;
}

void Database::releaseMemory() const
{
    sqlite3_db_release_memory(_handle);
}

std::uint64_t Database::totalChanges() const
{
    return static_cast<std::uint64_t>(sqlite3_total_changes64(_handle));
}

void Database::fail(const char* operation, int code) const
{
    const char* text = _handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(_handle);
    const std::string message =
        std::string(operation) + " " + printable(_path) + ": " + printable(text);
    if (isCorrupt(code))
    {
        throw CorruptError(message);
    }
    if (const int number = errnoOf(_handle, code); number != 0)
    {
        throw DatabaseError(operation, _path, number);
    }
    throw Error(message);
}

Transaction::Transaction(Database& database): _database(database)
{
    _database.begin();
}

Transaction::~Transaction()
{
    if (_open)
    {
        try
        {
            _database.rollback();
        }
        catch (const Error&) // NOLINT(bugprone-empty-catch): closing the file rolls back as well
        {
        }
    }
}

void Transaction::commit()
{
    _database.commit();
    _open = false;
}

} // namespace tidewire
