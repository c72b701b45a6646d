// Which names are shares, and that a store is opened once.

#include "relay/store/StoreFolder.h"

#include "shared/fs/PosixFileSystem.h"
#include "shared/wire/Messages.h"
#include "tests/support/ManualClock.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

using namespace tidewire;

TEST_CASE("StoreFolder: names of shares are safe as names of folders", "[store]")
{
    CHECK(isValidShareName("photos"));
    CHECK(isValidShareName("A-z_0.9"));
    CHECK(isValidShareName(std::string(kMaxShareNameBytes, 'a')));
    CHECK_FALSE(isValidShareName(""));
    CHECK_FALSE(isValidShareName("."));
    CHECK_FALSE(isValidShareName(".."));
    CHECK_FALSE(isValidShareName(".hidden"));
    CHECK_FALSE(isValidShareName("a/b"));
    CHECK_FALSE(isValidShareName("a b"));
    CHECK_FALSE(isValidShareName("\xc3\xa4"));
    CHECK_FALSE(isValidShareName(std::string_view("a\0b", 3)));
    CHECK_FALSE(isValidShareName(std::string(kMaxShareNameBytes + 1, 'a')));
}

TEST_CASE("StoreFolder: a share is made on first use, opened once, and found again", "[store]")
{
    const TempFolder folder;
    PosixFileSystem disk(folder.path());
    const ManualClock clock;
    const auto options = [](const std::string&) {
        return StoreOptions();
    };
    Incarnation incarnation{};
    {
        StoreFolder stores(disk, folder.path(), clock, options);
        CHECK(stores.open("../x") == nullptr);
        Store* photos = stores.open("photos");
        REQUIRE(photos != nullptr);
        CHECK(stores.open("photos") == photos);
        CHECK(stores.open("music")->state().incarnation != photos->state().incarnation);
        incarnation = photos->state().incarnation;
    }

    StoreFolder stores(disk, folder.path(), clock, options);

    CHECK(stores.open("photos")->state().incarnation == incarnation);
}
