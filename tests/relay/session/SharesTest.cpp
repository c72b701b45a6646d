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
