// Database, Statement and Migrations: settings, values, errors.

#include "shared/db/Database.h"

#include "shared/base/Errors.h"
#include "shared/db/Migrations.h"
#include "shared/db/Statement.h"
#include "tests/support/LateMtime.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>

using namespace tidewire;

namespace {

std::int64_t number(Database& database, std::string_view sql)
{
    Statement statement(database, sql);
    Query query(statement);
    const bool found = query.next();
    REQUIRE(found);
    return query.i64(0);
}

class DatabaseFixture
{
protected:
    DatabaseFixture()
    {
        database.emplace(file);
        database->exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    }

    void insert(std::int64_t key)
    {
        Statement statement(*database, "INSERT INTO t VALUES(?, zeroblob(3000))");
        Query(statement, key).run();
    }

    TempFolder folder;
    const std::string file = folder / "test.db";
    std::optional<Database> database;
};

} // namespace

TEST_CASE_METHOD(DatabaseFixture, "Database: the settings are in force and there is no -shm file")
{
    Statement mode(*database, "PRAGMA journal_mode");
    Query query(mode);
    REQUIRE(query.next());
    CHECK(query.text(0) == "wal");
    CHECK(number(*database, "PRAGMA synchronous") == 1);
    CHECK(number(*database, "PRAGMA cache_size") == -1024);
    CHECK(number(*database, "PRAGMA mmap_size") == 0);
    CHECK(number(*database, "PRAGMA temp_store") == 2);
    CHECK(std::filesystem::exists(file + "-wal"));
    CHECK_FALSE(std::filesystem::exists(file + "-shm"));

    Database durable(folder / "durable.db", {Durability::Committed, 256, 0});
    CHECK(number(durable, "PRAGMA synchronous") == 2);
    CHECK(number(durable, "PRAGMA cache_size") == -256);
}

TEST_CASE_METHOD(DatabaseFixture, "Database: a second one cannot open the file")
{
    try
    {
        const Database second(file, {Durability::Ordered, 64, 0});
        FAIL("it was opened");
    }
    catch (const StorageError& error)
    {
        CHECK(error.code() == EBUSY);
        CHECK(std::string(error.what()).find(file) != std::string::npos);
    }
}

TEST_CASE_METHOD(DatabaseFixture, "Database: what is not committed is gone")
{
    insert(1);
    {
        Transaction transaction(*database);
        insert(2);
        CHECK(number(*database, "SELECT count(*) FROM t") == 2);
    }
    CHECK_FALSE(database->inTransaction());
    {
        Transaction transaction(*database);
        insert(3);
        transaction.commit();
    }
    database->begin();
    insert(4);
    database.reset();
    database.emplace(file);
    CHECK(number(*database, "SELECT group_concat(a, '') FROM t") == 13);
}

TEST_CASE_METHOD(DatabaseFixture, "Database: a full file is a StorageError with ENOSPC")
{
    database->exec("PRAGMA max_page_count = 20");
    try
    {
        for (int i = 0; i < 100; ++i)
        {
            insert(i);
        }
        FAIL("it never was full");
    }
    catch (const StorageError& error)
    {
        CHECK(error.code() == ENOSPC);
        CHECK(error.transient());
    }
    CHECK(number(*database, "SELECT count(*) FROM t") > 10);
}

TEST_CASE_METHOD(DatabaseFixture, "Database: files that a wrong clock wrote are opened")
{
    insert(1);
    // As after a crash: with a WAL.
    const std::string late = folder / "late.db";
    for (const std::string end : {"", "-wal"})
    {
        std::filesystem::copy_file(file + end, late + end);
        setLateMtime(late + end);
    }

    Database opened(late);

    CHECK(number(opened, "SELECT count(*) FROM t") == 1);
}

TEST_CASE("Database: a missing folder is a StorageError with ENOENT")
{
    const TempFolder folder;
    try
    {
        const Database database(folder / "none/test.db");
        FAIL("it was opened");
    }
    catch (const StorageError& error)
    {
        CHECK(error.code() == ENOENT);
    }
}

TEST_CASE("Database: a file that is none of SQLite's is a CorruptError")
{
    const TempFolder folder;
    std::ofstream(folder / "test.db") << std::string(8192, 'x');
    CHECK_THROWS_AS(Database(folder / "test.db"), CorruptError);
}

TEST_CASE_METHOD(DatabaseFixture, "Database: a damaged page is a CorruptError")
{
    for (int i = 0; i < 200; ++i)
    {
        insert(i);
    }
    database.reset();
    {
        std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
        const std::string noise(4096, '\x5a');
        for (int page = 1; page < 100; ++page)
        {
            stream.seekp(page * 4096);
            stream.write(noise.data(), 4096);
        }
    }
    database.emplace(file);
    CHECK_THROWS_AS(number(*database, "SELECT sum(length(b)) FROM t"), CorruptError);
}

TEST_CASE_METHOD(DatabaseFixture, "Database: any other error names the file and the reason")
{
    insert(1);
    try
    {
        insert(1);
        FAIL("the key is twice there");
    }
    catch (const StorageError&)
    {
        FAIL("not an error of the disk");
    }
    catch (const Error& error)
    {
        const std::string text = error.what();
        CHECK(text.find(file) != std::string::npos);
        CHECK(text.find("UNIQUE") != std::string::npos);
    }
}

TEST_CASE_METHOD(DatabaseFixture, "Statement: values come back as they were bound")
{
    database->exec("CREATE TABLE v(i, u, b, e, s, n)");
    const Bytes bytes{0, 1, 255, 0};
    const auto big = std::numeric_limits<std::uint64_t>::max() - 1;
    Statement insertion(*database, "INSERT INTO v VALUES(?, ?, ?, ?, ?, ?)");
    Query(insertion, -5, big, ByteView(bytes), ByteView(), std::string_view("text"), nullptr).run();

    Statement selection(*database, "SELECT i, u, b, e, s, n, typeof(e) FROM v");
    Query query(selection);
    REQUIRE(query.next());
    CHECK(query.i64(0) == -5);
    CHECK(query.u64(1) == big);
    CHECK(std::ranges::equal(query.blob(2), bytes));
    CHECK(query.blob(3).empty());
    CHECK_FALSE(query.isNull(3));
    CHECK(query.text(4) == "text");
    CHECK(query.isNull(5));
    CHECK(query.text(6) == "blob");
    CHECK_THROWS_AS(query.u32(0), CorruptError);
    CHECK_FALSE(query.next());
}

TEST_CASE_METHOD(DatabaseFixture,
                 "Statement: it can be used again after an error and after a break")
{
    Statement insertion(*database, "INSERT INTO t VALUES(?, NULL)");
    Query(insertion, 1).run();
    CHECK_THROWS_AS(Query(insertion, 1).run(), Error);
    Query(insertion, 2).run();

    Statement selection(*database, "SELECT a FROM t ORDER BY a");
    for (int i = 0; i < 2; ++i)
    {
        Query query(selection);
        REQUIRE(query.next());
        CHECK(query.i64(0) == 1);
        CHECK_THROWS_AS(Query(selection), std::logic_error);
    }
    CHECK_THROWS_AS(Statement(*database, "SELECT nothing FROM t"), CorruptError);
}

TEST_CASE_METHOD(DatabaseFixture, "migrate: only the steps that are missing run")
{
    const std::array<const char*, 2> steps{"CREATE TABLE one(x); INSERT INTO one VALUES(1)",
                                           "CREATE TABLE two(x); INSERT INTO one VALUES(2)"};
    migrate(*database, std::span(steps).first(1));
    CHECK(number(*database, "PRAGMA user_version") == 1);
    migrate(*database, steps);
    migrate(*database, steps);
    CHECK(number(*database, "PRAGMA user_version") == 2);
    CHECK(number(*database, "SELECT group_concat(x, '') FROM one") == 12);
}

TEST_CASE_METHOD(DatabaseFixture, "migrate: a step that fails leaves the version before it")
{
    const std::array<const char*, 2> steps{"CREATE TABLE one(x)", "CREATE TABLE two(x); nonsense"};
    CHECK_THROWS_AS(migrate(*database, steps), Error);
    CHECK(number(*database, "PRAGMA user_version") == 1);
    CHECK(number(*database, "SELECT count(*) FROM sqlite_schema WHERE name = 'two'") == 0);
}

TEST_CASE_METHOD(DatabaseFixture, "migrate: a newer file is refused and is not called damaged")
{
    database->exec("PRAGMA user_version = 9");
    const std::array<const char*, 1> steps{"CREATE TABLE one(x)"};
    try
    {
        migrate(*database, steps);
        FAIL("it was taken");
    }
    catch (const CorruptError&)
    {
        FAIL("it is sound");
    }
    catch (const Error& error)
    {
        CHECK(std::string(error.what()).find("newer") != std::string::npos);
    }
    database->exec("PRAGMA user_version = -1");
    CHECK_THROWS_AS(migrate(*database, steps), CorruptError);
}
