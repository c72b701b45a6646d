// Tests of UniqueFd: every descriptor is closed exactly once.

#include "shared/base/UniqueFd.h"

#include <catch2/catch.hpp>

#include <fcntl.h>

using namespace tidewire;

namespace {

UniqueFd openNull()
{
    return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool isOpen(int fd)
{
    return ::fcntl(fd, F_GETFD) >= 0;
}

} // namespace

TEST_CASE("UniqueFd: the descriptor is closed at the end", "[base]")
{
    int fd = -1;
    {
        const UniqueFd owner = openNull();
        REQUIRE(owner);
        fd = owner.get();
        CHECK(isOpen(fd));
    }

    CHECK_FALSE(isOpen(fd));
}

TEST_CASE("UniqueFd: a move hands the descriptor over and closes the one before", "[base]")
{
    UniqueFd first = openNull();
    UniqueFd second = openNull();
    const int kept = first.get();
    const int closed = second.get();

    second = std::move(first);

    CHECK(second.get() == kept);
    CHECK(isOpen(kept));
    CHECK_FALSE(isOpen(closed));
    const UniqueFd third(std::move(second));
    CHECK(third.get() == kept);
}

TEST_CASE("UniqueFd: release gives the descriptor away", "[base]")
{
    UniqueFd owner = openNull();
    UniqueFd other(owner.release());

    CHECK_FALSE(owner);
    CHECK(isOpen(other.get()));
    other.reset();
    CHECK_FALSE(other);
}

TEST_CASE("UniqueFd: an empty one closes nothing", "[base]")
{
    UniqueFd empty;

    CHECK_FALSE(empty);
    CHECK(empty.get() == -1);
    empty.reset();
}
