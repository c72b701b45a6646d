// Fetches whose content is damaged, moved or dropped under way.

#include "tests/relay/session/FetchFixture.h"

using namespace tidewire;

TEST_CASE_METHOD(FetchFixture, "Fetch: a damaged frame ends its fetch only", "[relay][session]")
{
    putBig("bad", 3, 3);
    const Seq bad = head();
    const Bytes good = putBig("good", 3, 4);
    store().damageFrame(store().recipe(bad)->at(0).frame + 1);

    fetch({{1, bad, 0, 0}, {2, head(), 0, 0}});
    finish();

    CHECK(agent.states[1] == ContentStatus::Gone);
    CHECK(agent.contents[2] == good);
    CHECK(outlet.closed.empty());
}

TEST_CASE_METHOD(FetchFixture, "Fetch: a revision dropped under way is gone", "[relay][session]")
{
    putBig("big", 10, 3);
    const Seq big = head();
    fetch({{1, 1, 0, 0}, {2, big, 0, 0}});
    store().dropRevision(big);

    finish();

    CHECK(agent.states[1] == ContentStatus::Done);
    CHECK(agent.states[2] == ContentStatus::Gone);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetch: a revision that upkeep rewrites under way is read where it stands now",
                 "[relay][session]")
{
    const Bytes raw = putBig("big", 4, 3);
    const Seq seq = head();
    const FrameId first = store().recipe(seq)->at(0).frame;
    fetch({{1, seq, 0, 0}});
    core.flush();
    agent.take(takeAll(1));
    REQUIRE(agent.contents[1].size() == kFrameBytes);

    putBig("again", 4, 3);
    store().rewrite(seq, *store().recipe(head()));
    for (FrameId id = first; id < first + 4; ++id)
    {
        store().dropFrame(id);
    }
    finish();

    CHECK(agent.states[1] == ContentStatus::Done);
    CHECK(agent.contents[1] == raw);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetch: a slice that meets a frame which upkeep has moved keeps what it has",
                 "[relay][session]")
{
    // Many small pieces go in one slice, so the moved frame comes in its midst.
    const Bytes raw = noise(20 * 100, 5);
    Proposal proposal = proposalOf("log", fileEntry(raw.size(), 5));
    for (std::size_t i = 0; i < 20; ++i)
    {
        const FrameId id = store().addFrame(packFrame(ByteView(raw).subspan(i * 100, 100)));
        proposal.delta.push_back({OpKind::Data, id, 0, 100});
    }
    REQUIRE(store().propose("filler", proposal).verdict == Verdict::Accepted);
    store().commit();
    const Seq seq = head();
    // Behind another fetch, so that the plan is made and nothing of it is sent.
    putBig("big", 2, 3);
    fetch({{1, head(), 0, 0}, {2, seq, 0, 0}});
    core.flush();
    agent.take(takeAll(1));

    Recipe recipe = *store().recipe(seq);
    const FrameId merged = store().addFrame(packFrame(ByteView(raw).subspan(300)));
    store().commit();
    for (std::size_t i = 3; i < 20; ++i)
    {
        store().dropFrame(recipe[i].frame);
    }
    recipe.resize(3);
    recipe.push_back({OpKind::Data, merged, 0, raw.size() - 300});
    store().rewrite(seq, recipe);
    finish();

    CHECK(agent.states[2] == ContentStatus::Done);
    CHECK(agent.contents[2] == raw);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetch: a revision whose frames were collected under way is gone",
                 "[relay][session]")
{
    putBig("big", 4, 3);
    const Seq seq = head();
    const FrameId first = store().recipe(seq)->at(0).frame;
    fetch({{1, seq, 0, 0}});
    core.flush();
    agent.take(takeAll(1));

    store().dropRevision(seq);
    store().dropFrame(first + 3);
    finish();

    CHECK(agent.states[1] == ContentStatus::Gone);
    agent.contents.clear();
    fetch({{1, 1, 0, 0}});
    finish();
    CHECK(agent.contents[1] == noise(300, 1));
}
