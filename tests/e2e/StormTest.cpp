// Many changes at once, files that stay open, databases at work: what comes out is equal.

#include "tests/e2e/support/Cluster.h"
#include "tests/e2e/support/Files.h"
#include "tests/e2e/support/TreeSnapshot.h"

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <random>

using namespace tidewire;
using namespace tidewire::e2e;

namespace {

constexpr auto kLong = std::chrono::seconds(120);

using Database = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;

Database openDatabase(const std::string& path)
{
    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &raw) == SQLITE_OK);
    return {raw, sqlite3_close};
}

std::string query(sqlite3* database, const std::string& sql)
{
    std::string result;
    const auto take = [](void* out, int, char** values, char**) {
        *static_cast<std::string*>(out) += values[0] == nullptr ? "" : values[0];
        return 0;
    };
    const int code = sqlite3_exec(database, sql.c_str(), take, &result, nullptr);
    return code == SQLITE_OK ? result : sqlite3_errmsg(database);
}

} // namespace

TEST_CASE("Storm: a file rewritten a thousand times ends with its last content", "[e2e]")
{
    Pair pair;
    for (unsigned i = 0; i < 1000; ++i)
    {
        if (i % 2 == 0)
        {
            writeFile(pair.one / "busy", textBytes(i, 2000 + i));
        }
        else
        {
            replaceFile(pair.one / "busy", textBytes(i, 2000 + i));
        }
    }

    pair.cluster.settle();
    CHECK(readFile(pair.two / "busy") == textBytes(999, 2999));
    CHECK(countNames(pair.two.folder(), "conflict") == 0);
}

TEST_CASE("Storm: thousands of files made, moved and deleted at once leave equal trees", "[e2e]")
{
    Pair pair;
    for (int i = 0; i < 3000; ++i)
    {
        const std::string folder = pair.one / ("d" + std::to_string(i % 30));
        makeFolders(folder);
        writeFile(folder + "/f" + std::to_string(i), std::to_string(i));
        if (i % 7 == 0)
        {
            removeTree(folder + "/f" + std::to_string(i));
        }
        if (i % 100 == 50)
        {
            renamePath(folder, folder + "-" + std::to_string(i));
        }
    }
    const TreeSnapshot expected = TreeSnapshot::take(pair.one.folder());

    pair.cluster.settle({}, kLong);
    CHECK(expected.differenceTo(TreeSnapshot::take(pair.two.folder())) == "");
}

TEST_CASE("Storm: both sides at once in folders of their own lose nothing", "[e2e]")
{
    Pair pair;
    for (AgentNode* agent : {&pair.one, &pair.two})
    {
        makeFolders(*agent / agent->name());
    }
    for (unsigned i = 0; i < 500; ++i)
    {
        for (AgentNode* agent : {&pair.one, &pair.two})
        {
            const std::string path = *agent / (agent->name() + "/f" + std::to_string(i % 100));
            writeFile(path, textBytes(i, 500));
        }
    }
    const TreeSnapshot one = TreeSnapshot::take(pair.one / "one");
    const TreeSnapshot two = TreeSnapshot::take(pair.two / "two");

    pair.cluster.settle({}, kLong);
    CHECK(one.differenceTo(TreeSnapshot::take(pair.two / "one")) == "");
    CHECK(two.differenceTo(TreeSnapshot::take(pair.one / "two")) == "");
    CHECK(countNames(pair.one / "one", "conflict") == 0);
    CHECK(countNames(pair.one / "two", "conflict") == 0);
}

TEST_CASE("Storm: renames in a circle leave equal trees", "[e2e]")
{
    Pair pair;
    for (int i = 0; i < 5; ++i)
    {
        writeFile(pair.one / std::to_string(i), "content " + std::to_string(i));
    }
    pair.cluster.settle();

    std::mt19937 generator(7);
    for (int round = 0; round < 500; ++round)
    {
        const std::string from = pair.one / std::to_string(generator() % 8);
        const std::string to = pair.one / std::to_string(generator() % 8);
        if (exists(from) && !exists(to))
        {
            renamePath(from, to);
        }
    }
    const TreeSnapshot expected = TreeSnapshot::take(pair.one.folder());

    pair.cluster.settle();
    CHECK(expected.entries().size() == 5);
    CHECK(expected.differenceTo(TreeSnapshot::take(pair.two.folder())) == "");
}

TEST_CASE("Storm: a log that stays open is taken when it is quiet", "[e2e]")
{
    Pair pair;
    const UniqueFd log(
        ::open((pair.one / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    for (const std::string line : {"first line\n", "second line\n"})
    {
        REQUIRE(::write(log.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
        pair.cluster.await("the line arrives while the log is open", [&] {
            const auto content = readFile(pair.two / "log");
            return content && content->find(line) != std::string::npos;
        });
    }
}

TEST_CASE("Storm: a log that is never quiet is taken all the same", "[e2e]")
{
    Pair pair;
    const UniqueFd log(
        ::open((pair.one / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));

    // The condition itself writes: the file has not been quiet for longer than the poll takes.
    pair.cluster.await(
        "a part of the log arrives",
        [&] {
            return ::write(log.get(), "line\n", 5) == 5 && exists(pair.two / "log") &&
                   sizeOf(pair.two / "log") > 0;
        },
        2 * defaultDeadline());
    pair.cluster.settle();
}

TEST_CASE("Storm: a SQLite database at work arrives whole when it is quiet", "[e2e]")
{
    const std::string journalMode = GENERATE("wal", "delete", "truncate");
    CAPTURE(journalMode);
    Pair pair;
    {
        const Database database = openDatabase(pair.one / "data.db");
        CHECK(query(database.get(), "PRAGMA journal_mode=" + journalMode) == journalMode);
        CHECK(query(database.get(), "CREATE TABLE reading(at INTEGER PRIMARY KEY, v TEXT)") == "");
        for (int i = 0; i < 300; ++i)
        {
            CHECK(query(database.get(),
                        "INSERT INTO reading(v) VALUES(hex(randomblob(" + std::to_string(i) +
                            ")))") == "");
        }
    }

    pair.cluster.settle();
    const Database copy = openDatabase(pair.two / "data.db");
    CHECK(query(copy.get(), "PRAGMA integrity_check") == "ok");
    CHECK(query(copy.get(), "SELECT count(*) FROM reading") == "300");
}
