// StateLock: one process, one state folder.

#include "shared/daemon/StateLock.h"

#include "shared/base/Errors.h"
#include "tests/support/LateMtime.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>

using namespace tidewire;
using Catch::Matchers::Contains;

TEST_CASE("StateLock: a second lock is refused and names the holder", "[statelock]")
{
    const TempFolder folder;
    const std::string state = folder / "var/lib/agent";
    std::optional<StateLock> first;
    first.emplace(state);

    CHECK_THROWS_WITH(StateLock(state),
                      Contains(state) && Contains("process " + std::to_string(::getpid())));

    first.reset();
    CHECK_NOTHROW(StateLock(state));
}

TEST_CASE("StateLock: the folder that it makes is nobody else's to read, those above are",
          "[statelock]")
{
    const TempFolder folder;
    const mode_t before = ::umask(GENERATE(0U, 077U));
    const StateLock lock(folder / "above/state");
    ::umask(before);
    struct stat status = {};

    REQUIRE(::stat((folder / "above/state").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0700U);
    REQUIRE(::stat((folder / "above").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0755U);
}

TEST_CASE("StateLock: the folders above may have any time", "[statelock]")
{
    const TempFolder folder;
    setLateMtime(folder.path());

    CHECK_NOTHROW(StateLock(folder / "state"));
    setLateMtime(folder.path());
    CHECK_NOTHROW(StateLock(folder / "state"));
}

TEST_CASE("StateLock: a folder that cannot be made is a storage error", "[statelock]")
{
    const TempFolder folder;
    std::ofstream(folder / "file") << "x";

    CHECK_THROWS_AS(StateLock(folder / "file/state"), StorageError);
}
