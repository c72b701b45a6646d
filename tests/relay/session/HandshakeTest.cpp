// HELLO, WELCOME, and what ends a connection.

#include "tests/relay/session/RelayFixture.h"

#include <catch2/catch.hpp>

using namespace tidewire;

namespace {

HelloMessage::Share shareAt(const RelayFixture& fixture, Seq cursor, std::uint64_t tag)
{
    HelloMessage::Share share;
    share.incarnation = fixture.provider.store.state().incarnation;
    share.cursor = cursor;
    share.tag = tag;
    return share;
}

void fill(RelayFixture& fixture, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i)
    {
        fixture.put(numbered("d", i), folderEntry());
    }
}

} // namespace

TEST_CASE_METHOD(RelayFixture, "Handshake: a new agent continues from 0", "[relay][session]")
{
    fill(*this, 3);

    const WelcomeMessage welcome = greet(1, "kitchen", {});

    CHECK(welcome.shares.at(0).status == ShareStatus::Continue);
    CHECK(welcome.shares[0].head == 3);
    CHECK(welcome.shares[0].incarnation == store().state().incarnation);
    CHECK_FALSE(welcome.shares[0].readOnly);
}

TEST_CASE_METHOD(RelayFixture, "Handshake: a good cursor continues", "[relay][session]")
{
    fill(*this, 3);

    const WelcomeMessage welcome = greet(1, "kitchen", shareAt(*this, 2, 1002));

    CHECK(welcome.shares.at(0).status == ShareStatus::Continue);
    settle();
    const auto news = take<RevisionsMessage>(1);
    REQUIRE(news.items.size() == 1);
    CHECK(news.items[0].revision.seq == 3);
    CHECK(news.cursor == 3);
    CHECK(news.tag == 1003);
    CHECK(news.live);
}

TEST_CASE_METHOD(RelayFixture,
                 "Handshake: a cursor that means nothing is reset",
                 "[relay][session]")
{
    fill(*this, 3);
    HelloMessage::Share share = shareAt(*this, 2, 1002);
    SECTION("another incarnation")
    {
        share.incarnation = {9};
    }
    SECTION("ahead of the journal")
    {
        share.cursor = 4;
        share.tag = 1004;
    }
    SECTION("another revision of that number")
    {
        share.tag = 5;
    }

    const WelcomeMessage welcome = greet(1, "kitchen", share);

    CHECK(welcome.shares.at(0).status == ShareStatus::Reset);
    CHECK_FALSE(welcome.shares[0].sameStore);
    settle();
    CHECK(take<RevisionsMessage>(1).items.size() == 3);
}

TEST_CASE_METHOD(RelayFixture,
                 "Handshake: a cursor older than the dropped tombstones is reset in the same store",
                 "[relay][session]")
{
    fill(*this, 3);
    put("d0", Entry{}, 1);
    put("d3", folderEntry());
    store().dropTombstones(4);
    const Seq cursor = GENERATE(as<Seq>{}, 0, 1, 3);
    CAPTURE(cursor);

    // Revision 1 was dropped with its tombstone: its tag is unknown and the incarnation is trusted.
    const WelcomeMessage welcome = greet(1, "kitchen", shareAt(*this, cursor, 1000 + cursor));

    CHECK(welcome.shares.at(0).status == ShareStatus::Reset);
    CHECK(welcome.shares[0].sameStore);
}

TEST_CASE_METHOD(RelayFixture, "Handshake: a cursor at the floor continues", "[relay][session]")
{
    fill(*this, 3);
    put("d0", Entry{}, 1);
    store().dropTombstones(4);

    CHECK(greet(1, "kitchen", shareAt(*this, 4, 0)).shares.at(0).status == ShareStatus::Continue);
}

TEST_CASE_METHOD(RelayFixture,
                 "Handshake: shares that are not there or not allowed are unknown alike",
                 "[relay][session]")
{
    policy.rights["photos"] = {false, true};
    HelloMessage hello;
    hello.agent = "kitchen";
    hello.shares.resize(2);
    hello.shares[0].name = "photos";
    hello.shares[1].name = "nothing";
    core.onConnect(1, "test");

    core.onMessage(1, hello);

    const auto welcome = take<WelcomeMessage>(1);
    CHECK(welcome.shares.at(0).status == ShareStatus::Unknown);
    CHECK(welcome.shares.at(1).status == ShareStatus::Unknown);
    CHECK(welcome.shares[0].incarnation == Incarnation{});
    settle();
    CHECK(isQuiet(1));
}

TEST_CASE_METHOD(RelayFixture, "Handshake: bad names end the connection", "[relay][session]")
{
    const std::string name = GENERATE(as<std::string>{}, "", "a/b", "..", ".", "a b", "\xC3\xA4");
    const bool isAgent = GENERATE(true, false);
    CAPTURE(name, isAgent);
    HelloMessage hello;
    hello.agent = isAgent ? name : "kitchen";
    hello.shares.resize(1);
    hello.shares[0].name = isAgent ? "photos" : name;
    core.onConnect(1, "test");

    core.onMessage(1, hello);

    CHECK(take<ErrorMessage>(1).code == ErrorCode::ProtocolViolation);
    CHECK(outlet.closed.contains(1));
}

TEST_CASE_METHOD(RelayFixture, "Handshake: another version is told so", "[relay][session]")
{
    HelloMessage hello;
    hello.version = kProtocolVersion + 1;
    hello.agent = "kitchen";
    core.onConnect(1, "test");

    core.onMessage(1, hello);

    CHECK(take<ErrorMessage>(1).code == ErrorCode::UnsupportedVersion);
}

TEST_CASE_METHOD(RelayFixture,
                 "Handshake: a name that the key does not have is refused",
                 "[relay][session]")
{
    HelloMessage hello;
    hello.agent = "kitchen";
    core.onConnect(1, "test", "office");
    core.onConnect(2, "test", "kitchen");

    core.onMessage(1, hello);
    core.onMessage(2, hello);

    CHECK(take<ErrorMessage>(1).code == ErrorCode::ProtocolViolation);
    CHECK(take<WelcomeMessage>(2).shares.empty());
}

TEST_CASE_METHOD(RelayFixture,
                 "Handshake: a violation ends its connection and no other",
                 "[relay][session]")
{
    join(1, "kitchen");
    join(2, "office");
    Message bad = PingMessage{};
    SECTION("a second HELLO")
    {
        bad = HelloMessage{};
    }
    SECTION("a share number that was not in HELLO")
    {
        bad = CursorMessage{1, 0};
    }
    SECTION("a message of the relay")
    {
        bad = WelcomeMessage{};
    }
    SECTION("a frame out of turn")
    {
        bad = FrameMessage{0, FrameUse::Live, 1, packFrame(Bytes{1})};
    }
    SECTION("a frame for contents")
    {
        bad = FrameMessage{0, FrameUse::Fetch, 0, packFrame(Bytes{1})};
    }
    SECTION("a frame with a wrong checksum")
    {
        Frame frame = packFrame(Bytes{1, 2, 3});
        frame.checksum ^= 1;
        bad = FrameMessage{0, FrameUse::Live, 0, frame};
    }
    SECTION("a frame of an upload that is not open")
    {
        bad = UploadFrameMessage{0, {1}, 0, packFrame(Bytes{1})};
    }
    SECTION("an id of a fetch that is in use")
    {
        bad = FetchMessage{0, {{1, 1, 0, 0}, {1, 1, 0, 0}}};
    }

    if (!std::holds_alternative<PingMessage>(bad))
    {
        core.onMessage(1, std::move(bad));
    }
    else
    {
        core.onViolation(1, "bytes that are no message");
    }

    CHECK(take<ErrorMessage>(1).code == ErrorCode::ProtocolViolation);
    CHECK(outlet.closed == std::set<ConnectionId>{1});
    core.onMessage(1, PingMessage{1});
    CHECK(isQuiet(1));
    core.onMessage(2, PingMessage{7});
    CHECK(take<PongMessage>(2).token == 7);
}

TEST_CASE_METHOD(RelayFixture,
                 "Handshake: anything before HELLO is a violation",
                 "[relay][session]")
{
    core.onConnect(1, "test");

    core.onMessage(1, PingMessage{1});

    CHECK(take<ErrorMessage>(1).code == ErrorCode::ProtocolViolation);
    CHECK(outlet.closed.contains(1));
}

TEST_CASE_METHOD(RelayFixture,
                 "Handshake: the newer connection of an agent wins",
                 "[relay][session]")
{
    join(1, "kitchen");

    join(2, "kitchen");

    CHECK(take<ErrorMessage>(1).code == ErrorCode::Replaced);
    CHECK(outlet.closed == std::set<ConnectionId>{1});
    REQUIRE(core.status().size() == 1);
    CHECK(core.status()[0].connection == 2);
    core.onMessage(2, PingMessage{7});
    CHECK(take<PongMessage>(2).token == 7);
    core.onDisconnect(2);
    CHECK(core.status().empty());
}

TEST_CASE_METHOD(RelayFixture, "Handshake: the status shows what agents report", "[relay][session]")
{
    join(1, "kitchen");

    core.onMessage(1, CursorMessage{0, 17});

    REQUIRE(core.status().size() == 1);
    REQUIRE(core.status()[0].shares.size() == 1);
    CHECK(core.status()[0].agent == "kitchen");
    CHECK(core.status()[0].shares[0].name == "photos");
    CHECK(core.status()[0].shares[0].cursor == 17);
    CHECK(core.status()[0].shares[0].live);
}

TEST_CASE_METHOD(RelayFixture,
                 "Handshake: agents whose rights have changed are ended, and nobody else",
                 "[relay][session]")
{
    HelloMessage hello;
    hello.agent = "kitchen";
    core.onConnect(1, "test", "kitchen");
    core.onMessage(1, hello);
    core.onConnect(2, "test", "kitchen");
    hello.agent = "garden";
    core.onConnect(3, "test", "garden");
    core.onMessage(3, hello);

    core.endAgents({"kitchen", "cellar"});

    CHECK(outlet.closed == std::set<ConnectionId>{1, 2});
    take<WelcomeMessage>(1);
    CHECK(take<ErrorMessage>(1).code == ErrorCode::AccessChanged);
    CHECK(core.status().size() == 1);
}
