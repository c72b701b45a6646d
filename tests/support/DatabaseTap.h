// A hand on the databases that are opened, to let them run full.

#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <string>
#include <vector>

namespace tidewire {

/// Sees every SQLite connection that is opened while it lives; one tap at a time.
class DatabaseTap
{
public:
    DatabaseTap()
    {
        opened().clear();
        sqlite3_auto_extension(reinterpret_cast<void (*)()>(&DatabaseTap::onOpen));
    }

    ~DatabaseTap() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&onOpen)); }

    DatabaseTap(const DatabaseTap&) = delete;
    DatabaseTap& operator=(const DatabaseTap&) = delete;

    /// From now on the `place`-th database that was opened cannot grow: SQLITE_FULL.
    static void fill(std::size_t place) { limit(place, 1); }

    /// There is room again.
    static void relieve(std::size_t place) { limit(place, 1'000'000); }

private:
    static std::vector<sqlite3*>& opened()
    {
        static std::vector<sqlite3*> all;
        return all;
    }

    static int onOpen(sqlite3* database, const char**, const void*)
    {
        opened().push_back(database);
        return SQLITE_OK;
    }

    /// SQLite raises the limit to what the file has already.
    static void limit(std::size_t place, unsigned pages)
    {
        const std::string text = "PRAGMA max_page_count = " + std::to_string(pages);
        sqlite3_exec(opened().at(place), text.c_str(), nullptr, nullptr, nullptr);
    }
};

} // namespace tidewire
