// Several shares and agents: what is slow or fails in one does not hold up the others.

#include "shared/base/Errors.h"
#include "tests/relay/session/RelayFixture.h"

#include <catch2/catch.hpp>

#include <cerrno>

using namespace tidewire;

namespace {

/// Has as much upkeep to do as a test says.
class BusyStore: public MemoryStore
{
public:
    bool maintain(std::int64_t /*nowSeconds*/) override
    {
        ++calls;
        if (fails)
        {
            throw Error("upkeep does not work");
        }
        return left != 0 && left-- != 0;
    }

    [[nodiscard]] std::vector<Revision>
    headsAfter(Seq after, std::size_t limit, bool liveOnly) const override
    {
        if (clock != nullptr)
        {
            clock->advance(std::chrono::seconds(1));
        }
        return MemoryStore::headsAfter(after, limit, liveOnly);
    }

    ManualClock* clock = nullptr; // reading takes a second of it
    std::size_t left = 0;
    std::size_t calls = 0;
    bool fails = false;
};

class Shares: public StoreProvider
{
public:
    Store* open(const std::string& share) override
    {
        if (share == failing)
        {
            throw StorageError("open", share, EIO);
        }
        return &stores[share];
    }

    std::string failing;
    std::map<std::string, BusyStore> stores;
};

class SharesFixture
{
public:
    SharesFixture(): core(shares, policy, clock, outlet) {}

    WelcomeMessage greet(ConnectionId connection,
                         const std::vector<std::string>& names,
                         const std::string& agent = "kitchen")
    {
        HelloMessage hello;
        hello.agent = agent;
        for (const std::string& name : names)
        {
            hello.shares.emplace_back().name = name;
        }
        core.onConnect(connection, "test");
        core.onMessage(connection, hello);
        return std::get<WelcomeMessage>(outlet.queues[connection].front().message);
    }

    Shares shares;
    TestPolicy policy;
    ManualClock clock;
    TestOutlet outlet;
    RelayCore core;
};

} // namespace

TEST_CASE_METHOD(SharesFixture,
                 "Shares: one that cannot be opened is unknown, the others are served",
                 "[relay][session]")
{
    shares.failing = "bad";

    const WelcomeMessage welcome = greet(1, {"bad", "good"});

    REQUIRE(welcome.shares.size() == 2);
    CHECK(welcome.shares[0].status == ShareStatus::Unknown);
    CHECK(welcome.shares[1].status == ShareStatus::Continue);
    CHECK(outlet.closed.empty());
}

TEST_CASE_METHOD(SharesFixture,
                 "Shares: who missed one is sent to ask again when it can be opened",
                 "[relay][session]")
{
    shares.failing = "bad";
    greet(1, {"bad", "good"});
    core.maintain();
    clock.advance(std::chrono::minutes(11));
    core.maintain();
    CHECK(outlet.closed.empty());

    shares.failing.clear();
    core.maintain();
    CHECK(outlet.closed.empty());
    clock.advance(std::chrono::minutes(11));
    core.maintain();

    CHECK(outlet.closed.contains(1));
    CHECK(greet(2, {"bad", "good"}).shares.at(0).status == ShareStatus::Continue);
}

TEST_CASE_METHOD(SharesFixture,
                 "Shares: many agents that catch up are served in turn, between the batches",
                 "[relay][session]")
{
    shares.stores["slow"].clock = &clock;
    for (ConnectionId connection = 1; connection <= 3; ++connection)
    {
        greet(connection, {"slow"}, numbered("agent", connection));
        outlet.queues[connection].clear();
    }

    for (ConnectionId connection = 1; connection <= 3; ++connection)
    {
        CHECK(core.flush());
        for (ConnectionId other = 1; other <= 3; ++other)
        {
            CHECK(outlet.queues[other].size() == (other <= connection ? 1 : 0));
        }
    }
    CHECK_FALSE(core.flush());
}

TEST_CASE_METHOD(SharesFixture, "Upkeep: shares with much to do take turns", "[relay][session]")
{
    greet(1, {"a", "b", "c"});
    shares.stores["a"].left = 10;
    shares.stores["c"].left = 10;

    for (int i = 0; i < 6; ++i)
    {
        CHECK(core.maintain());
    }

    CHECK(shares.stores["a"].left == 7);
    CHECK(shares.stores["c"].left == 7);
}

TEST_CASE_METHOD(SharesFixture,
                 "Upkeep: a share where it fails is left alone for a while",
                 "[relay][session]")
{
    greet(1, {"a", "b"});
    shares.stores["a"].fails = true;
    shares.stores["b"].left = 10;

    for (int i = 0; i < 5; ++i)
    {
        CHECK(core.maintain());
    }
    CHECK(shares.stores["a"].calls == 1);
    CHECK(shares.stores["b"].left == 5);
    clock.advance(std::chrono::minutes(11));
    core.maintain();
    core.maintain();
    CHECK(shares.stores["a"].calls == 2);
}

namespace {

/// A frame of these bytes in share `number` of the connection.
FrameMessage frameIn(ShareNumber number, FrameId id, const Bytes& raw)
{
    return {number, FrameUse::Live, id, packFrame(raw)};
}

/// Two shares with one file each; kitchen has both, garden the second only.
class WorldsFixture: public SharesFixture
{
public:
    WorldsFixture()
    {
        policy.rights["secret"] = {true, true};
        greet(1, {"secret", "open"}, "kitchen");
        for (const ShareNumber number : {ShareNumber{0}, ShareNumber{1}})
        {
            Proposal proposal;
            proposal.path = path("file");
            proposal.entry = fileEntry(10, static_cast<std::uint8_t>(number + 1));
            proposal.delta = {{OpKind::Data, 0, 0, 10}};
            core.onMessage(1, frameIn(number, 0, noise(10, number)));
            core.onMessage(1, ProposeMessage{number, {proposal}});
        }
        settle();
        policy.rights["secret"] = {false, false};
        welcome = greet(2, {"secret", "open"}, "garden");
        settle();
        outlet.queues[2].clear();
    }

    void settle()
    {
        while (core.flush())
        {
        }
    }

    [[nodiscard]] bool isEnded() const { return outlet.closed.contains(2); }

    WelcomeMessage welcome;
};

} // namespace

TEST_CASE_METHOD(WorldsFixture,
                 "Shares: a share that an agent was not given looks like none at all",
                 "[relay][session]")
{
    REQUIRE(welcome.shares.size() == 2);
    CHECK(welcome.shares[0].status == ShareStatus::Unknown);
    CHECK(welcome.shares[0].head == 0);
    CHECK(welcome.shares[0].incarnation == Incarnation{});
    CHECK_FALSE(welcome.shares[0].readOnly);
    CHECK(welcome.shares[1].status == ShareStatus::Continue);
}

TEST_CASE_METHOD(WorldsFixture,
                 "Shares: every message for a share that was not given ends the connection",
                 "[relay][session]")
{
    const UploadToken token{1};
    const std::vector<Message> messages{frameIn(0, 0, noise(10, 1)),
                                        ProposeMessage{0, {}},
                                        CursorMessage{0, 1},
                                        FetchMessage{0, {{1, 1, 0, 0}}},
                                        UploadOpenMessage{0, token, 1, false},
                                        UploadFrameMessage{0, token, 0, packFrame(noise(10, 1))}};
    const auto which = GENERATE(range<std::size_t>(0, 6));
    CAPTURE(which);

    core.onMessage(2, Message(messages[which]));

    CHECK(isEnded());
    CHECK(shares.stores["secret"].state().head == 1);
}

TEST_CASE_METHOD(WorldsFixture,
                 "Shares: revisions, sources and hashes of one share mean nothing in another",
                 "[relay][session]")
{
    // Another revision number than any of the share that garden has.
    core.onMessage(1, frameIn(0, 1, noise(20, 5)));
    Proposal second;
    second.path = path("second");
    second.entry = fileEntry(20, 9);
    second.delta = {{OpKind::Data, 1, 0, 20}};
    core.onMessage(1, ProposeMessage{0, {second}});
    settle();
    REQUIRE(shares.stores["secret"].state().head == 2);

    core.onMessage(2, FetchMessage{1, {{1, 2, 0, 0}}});
    settle();
    const auto content = std::get<ContentMessage>(outlet.queues[2].back().message);
    CHECK(content.status == ContentStatus::Gone);

    Proposal guess;
    guess.path = path("guess");
    guess.entry = fileEntry(20, 9);
    guess.source = 2;
    guess.delta = {{OpKind::Copy, 0, 0, 20}};
    core.onMessage(2, ProposeMessage{1, {guess}});
    settle();
    const auto result = std::get<ResultMessage>(outlet.queues[2].back().message).results.at(0);
    CHECK(result.refusal == Refusal::SourceUnknown);
    CHECK_FALSE(isEnded());
}

TEST_CASE_METHOD(WorldsFixture,
                 "Shares: an upload to one share is none in another",
                 "[relay][session]")
{
    const UploadToken token{1};
    core.onMessage(1, UploadOpenMessage{0, token, 2, false});
    core.onMessage(1, UploadFrameMessage{0, token, 0, packFrame(noise(kFrameBytes, 1))});
    settle();

    core.onMessage(2, UploadOpenMessage{1, token, 2, false});
    settle();

    const auto state = std::get<UploadStateMessage>(outlet.queues[2].back().message);
    CHECK(state.frames == 0);
    CHECK_FALSE(state.failed);
}
