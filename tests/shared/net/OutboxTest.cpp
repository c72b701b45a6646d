// Outbox: lanes, whole messages, accounts.

#include "shared/net/Outbox.h"

#include <catch2/catch.hpp>

#include <string>

using namespace tidewire;

namespace {

std::shared_ptr<const Bytes> message(char fill, std::size_t size)
{
    return std::make_shared<const Bytes>(size, static_cast<std::uint8_t>(fill));
}

/// Takes everything out in pieces of `piece` bytes.
std::string drain(Outbox& outbox, std::size_t piece)
{
    std::string result;
    while (!outbox.empty())
    {
        const ByteView front = outbox.front();
        const std::size_t count = std::min(piece, front.size());
        result += asText(front.first(count));
        outbox.take(count);
    }
    return result;
}

} // namespace

TEST_CASE("Outbox: everything on Urgent goes before anything on Bulk, whatever the pieces",
          "[outbox]")
{
    const auto piece = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{100});
    CAPTURE(piece);
    Outbox outbox;
    outbox.push(message('b', 4), Lane::Bulk);
    outbox.push(message('u', 2), Lane::Urgent);
    outbox.push(message('c', 2), Lane::Bulk);
    outbox.push(message('v', 1), Lane::Urgent);

    CHECK(drain(outbox, piece) == "uuvbbbbcc");
    CHECK(outbox.queued() == LaneBytes{});
}

TEST_CASE("Outbox: a message that was begun is finished before an urgent one", "[outbox]")
{
    Outbox outbox;
    outbox.push(message('b', 3), Lane::Bulk);
    outbox.push(message('c', 1), Lane::Bulk);
    outbox.take(1);
    outbox.push(message('u', 2), Lane::Urgent);

    CHECK(drain(outbox, 10) == "bbuuc");
}

TEST_CASE("Outbox: the views of what comes next are what is then taken, across messages",
          "[outbox]")
{
    Outbox outbox;
    std::array<ByteView, 3> views;
    CHECK(outbox.front(views) == 0);
    outbox.push(message('b', 4), Lane::Bulk);
    outbox.push(message('c', 2), Lane::Bulk);
    outbox.take(1);
    outbox.push(message('u', 2), Lane::Urgent);
    outbox.push(message('v', 1), Lane::Urgent);

    REQUIRE(outbox.front(views) == 3);
    CHECK(asText(views[0]) == "bbb");
    CHECK(asText(views[1]) == "uu");
    CHECK(asText(views[2]) == "v");
    const auto taken = GENERATE(std::size_t{3}, std::size_t{4}, std::size_t{6}, std::size_t{7});
    outbox.take(taken);
    CHECK(drain(outbox, 10) == std::string("bbbuuvcc").substr(taken));
}

TEST_CASE("Outbox: the queued bytes of each lane are those that were not taken", "[outbox]")
{
    Outbox outbox;
    outbox.push(message('u', 5), Lane::Urgent);
    outbox.push(message('b', 7), Lane::Bulk);
    CHECK(outbox.queued() == LaneBytes{5, 7});

    outbox.take(2);

    CHECK(outbox.queued() == LaneBytes{3, 7});
    CHECK(outbox.frontLane() == Lane::Urgent);
}

TEST_CASE("Outbox: dropping Bulk keeps the message that is under way", "[outbox]")
{
    Outbox outbox;
    outbox.push(message('b', 3), Lane::Bulk);
    outbox.push(message('c', 4), Lane::Bulk);

    SECTION("begun")
    {
        outbox.take(1);
        outbox.push(message('u', 1), Lane::Urgent);
        outbox.dropBulk();
        CHECK(drain(outbox, 10) == "bbu");
    }
    SECTION("not begun")
    {
        outbox.push(message('u', 1), Lane::Urgent);
        outbox.dropBulk();
        CHECK(drain(outbox, 10) == "u");
    }
}

TEST_CASE("Outbox: an empty message is no message", "[outbox]")
{
    Outbox outbox;

    outbox.push(message('x', 0), Lane::Urgent);

    CHECK(outbox.empty());
    CHECK(outbox.front().empty());
}

TEST_CASE("Outbox: one buffer may wait on many connections", "[outbox]")
{
    const auto shared = message('s', 3);
    Outbox one;
    Outbox other;
    one.push(shared, Lane::Urgent);
    other.push(shared, Lane::Bulk);
    one.take(2);

    CHECK(drain(other, 10) == "sss");
    CHECK(drain(one, 10) == "s");
}
