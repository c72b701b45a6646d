// Prepared statements with typed parameters and columns.

#pragma once

#include "shared/base/Bytes.h"
#include "shared/db/Database.h"

#include <concepts>
#include <cstdint>
#include <string_view>

struct sqlite3_stmt;

namespace tidewire {

/// One SQL statement, prepared once and used many times through Query.
///
/// Thread: that of the database, which must outlive this.
class Statement
{
public:
    /// Borrows `sql` only for the call. CorruptError when the file has no such table or column:
    /// our SQL is constant, so then the file is not what its version says.
    Statement(Database& database, std::string_view sql);
    ~Statement();

    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

private:
    friend class Query;

    Database& _database;
    sqlite3_stmt* _handle = nullptr;
    bool _inUse = false;
};

/// One use of a statement: binds the parameters, steps through the rows, resets at the end of the
/// scope. A statement has one Query at a time.
///
/// Unsigned integers are stored as the signed ones of the same bits: their order in the file is
/// that of the signed ones.
class Query
{
public:
    /// Binds `values` to the parameters 1, 2, ... in order: integers, ByteView as BLOB,
    /// std::string_view as TEXT, nullptr as NULL. Views must outlive the query.
    template <typename... Values>
    explicit Query(Statement& statement, const Values&... values): _statement(acquire(statement))
    {
        try
        {
            (bind(values), ...);
        }
        catch (...)
        {
            release();
            throw;
        }
    }
    ~Query() { release(); }

    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    /// Moves to the next row, the first one at first; false when there is none.
    bool next();

    /// Runs a statement that gives no rows.
    void run();

    /// Columns of the row, from 0. Views last until the next call of next() or the end.
    [[nodiscard]] bool isNull(int column) const;
    [[nodiscard]] std::int64_t i64(int column) const;
    [[nodiscard]] std::uint64_t u64(int column) const;
    /// CorruptError when the value is out of range.
    [[nodiscard]] std::uint32_t u32(int column) const;
    [[nodiscard]] ByteView blob(int column) const;
    [[nodiscard]] std::string_view text(int column) const;

    /// Throws CorruptError that names the file: a value of the row cannot be one of ours.
    [[noreturn]] void corrupt(std::string_view what) const;

private:
    static Statement& acquire(Statement& statement);
    void release() noexcept;

    template <std::integral Integer>
    void bind(Integer value)
    {
        bindInteger(static_cast<std::int64_t>(value));
    }
    void bind(ByteView value);
    void bind(std::string_view value);
    void bind(std::nullptr_t);
    void bindInteger(std::int64_t value);
    void checkBind(int code) const;

    Statement& _statement;
    int _parameter = 0;
};

} // namespace tidewire
