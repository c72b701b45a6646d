// ProposalLog: what was sent is known for as long as its answer may be missing.

#include "agent/sync/ProposalLog.h"

#include "tests/agent/sync/SyncFixture.h"

#include <catch2/catch.hpp>

#include <optional>

using namespace tidewire;

namespace {

/// Notes how many batches the index knew when a message left.
class WatchfulRelay: public RelayLink
{
public:
    WatchfulRelay(Index& index, ShareId share): _index(index), _share(share) {}

    void send(const Message&, Lane) override { known.push_back(_index.sent(_share).size()); }

    std::vector<std::size_t> known;

private:
    Index& _index;
    const ShareId _share;
};

class LogFixture: public SyncFixture
{
protected:
    LogFixture(): watchful(index, share.record.id) { restart(); }

    void restart()
    {
        log.emplace(index, watchful);
        log->load(share.record.id);
    }

    static Proposal proposal(std::uint32_t id, std::string_view path)
    {
        Proposal result;
        result.id = id;
        result.path = pathOf(path);
        result.entry = fileEntry("content of " + std::string(path));
        return result;
    }

    void send(std::vector<Proposal> proposals)
    {
        log->send(ProposeMessage{0, std::move(proposals)}, Lane::Urgent);
    }

    /// The relay's word on what `proposal` became.
    [[nodiscard]] bool made(const Proposal& proposal) const
    {
        return log->made({77, proposal.path, proposal.entry, "kitchen"});
    }

    [[nodiscard]] std::size_t batches() { return index.sent(share.record.id).size(); }

    WatchfulRelay watchful;
    std::optional<ProposalLog> log;
};

} // namespace

TEST_CASE_METHOD(LogFixture, "ProposalLog: a proposal is in the index before it leaves")
{
    send({proposal(1, "a"), proposal(2, "b")});
    send({proposal(3, "c")});

    CHECK(watchful.known == std::vector<std::size_t>{1, 2});
}

TEST_CASE_METHOD(LogFixture, "ProposalLog: other messages go through and leave nothing behind")
{
    log->send(CursorMessage{0, 5}, Lane::Urgent);

    CHECK(watchful.known == std::vector<std::size_t>{0});
}

TEST_CASE_METHOD(LogFixture, "ProposalLog: a batch goes when all of it is answered")
{
    send({proposal(1, "a"), proposal(2, "b")});
    send({proposal(3, "c")});

    log->answered(2);
    CHECK(batches() == 2);
    log->answered(1);
    CHECK(batches() == 1);
    log->answered(3);
    CHECK(batches() == 0);
    log->answered(99);
    log->onDisconnected();
    CHECK_FALSE(made(proposal(1, "a")));
}

TEST_CASE_METHOD(LogFixture, "ProposalLog: what was not answered is known after a disconnection")
{
    send({proposal(1, "a"), proposal(2, "b")});
    log->answered(1);
    CHECK_FALSE(made(proposal(2, "b")));

    log->onDisconnected();
    CHECK(made(proposal(2, "b")));
}

TEST_CASE_METHOD(LogFixture, "ProposalLog: what was not answered is known after a restart")
{
    send({proposal(1, "a")});
    send({proposal(2, "b")});
    log->answered(1);
    restart();

    CHECK_FALSE(made(proposal(1, "a")));
    CHECK(made(proposal(2, "b")));
}

TEST_CASE_METHOD(LogFixture, "ProposalLog: only exactly that entry at that path is its own")
{
    Proposal sent = proposal(1, "a");
    send({sent});
    restart();
    REQUIRE(made(sent));

    SECTION("another path")
    {
        sent.path = pathOf("b");
    }
    SECTION("another mode")
    {
        sent.entry.mode ^= 1U;
    }
    SECTION("another nanosecond")
    {
        ++sent.entry.mtime.nanoseconds;
    }
    SECTION("another second")
    {
        --sent.entry.mtime.seconds;
    }
    SECTION("another size")
    {
        ++sent.entry.size;
    }
    SECTION("another content")
    {
        ++sent.entry.hash.bytes[31];
    }
    SECTION("a deletion")
    {
        sent.entry = Entry();
    }
    SECTION("a link")
    {
        sent.entry = Entry();
        sent.entry.kind = EntryKind::Symlink;
        sent.entry.target = "x";
    }
    CHECK_FALSE(made(sent));
}

TEST_CASE_METHOD(LogFixture, "ProposalLog: a deletion is known as well")
{
    Proposal deletion;
    deletion.id = 1;
    deletion.path = pathOf("a");
    send({deletion});
    restart();

    CHECK(made(deletion));
}

TEST_CASE_METHOD(LogFixture,
                 "ProposalLog: what was never answered is forgotten after kMaxAge more connections")
{
    send({proposal(1, "a")});
    restart();
    for (unsigned age = 0; age < ProposalLog::kMaxAge; ++age)
    {
        log->onLive();
        CHECK(made(proposal(1, "a")));
    }

    log->onLive();
    CHECK_FALSE(made(proposal(1, "a")));
    CHECK(batches() == 0);
}

TEST_CASE_METHOD(LogFixture, "ProposalLog: a younger proposal outlives an older one")
{
    send({proposal(1, "a")});
    log->onDisconnected();
    log->onLive();
    send({proposal(2, "b")});
    log->onDisconnected();
    log->onLive();
    log->onLive();

    CHECK_FALSE(made(proposal(1, "a")));
    CHECK(made(proposal(2, "b")));
}
