// SQLite's prepared statements behind Statement and Query.

#include "shared/db/Statement.h"

#include "shared/base/Errors.h"

#include <sqlite3.h>

#include <limits>
#include <stdexcept>
#include <string>

namespace tidewire {

Statement::Statement(Database& database, std::string_view sql): _database(database)
{
    const int code = sqlite3_prepare_v3(database.handle(),
                                        sql.data(),
                                        static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT,
                                        &_handle,
                                        nullptr);
    if (code == SQLITE_ERROR)
    {
        throw CorruptError("read " + printable(database.path()) + ": " +
                           printable(sqlite3_errmsg(database.handle())));
    }
    if (code != SQLITE_OK)
    {
        database.fail("read", code);
    }
}

Statement::~Statement()
{
    sqlite3_finalize(_handle);
}

Statement& Query::acquire(Statement& statement)
{
    if (statement._inUse)
    {
        throw std::logic_error("a statement has one query at a time");
    }
    statement._inUse = true;
    return statement;
}

void Query::release() noexcept
{
    // sqlite3_reset() repeats the error of the last step, which next() has thrown already.
    sqlite3_reset(_statement._handle);
    sqlite3_clear_bindings(_statement._handle);
    _statement._inUse = false;
}

bool Query::next()
{
    const int code = sqlite3_step(_statement._handle);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
    {
        _statement._database.fail(sqlite3_stmt_readonly(_statement._handle) != 0 ? "read" : "write",
                                  code);
    }
    return code == SQLITE_ROW;
}

void Query::run()
{
    while (next())
    {
    }
}

bool Query::isNull(int column) const
{
    return sqlite3_column_type(_statement._handle, column) == SQLITE_NULL;
}

std::int64_t Query::i64(int column) const
{
    return sqlite3_column_int64(_statement._handle, column);
}

std::uint64_t Query::u64(int column) const
{
    return static_cast<std::uint64_t>(i64(column));
}

std::uint32_t Query::u32(int column) const
{
    const std::int64_t value = i64(column);
    if (value < 0 || value > std::numeric_limits<std::uint32_t>::max())
    {
        corrupt("a number is out of range");
    }
    return static_cast<std::uint32_t>(value);
}

ByteView Query::blob(int column) const
{
    const void* data = sqlite3_column_blob(_statement._handle, column);
    const int size = sqlite3_column_bytes(_statement._handle, column);
    if (data == nullptr)
    {
        if (sqlite3_errcode(_statement._database.handle()) == SQLITE_NOMEM)
        {
            _statement._database.fail("read", SQLITE_NOMEM);
        }
        return {};
    }
    return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
}

std::string_view Query::text(int column) const
{
    return asText(blob(column));
}

void Query::corrupt(std::string_view what) const
{
    throw CorruptError("read " + printable(_statement._database.path()) + ": " + std::string(what));
}

void Query::bind(ByteView value)
{
    // A null pointer would bind NULL where an empty BLOB is meant.
    const void* data = value.empty() ? "" : static_cast<const void*>(value.data());
    checkBind(
        sqlite3_bind_blob64(_statement._handle, ++_parameter, data, value.size(), SQLITE_STATIC));
}

void Query::bind(std::string_view value)
{
    const char* data = value.empty() ? "" : value.data();
    checkBind(sqlite3_bind_text64(
        _statement._handle, ++_parameter, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Query::bind(std::nullptr_t)
{
    checkBind(sqlite3_bind_null(_statement._handle, ++_parameter));
}

void Query::bindInteger(std::int64_t value)
{
    checkBind(sqlite3_bind_int64(_statement._handle, ++_parameter, value));
}

void Query::checkBind(int code) const
{
    if (code != SQLITE_OK)
    {
        _statement._database.fail("bind", code);
    }
}

} // namespace tidewire
