// SyncEngine: nothing is said before it is in the index, and a disk that is full stops the shares, not the process.

#include "agent/sync/SyncEngine.h"

#include "shared/base/Errors.h"
#include "tests/agent/sync/SyncFixture.h"
#include "tests/support/DatabaseTap.h"
#include "tests/support/LogLines.h"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace tidewire;
using namespace std::chrono_literals;

namespace {

/// The connection; notes whether the index was at rest when something left.
class WatchfulOutlet: public EngineOutlet
{
public:
    explicit WatchfulOutlet(Index& index): _index(index) {}

    void send(std::shared_ptr<const Bytes> message, Lane) override
    {
        early += _index.inTransaction() ? 1U : 0U;
        MessageReader reader;
        reader.feed(*message);
        Message next;
        std::size_t wireBytes = 0;
        REQUIRE(reader.next(next, wireBytes));
        sent.push_back(std::move(next));
    }

    void disconnect(const std::string& reason) override { reasons.push_back(reason); }

    template <typename Wanted>
    [[nodiscard]] std::vector<Wanted> all() const
    {
        std::vector<Wanted> result;
        for (const Message& message : sent)
        {
            if (const auto* wanted = std::get_if<Wanted>(&message))
            {
                result.push_back(*wanted);
            }
        }
        return result;
    }

    [[nodiscard]] std::size_t proposals() const
    {
        std::size_t count = 0;
        for (const ProposeMessage& message : all<ProposeMessage>())
        {
            count += message.proposals.size();
        }
        return count;
    }

    std::vector<Message> sent;
    std::vector<std::string> reasons;
    unsigned early = 0;

private:
    Index& _index;
};

/// An engine with one share over a disk in memory, and the relay's greetings.
class EngineFixture
{
protected:
    static constexpr std::size_t kIndex = 0;

    EngineFixture(): files(std::make_shared<MemoryFileSystem>()) { startEngine(); }

    ~EngineFixture() { runner.jobs.clear(); }

    void startEngine()
    {
        engine = std::make_unique<SyncEngine>("kitchen", index, clock, runner, outlet);
    }

    bool addShare(WatchId id = 1)
    {
        ShareOptions options;
        options.name = "photos";
        options.agent = "kitchen";
        return engine->addShare(id,
                                options,
                                files,
                                {[](const IgnoreRules&) {},
                                 [](SteadyTime) {
                                 }});
    }

    void give(const Message& message)
    {
        Message copy = message;
        engine->onMessage(std::move(copy), encodeMessage(message).size());
    }

    void connect(Seq head = 0)
    {
        engine->onConnected();
        engine->run();
        WelcomeMessage welcome;
        welcome.shares.resize(1);
        welcome.shares[0].status = ShareStatus::Continue;
        welcome.shares[0].incarnation[0] = 1;
        give(welcome);
        RevisionsMessage live;
        live.live = true;
        live.cursor = head;
        live.tag = head;
        give(live);
    }

    /// As the agent's main loop; jobs are done between turns.
    void turns()
    {
        for (bool more = true; more;)
        {
            more = engine->run();
            if (!runner.jobs.empty())
            {
                JobPtr job = std::move(runner.jobs.front());
                runner.jobs.pop_front();
                while (job->step())
                {
                }
                engine->onJob(std::move(job));
                more = true;
            }
        }
    }

    void writeMany(unsigned count)
    {
        for (unsigned i = 0; i < count; ++i)
        {
            writeFile(*files,
                      "folder/file with a rather long name " + std::to_string(i),
                      std::to_string(i));
        }
        engine->onHint({1, RelativePath(), HintScope::Subtree, HintTiming::Settled});
    }

    /// Everything that was proposed, accepted: rows for the index.
    void acceptAll()
    {
        Seq seq = 0;
        for (const ProposeMessage& message : outlet.all<ProposeMessage>())
        {
            ResultMessage results;
            for (const Proposal& proposal : message.proposals)
            {
                ProposalResult result;
                result.id = proposal.id;
                result.verdict = Verdict::Accepted;
                result.seq = ++seq;
                results.results.push_back(result);
            }
            give(results);
        }
    }

    DatabaseTap tap;
    Index index{":memory:"};
    ManualClock clock;
    ManualRunner runner;
    WatchfulOutlet outlet{index};
    LogLines log{"agent.sync"};
    std::shared_ptr<MemoryFileSystem> files;
    std::unique_ptr<SyncEngine> engine;
};

} // namespace

TEST_CASE_METHOD(EngineFixture, "Engine: messages leave after the commit, in their order")
{
    REQUIRE(addShare());
    connect();
    writeMany(300);
    turns();

    CHECK(outlet.early == 0);
    CHECK(outlet.proposals() == 301);
    CHECK(std::holds_alternative<HelloMessage>(outlet.sent.front()));
    std::size_t frames = 0;
    for (const Message& message : outlet.sent)
    {
        frames += std::holds_alternative<FrameMessage>(message) ? 1U : 0U;
        if (const auto* propose = std::get_if<ProposeMessage>(&message); propose != nullptr)
        {
            for (const Proposal& proposal : propose->proposals)
            {
                for (const Op& op : proposal.delta)
                {
                    CHECK(op.frame < frames);
                }
            }
        }
    }
}

TEST_CASE_METHOD(EngineFixture, "Engine: a process that ends before the commit has said nothing")
{
    REQUIRE(addShare());
    connect();
    writeMany(1);
    // The look at the disk; what is read comes back as a job.
    engine->run();
    engine->run();
    const std::size_t before = outlet.sent.size();
    while (!runner.jobs.empty())
    {
        JobPtr job = std::move(runner.jobs.front());
        runner.jobs.pop_front();
        while (job->step())
        {
        }
        engine->onJob(std::move(job));
    }
    CHECK(index.inTransaction());
    CHECK(outlet.sent.size() == before);

    engine.reset();
    index.rollback();
    CHECK(outlet.sent.size() == before);
}

TEST_CASE_METHOD(EngineFixture, "Engine: what was said before the process ended is in the index")
{
    REQUIRE(addShare());
    connect();
    writeMany(20);
    turns();
    REQUIRE(outlet.proposals() == 21);
    engine.reset();
    index.rollback();

    CHECK_FALSE(index.sent(index.share("photos").id).empty());
}

TEST_CASE_METHOD(EngineFixture,
                 "Engine: a full index stops the share with one line and ends the connection")
{
    REQUIRE(addShare());
    connect();
    turns();
    DatabaseTap::fill(kIndex);
    writeMany(2000);
    CHECK_NOTHROW(turns());
    CHECK_NOTHROW(acceptAll());
    CHECK_NOTHROW(turns());

    REQUIRE(engine->share(1) != nullptr);
    CHECK_FALSE(engine->share(1)->isRunning());
    CHECK_FALSE(engine->share(1)->problem().empty());
    CHECK_FALSE(index.inTransaction());
    CHECK(log.count("photos", Poco::Message::PRIO_ERROR) == 1);
    CHECK(outlet.reasons.size() == 1);
    CHECK(outlet.early == 0);

    // What the old connection and its jobs still bring does no harm.
    CHECK_NOTHROW(acceptAll());
    CHECK_NOTHROW(engine->onDisconnected());
    CHECK_NOTHROW(turns());
    CHECK(log.count("photos", Poco::Message::PRIO_ERROR) == 1);
    CHECK(outlet.reasons.size() == 1);
}

TEST_CASE_METHOD(EngineFixture,
                 "Engine: when there is room again the share starts and says everything anew")
{
    REQUIRE(addShare());
    connect();
    turns();
    DatabaseTap::fill(kIndex);
    writeMany(2000);
    turns();
    acceptAll();
    turns();
    REQUIRE_FALSE(engine->share(1)->isRunning());
    engine->removeShare(1);
    turns();
    REQUIRE_FALSE(engine->isLeaving(1));
    DatabaseTap::relieve(kIndex);
    outlet.sent.clear();

    REQUIRE(addShare(2));
    connect();
    turns();
    acceptAll();
    turns();
    CHECK(outlet.proposals() == 2001);
    const ShareId share = index.share("photos").id;
    CHECK(index.subtree(share, {}, {}, 9999).size() == 2001);
    CHECK(index.sent(share).empty());
    CHECK(outlet.early == 0);
}

TEST_CASE_METHOD(EngineFixture,
                 "Engine: a share that is opened over a full index does not start, and does later")
{
    // Rows up to the edge of a page, so that the record of the share has no room.
    const ShareId other = index.share("another").id;
    for (Seq seq = 1; seq <= 500; ++seq)
    {
        IndexEntry entry;
        entry.path = pathOf("entry " + std::to_string(seq));
        entry.seq = seq;
        entry.entry.kind = EntryKind::Directory;
        index.put(other, entry);
    }
    DatabaseTap::fill(kIndex);
    for (const std::string prefix : {"filler with a long name to use up pages ", "s"})
    {
        const auto useUp = [&] {
            for (unsigned i = 0; i < 1000; ++i)
            {
                static_cast<void>(index.share(prefix + std::to_string(i)));
            }
        };
        REQUIRE_THROWS_AS(useUp(), DatabaseError);
    }

    bool started = true;
    CHECK_NOTHROW(started = addShare());
    CHECK_FALSE(started);
    CHECK_NOTHROW(turns());
    CHECK_FALSE(index.inTransaction());

    engine->removeShare(1);
    DatabaseTap::relieve(kIndex);
    CHECK(addShare(2));
}
