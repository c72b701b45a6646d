// Tests the decoding of raw inotify events, damaged ones among them.

#include "agent/watch/InotifyEvents.h"

#include "tests/agent/watch/FakeDisk.h"

#include <catch2/catch.hpp>

#include <sys/inotify.h>

#include <string>
#include <vector>

namespace tidewire {

TEST_CASE("InotifyDecoder: several events of one read come out one by one", "[watch]")
{
    Bytes raw = rawEvent(1, IN_CREATE, 0, "a");
    const std::string longest(255, 'x');
    for (const Bytes& more : {rawEvent(-1, IN_Q_OVERFLOW), rawEvent(2, IN_MOVED_TO, 9, longest)})
    {
        raw.insert(raw.end(), more.begin(), more.end());
    }

    InotifyDecoder decoder(raw);
    const auto first = decoder.next();
    const auto second = decoder.next();
    const auto third = decoder.next();

    REQUIRE(first);
    CHECK(first->wd == 1);
    CHECK(first->name == "a");
    REQUIRE(second);
    CHECK(second->wd == -1);
    CHECK(second->mask == IN_Q_OVERFLOW);
    CHECK(second->name.empty());
    REQUIRE(third);
    CHECK(third->cookie == 9);
    CHECK(third->name == longest);
    CHECK_FALSE(decoder.next());
    CHECK_FALSE(decoder.isDamaged());
}

TEST_CASE("InotifyDecoder: a name keeps its bytes, whatever they are", "[watch]")
{
    const Bytes raw = rawEvent(1, IN_CREATE, 0, "\xFF\xFE caf\xE9\n");

    InotifyDecoder decoder(raw);
    const auto event = decoder.next();

    REQUIRE(event);
    CHECK(event->name == "\xFF\xFE caf\xE9\n");
}

TEST_CASE("InotifyDecoder: a buffer cut at any byte is never read past", "[watch]")
{
    Bytes raw = rawEvent(1, IN_CREATE, 0, "name");
    const std::size_t whole = raw.size();
    const Bytes more = rawEvent(2, IN_CREATE, 0, "other");
    raw.insert(raw.end(), more.begin(), more.end());
    const auto cut = GENERATE(range(0, 64));
    CAPTURE(cut);
    const auto size = static_cast<std::size_t>(cut);
    const Bytes part(raw.begin(), raw.begin() + cut);

    InotifyDecoder decoder(part);
    std::size_t count = 0;
    while (decoder.next())
    {
        ++count;
    }

    CHECK(count == size / whole);
    CHECK(decoder.isDamaged() == (size % whole != 0));
}

TEST_CASE("InotifyDecoder: a length beyond the buffer is damage", "[watch]")
{
    Bytes raw = rawEvent(1, IN_CREATE, 0, "name");
    raw[12] = raw[13] = raw[14] = raw[15] = 0xFF;

    InotifyDecoder decoder(raw);

    CHECK_FALSE(decoder.next());
    CHECK(decoder.isDamaged());
    CHECK_FALSE(decoder.next());
}

} // namespace tidewire
