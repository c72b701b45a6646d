// One connection to an SQLite file: settings, transactions, and errors as ours.

#pragma once

#include <cstdint>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace tidewire {

/// When SQLite waits for the medium (PRAGMA synchronous) in WAL mode.
enum class Durability : std::uint8_t
{
    Ordered,   ///< NORMAL: a power cut may lose the latest commits, never their order
    Committed, ///< FULL: commit() returns once the transaction is on the medium
};

struct DatabaseOptions
{
    Durability durability = Durability::Ordered;
    std::uint32_t cacheKiB = 1024; ///< most memory for pages
    int busyTimeoutMs = 2000;      ///< how long opening waits for another process to let go
};

/// An open database file in WAL mode, held exclusively: no second process can open it, so the WAL
/// index lives in the heap and there is no -shm file.
///
/// Nothing is mapped into memory: a medium that fails gives an error, not a SIGBUS.
///
/// Thread: one.
/// Errors: StorageError (ENOSPC: full; EIO: the medium failed; EBUSY: another process has the file;
///         EROFS, ENOMEM, or what open(2) gave); CorruptError when the file is damaged or none of
///         SQLite's; else Error with SQLite's message. All name the file.
class Database
{
public:
    /// Opens or makes the file; ":memory:" keeps it in memory.
    explicit Database(std::string path, const DatabaseOptions& options = {});

    /// Rolls back what is not committed. All statements must be gone.
    ~Database();

    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Runs one or several statements that give no rows.
    void exec(const char* sql);

    /// Begins a transaction that may write. They do not nest.
    void begin();
    void commit();

    /// No error when there is no transaction: SQLite ends one by itself on some errors.
    void rollback();
    [[nodiscard]] bool inTransaction() const;

    /// Rows inserted, changed or removed since the file was opened.
    /// Gives back what the page cache holds and is not needed now.
    void releaseMemory() const;

    [[nodiscard]] std::uint64_t totalChanges() const;

    [[nodiscard]] const std::string& path() const { return _path; }

    /// For Statement alone.
    [[nodiscard]] sqlite3* handle() const { return _handle; }

    /// Throws the error that `code`, a result code of SQLite, stands for.
    [[noreturn]] void fail(const char* operation, int code) const;

private:
    void configure(const DatabaseOptions& options);
    void run(const char* sql, sqlite3_stmt*& statement);
    void close() noexcept;

    const std::string _path;
    sqlite3* _handle = nullptr;
    sqlite3_stmt* _begin = nullptr;
    sqlite3_stmt* _commit = nullptr;
};

/// A transaction for a scope; it is rolled back unless commit() has returned.
class Transaction
{
public:
    explicit Transaction(Database& database);
    ~Transaction();

    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit();

private:
    Database& _database;
    bool _open = true;
};

} // namespace tidewire
