// Random proposals, restarts and upkeep against a simple model of the rules and the contents.

#include "tests/relay/store/StoreFixture.h"

#include <map>

using namespace tidewire;

namespace {

struct Version
{
    Seq seq = 0;
    Entry entry;
    std::string content;
};

StoreOptions smallOptions()
{
    StoreOptions options;
    options.history = 100;
    options.tombstones = 1'000'000;
    options.settle = 5;
    options.collectEvery = 10;
    options.segmentBytes = 30000;
    return options;
}

/// What the store must do, with whole contents and linear searches.
class Model
{
public:
    [[nodiscard]] const Version* find(const std::string& path) const
    {
        const auto found = heads.find(path);
        return found == heads.end() ? nullptr : &found->second;
    }

    [[nodiscard]] bool isLive(const std::string& path) const
    {
        const Version* version = find(path);
        return version != nullptr && version->entry.kind != EntryKind::Tombstone;
    }

    [[nodiscard]] Refusal treeRefusal(const std::string& path, EntryKind kind) const
    {
        const std::string parent(pathOf(path).folder());
        if (kind != EntryKind::Tombstone && !parent.empty() &&
            (!isLive(parent) || find(parent)->entry.kind != EntryKind::Directory))
        {
            return Refusal::ParentMissing;
        }
        for (const auto& [other, version] : heads)
        {
            const bool isChild = pathOf(other).folder() == path && isLive(other);
            if (isChild && kind != EntryKind::Directory)
            {
                return Refusal::NotEmpty;
            }
        }
        return Refusal::None;
    }

    /// Verdict and refusal for a proposal with a base that is right or wrong.
    [[nodiscard]] std::pair<Verdict, Refusal> judge(const Proposal& proposal) const
    {
        const std::string& path = proposal.path.text();
        const Version* head = find(path);
        const Entry current = head != nullptr ? head->entry : Entry();
        const bool fits = (head != nullptr && head->seq == proposal.base) ||
                          (proposal.base == 0 && current.kind == EntryKind::Tombstone);
        if (!fits)
        {
            return proposal.entry.sameContent(current)
                       ? std::pair(Verdict::Same, Refusal::None)
                       : std::pair(Verdict::Refused, Refusal::BaseChanged);
        }
        if (const Refusal refusal = treeRefusal(path, proposal.entry.kind);
            refusal != Refusal::None)
        {
            return {Verdict::Refused, refusal};
        }
        return {proposal.entry == current ? Verdict::Same : Verdict::Accepted, Refusal::None};
    }

    std::map<std::string, Version> heads;
};

class Run
{
public:
    explicit Run(std::uint32_t seed): _random(seed), _fixture(smallOptions()) {}

    void batch()
    {
        _working = _committed;
        const std::size_t count = below(12);
        for (std::size_t i = 0; i < count; ++i)
        {
            proposeOne();
        }
        if (below(6) == 0)
        {
            _fixture.store->rollback();
            return;
        }
        if (below(8) == 0)
        {
            _fixture.crash();
            return;
        }
        _fixture.store->commit();
        _committed = _working;
    }

    void live()
    {
        _fixture.clock.setWall(_fixture.clock.wallSeconds() + static_cast<std::int64_t>(below(40)));
        for (std::size_t steps = below(10); steps != 0; --steps)
        {
            _fixture.store->maintain(_fixture.clock.wallSeconds());
        }
        if (below(10) == 0)
        {
            _fixture.open();
        }
    }

    void check()
    {
        const auto heads = _fixture.store->headsAfter(0, 100000, false);
        REQUIRE(heads.size() == _committed.heads.size());
        Seq last = 0;
        for (const Revision& revision : heads)
        {
            REQUIRE(revision.seq > last);
            last = revision.seq;
            const Version* version = _committed.find(revision.path.text());
            REQUIRE(version != nullptr);
            REQUIRE(revision.seq == version->seq);
            REQUIRE(revision.entry == version->entry);
            if (revision.entry.kind == EntryKind::File)
            {
                REQUIRE(_fixture.content(revision.seq) == version->content);
            }
        }
        REQUIRE(_fixture.store->state().head == last);
    }

private:
    std::size_t below(std::size_t limit) { return _random() % limit; }

    std::string randomPath()
    {
        std::string path(1, static_cast<char>('a' + below(4)));
        for (std::size_t depth = below(3); depth != 0; --depth)
        {
            path += '/';
            path += static_cast<char>('a' + below(4));
        }
        return path;
    }

    void proposeOne()
    {
        const std::string path = randomPath();
        const Version* head = _working.find(path);
        const Seq base = below(5) == 0 ? below(30) : head != nullptr ? head->seq : 0;
        std::string text;
        Proposal proposal = _fixture.proposal(path, base, Entry(), ~Seq{0});
        switch (below(6))
        {
        case 0:
            break;
        case 1:
            proposal.entry = folderOf(below(2) == 0 ? 0755 : 0700);
            break;
        case 2:
            proposal.entry = linkOf(below(2) == 0 ? "x" : "y");
            break;
        default:
            makeFile(head, proposal, text);
            break;
        }
        const auto [verdict, refusal] = _working.judge(proposal);
        const ProposalResult result = _fixture.propose(proposal);
        CAPTURE(path, base);
        REQUIRE(result.verdict == verdict);
        REQUIRE(result.refusal == refusal);
        if (verdict == Verdict::Accepted)
        {
            _working.heads[path] = Version{result.seq, proposal.entry, text};
        }
    }

    /// A new file, or an edit of the head: a part replaced, cut out or added.
    void makeFile(const Version* head, Proposal& proposal, std::string& text)
    {
        const std::string added = noise(1 + below(900), static_cast<std::uint32_t>(_random()));
        const Op data{OpKind::Data, _fixture.store->addFrame(frameOf(added)), 0, added.size()};
        if (head == nullptr || head->entry.kind != EntryKind::File || below(4) == 0)
        {
            text = added;
            proposal.delta = {data};
        }
        else
        {
            const std::string& old = head->content;
            const std::size_t from = below(old.size() + 1);
            const std::size_t to = from + below(old.size() - from + 1);
            text = old.substr(0, from) + added + old.substr(to);
            proposal.source = head->seq;
            if (from != 0)
            {
                proposal.delta.push_back(Op{OpKind::Copy, 0, 0, from});
            }
            proposal.delta.push_back(data);
            if (to != old.size())
            {
                proposal.delta.push_back(Op{OpKind::Copy, 0, to, old.size() - to});
            }
        }
        proposal.entry = fileOf(text);
    }

    std::mt19937 _random;
    StoreFixture _fixture;
    Model _committed;
    Model _working;
};

} // namespace

TEST_CASE("EmbeddedStore: random batches with rollbacks, crashes and upkeep follow the model",
          "[store]")
{
    const auto seed = GENERATE(range(1U, 13U));
    CAPTURE(seed);
    Run run(seed);
    for (int batch = 0; batch < 120; ++batch)
    {
        CAPTURE(batch);
        run.batch();
        run.live();
        run.check();
    }
}
