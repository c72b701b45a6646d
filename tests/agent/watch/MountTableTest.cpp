// Tests the reading of /proc/self/mountinfo.

#include "agent/watch/MountTable.h"

#include <catch2/catch.hpp>

namespace tidewire {

namespace {

const char* const kMountinfo = "23 1 8:1 / / rw - ext4 /dev/sda rw\n"
                               "30 23 8:2 / /srv rw,noatime shared:1 - ext4 /dev/sdb rw\n"
                               "31 30 8:3 / /srv/photos/a\\040b rw - ext4 /dev/sdc rw\n"
                               "32 30 8:4 / /srv/photos2 rw - ext4 /dev/sdd rw\n";

} // namespace

TEST_CASE("MountTable: mount points are unescaped", "[watch]")
{
    const std::vector<Mount> mounts = parseMounts(kMountinfo);

    REQUIRE(mounts.size() == 4);
    CHECK(mounts[2] == Mount{"31", "/srv/photos/a b"});
}

TEST_CASE("MountTable: what counts for a folder is at, above and below it", "[watch]")
{
    const std::vector<Mount> around = mountsAround(parseMounts(kMountinfo), "/srv/photos");

    CHECK(around == std::vector<Mount>{{"23", "/"}, {"30", "/srv"}, {"31", "/srv/photos/a b"}});
}

TEST_CASE("MountTable: lines that are no mounts are left out", "[watch]")
{
    CHECK(parseMounts("").empty());
    CHECK(parseMounts("\n\n").empty());
    CHECK(parseMounts("1 2 3").empty());
    CHECK(parseMounts("1 2 3 4 none 6").empty());
    CHECK(parseMounts("1 2 3 4 /tail\\").at(0).path == "/tail\\");
    CHECK(parseMounts("1 2 3 4 /x\\9999").at(0).path == "/x\\9999");
    CHECK(parseMounts("1 2 3 4 /x\\777").at(0).path == "/x\\777");
}

} // namespace tidewire
