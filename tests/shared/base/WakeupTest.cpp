// Wakeup: readable from wake() until clear(), however often it was woken.

#include "shared/base/Wakeup.h"

#include <catch2/catch.hpp>

#include <poll.h>

using namespace tidewire;

namespace {

bool isReadable(const Wakeup& wakeup)
{
    pollfd one{wakeup.fd(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
}

} // namespace

TEST_CASE("Wakeup: many calls of wake() are undone by one clear()", "[wakeup]")
{
    const Wakeup wakeup;
    CHECK_FALSE(isReadable(wakeup));
    wakeup.clear();

    wakeup.wake();
    wakeup.wake();

    CHECK(isReadable(wakeup));
    wakeup.clear();
    CHECK_FALSE(isReadable(wakeup));
}
