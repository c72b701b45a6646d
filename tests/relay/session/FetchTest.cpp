// Contents for agents that ask for them.

#include "shared/delta/Recipe.h"
#include "tests/relay/session/FetchFixture.h"

using namespace tidewire;

TEST_CASE_METHOD(FetchFixture, "Fetch: a small file comes whole", "[relay][session]")
{
    fetch({{1, 1, 0, 0}});

    finish();

    CHECK(agent.contents[1] == noise(300, 1));
    CHECK(agent.states[1] == ContentStatus::Done);
    CHECK(agent.frames == 1);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetch: a large file comes in slices, from any offset",
                 "[relay][session]")
{
    const Bytes raw = putBig("big", 5, 3);
    const std::uint64_t offset = GENERATE(
        as<std::uint64_t>{}, 0, 1, 200000, kFrameBytes, 5 * kFrameBytes - 1, 5 * kFrameBytes);
    CAPTURE(offset);

    fetch({{1, head(), 0, offset}});
    finish();

    CHECK(agent.contents[1] == Bytes(raw.begin() + static_cast<std::ptrdiff_t>(offset), raw.end()));
    CHECK(agent.states[1] == ContentStatus::Done);
}

TEST_CASE_METHOD(FetchFixture, "Fetch: an offset behind the end is a violation", "[relay][session]")
{
    fetch({{1, 1, 0, 301}});

    settle();

    CHECK(take<ErrorMessage>(1).code == ErrorCode::ProtocolViolation);
}

TEST_CASE_METHOD(FetchFixture, "Fetch: with a base only the difference comes", "[relay][session]")
{
    const Bytes base = putBig("big", 4, 3);
    const Seq old = head();
    const Bytes insert = noise(500, 9);
    Proposal edit = proposalOf("big", fileEntry(base.size() + 500, 9), old);
    edit.source = old;
    edit.delta = {{OpKind::Copy, 0, 0, 1000},
                  {OpKind::Data, store().addFrame(packFrame(insert)), 0, 500},
                  {OpKind::Copy, 0, 1000, base.size() - 1000}};
    REQUIRE(store().propose("filler", edit).verdict == Verdict::Accepted);
    store().commit();
    agent.bases[1] = base;

    fetch({{1, head(), old, 0}});
    finish();

    Bytes expected = base;
    expected.insert(expected.begin() + 1000, insert.begin(), insert.end());
    CHECK(agent.contents[1] == expected);
    CHECK(agent.received < 1000);
}

TEST_CASE_METHOD(FetchFixture, "Fetch: an unknown base is no base", "[relay][session]")
{
    const Bytes raw = putBig("big", 1, 3);

    fetch({{1, head(), 12345, 0}});
    finish();

    CHECK(agent.contents[1] == raw);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetch: empty files are done at once, what is no file is gone",
                 "[relay][session]")
{
    put("empty", fileEntry(0, 1));
    const Seq empty = head();
    put("folder", folderEntry());

    fetch({{1, empty, 0, 0}, {2, head(), 0, 0}, {3, 999, 0, 0}});
    finish();

    CHECK(agent.states[1] == ContentStatus::Done);
    CHECK(agent.contents[1].empty());
    CHECK(agent.states[2] == ContentStatus::Gone);
    CHECK(agent.states[3] == ContentStatus::Gone);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetch: fetches take turns and live changes pass them",
                 "[relay][session]")
{
    putBig("one", 4, 3);
    const Seq one = head();
    putBig("two", 4, 4);
    join(2, "office");
    fetch({{1, one, 0, 0}, {2, head(), 0, 0}});

    core.flush();
    CHECK(outlet.queues[1].size() == 2); // one frame and its operations
    addFolder(2, "news");
    settle();

    const auto all = takeAll(1);
    agent.take(all);
    const auto live = std::find_if(all.begin(), all.end(), [](const TestOutlet::Sent& sent) {
        return sent.lane == Lane::Urgent;
    });
    REQUIRE(live != all.end());
    CHECK(std::get<RevisionsMessage>(live->message).items.size() == 1);
    // No more than the bound and one slice was queued.
    CHECK(agent.received < 256 * 1024 + kFrameBytes + 1000);
    finish();
    CHECK(agent.order == std::vector<std::uint32_t>{1, 2, 1, 2, 1, 2, 1, 2});
    CHECK(agent.states[1] == ContentStatus::Done);
    CHECK(agent.states[2] == ContentStatus::Done);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetch: live frames and fetched frames have windows of their own",
                 "[relay][session]")
{
    join(2, "office");
    const Bytes raw = noise(1000, 5);
    const Seq seq = addFile(2, "f", raw);
    takeAll(1);

    // The frame stands in the Live window, but CONTENT must not name it from there.
    fetch({{1, seq, 0, 0}});
    finish();

    CHECK(agent.frames == 1);
    CHECK(agent.contents[1] == raw);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetch: no more is sent than there is credit for",
                 "[relay][session]")
{
    const Bytes raw = putBig("big", 40, 3);
    fetch({{1, head(), 0, 0}});

    for (int i = 0; i < 100; ++i)
    {
        settle();
        agent.take(takeAll(1));
    }

    CHECK(agent.received >= kFetchCredit);
    CHECK(agent.received < kFetchCredit + kFrameBytes + 1000);
    // Too much credit does not add up.
    core.onMessage(1, CreditMessage{0xFFFFFFFF});
    core.onMessage(1, CreditMessage{0xFFFFFFFF});
    for (int i = 0; i < 100; ++i)
    {
        settle();
        agent.take(takeAll(1));
    }
    CHECK(agent.received < 2 * (kFetchCredit + kFrameBytes + 1000));
    core.onMessage(1, CreditMessage{kFetchCredit});
    finish();
    CHECK(agent.contents[1] == raw);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetch: little of a big frame comes as literal bytes",
                 "[relay][session]")
{
    const Bytes raw = putSolid(100, 1000);

    fetch({{1, head() - 99 + 42, 0, 0}});
    finish();

    CHECK(agent.contents[1] == Bytes(raw.begin() + 42000, raw.begin() + 43000));
    CHECK(agent.frames == 0);
    CHECK(agent.literals == 1000);
}

TEST_CASE_METHOD(FetchFixture, "Fetch: many files of one frame share it", "[relay][session]")
{
    const Bytes raw = putSolid(60, 1000);
    const Seq first = head() - 59;
    const Bytes other = putBig("big", 12, 3);
    const Seq big = head();
    std::vector<FetchMessage::Item> items{{1000, big, 0, 0}};
    for (std::uint32_t i = 0; i < 60; ++i)
    {
        items.push_back({i, first + i, 0, 0});
    }

    fetch(items);
    finish();

    CHECK(agent.frames == 13);
    CHECK(agent.literals == 0);
    CHECK(agent.contents[1000] == other);
    for (std::uint32_t i = 0; i < 60; ++i)
    {
        CHECK(agent.contents[i] == Bytes(raw.begin() + i * 1000, raw.begin() + (i + 1) * 1000));
    }
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetch: a content of many scattered pieces comes right",
                 "[relay][session]")
{
    // 20 frames, of which pieces are taken back and forth: more frames than the window, some used little.
    std::vector<Bytes> raws;
    std::vector<FrameId> ids;
    for (std::uint32_t i = 0; i < 20; ++i)
    {
        raws.push_back(noise(20000, i));
        ids.push_back(store().addFrame(packFrame(raws.back())));
    }
    Bytes expected;
    Delta delta;
    std::uint32_t seed = 5;
    for (int i = 0; i < 3000; ++i)
    {
        seed = seed * 1664525U + 1013904223U;
        const std::size_t frame = (seed >> 24U) % 20;
        const std::uint64_t offset = (seed >> 8U) % 19000;
        const std::uint64_t length = 1 + seed % (i % 7 == 0 ? 900 : 20);
        appendOp(delta, {OpKind::Data, ids[frame], offset, length});
        const auto begin = raws[frame].begin() + static_cast<std::ptrdiff_t>(offset);
        expected.insert(expected.end(), begin, begin + static_cast<std::ptrdiff_t>(length));
    }
    appendOp(delta, {OpKind::Zero, 0, 0, 5000});
    expected.resize(expected.size() + 5000);
    Proposal proposal = proposalOf("scattered", fileEntry(expected.size(), 1));
    proposal.delta = delta;
    REQUIRE(store().propose("filler", proposal).verdict == Verdict::Accepted);
    store().commit();
    const std::uint64_t offset = GENERATE(as<std::uint64_t>{}, 0, 12345);

    fetch({{1, head(), 0, offset}});
    finish();

    CHECK(agent.contents[1] ==
          Bytes(expected.begin() + static_cast<std::ptrdiff_t>(offset), expected.end()));
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetch: a cancelled fetch is answered and its id is free again",
                 "[relay][session]")
{
    putBig("big", 10, 3);
    fetch({{1, head(), 0, 0}});
    core.flush();
    agent.take(takeAll(1));

    core.onMessage(1, CancelMessage{1});
    core.onMessage(1, CancelMessage{2});
    finish();

    CHECK(agent.states[1] == ContentStatus::Gone);
    CHECK(agent.frames == 1);
    agent.contents.clear();
    fetch({{1, 1, 0, 0}});
    finish();
    CHECK(agent.contents[1] == noise(300, 1));
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetch: more fetches than the limit end the connection",
                 "[relay][session]")
{
    std::vector<FetchMessage::Item> items;
    for (std::uint32_t i = 0; i < kMaxQueuedFetches; ++i)
    {
        items.push_back({i, 1, 0, 0});
    }
    fetch(items);
    CHECK(outlet.closed.empty());

    fetch({{5000, 1, 0, 0}});

    CHECK(outlet.closed.contains(1));
}
