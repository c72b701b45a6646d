// Contents for agents that ask for them.

#include "shared/delta/Recipe.h"
#include "tests/relay/session/RelayFixture.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tidewire;

namespace {

/// What an agent does with FRAME and CONTENT.
class Receiver
{
public:
    /// Takes the messages in, in their order; those on other lanes are left alone.
    void take(const std::vector<TestOutlet::Sent>& all)
    {
        for (const TestOutlet::Sent& sent : all)
        {
            if (sent.lane != Lane::Bulk)
            {
                continue;
            }
            received += sent.bytes->size() - kMessageHeaderBytes;
            if (const auto* frame = std::get_if<FrameMessage>(&sent.message))
            {
                REQUIRE(frame->use == FrameUse::Fetch);
                ++frames;
                window.emplace_back(frame->id, unpackFrame(frame->frame));
                if (window.size() > kFrameWindow)
                {
                    window.pop_front();
                }
                continue;
            }
            apply(std::get<ContentMessage>(sent.message));
        }
    }

    std::deque<std::pair<FrameId, Bytes>> window;
    std::map<std::uint32_t, Bytes> bases;
    std::map<std::uint32_t, Bytes> contents;
    std::map<std::uint32_t, ContentStatus> states;
    std::vector<std::uint32_t> order; // fetch of every CONTENT
    std::size_t frames = 0;
    std::size_t literals = 0;
    std::size_t received = 0;

private:
    void apply(const ContentMessage& message)
    {
        order.push_back(message.id);
        states[message.id] = message.status;
        literals += message.literal.size();
        Bytes& content = contents[message.id];
        for (const Op& op : message.ops)
        {
            append(content, message, op);
        }
    }

    void append(Bytes& content, const ContentMessage& message, const Op& op)
    {
        if (op.kind == OpKind::Zero)
        {
            content.resize(content.size() + op.length);
        }
        else if (op.kind == OpKind::Copy)
        {
            appendRange(content, bases.at(message.id), op.offset, op.length);
        }
        else if (op.frame == kLiteralFrame)
        {
            appendRange(content, message.literal, op.offset, op.length);
        }
        else
        {
            for (std::uint64_t done = 0; done < op.length;)
            {
                const std::uint64_t offset = (op.offset + done) % kFrameBytes;
                const std::uint64_t length =
                    std::min<std::uint64_t>(op.length - done, kFrameBytes - offset);
                appendRange(
                    content, frame(op.frame + (op.offset + done) / kFrameBytes), offset, length);
                done += length;
            }
        }
    }

    const Bytes& frame(FrameId id)
    {
        const auto found = std::find_if(
            window.begin(), window.end(), [id](const auto& item) { return item.first == id; });
        REQUIRE(found != window.end());
        return found->second;
    }

    static void
    appendRange(Bytes& content, const Bytes& from, std::uint64_t offset, std::uint64_t length)
    {
        REQUIRE(offset + length <= from.size());
        const auto begin = from.begin() + static_cast<std::ptrdiff_t>(offset);
        content.insert(content.end(), begin, begin + static_cast<std::ptrdiff_t>(length));
    }
};

class FetchFixture: public RelayFixture
{
public:
    FetchFixture()
    {
        put("small", fileEntry(300, 1), 0, noise(300, 1));
        join(1, "kitchen");
    }

    /// A file of `count` whole frames; gives back its bytes.
    Bytes putBig(const std::string& where, std::uint32_t count, std::uint32_t seed)
    {
        const Bytes raw = noise(count * kFrameBytes, seed);
        Proposal proposal =
            proposalOf(where, fileEntry(raw.size(), static_cast<std::uint8_t>(seed)));
        FrameId first = 0;
        for (std::uint32_t i = 0; i < count; ++i)
        {
            const FrameId id =
                store().addFrame(packFrame(ByteView(raw).subspan(i * kFrameBytes, kFrameBytes)));
            first = i == 0 ? id : first;
        }
        proposal.delta = {{OpKind::Data, first, 0, raw.size()}};
        REQUIRE(store().propose("filler", proposal).verdict == Verdict::Accepted);
        store().commit();
        return raw;
    }

    /// `count` files of `size` bytes in one frame; gives back all their bytes.
    Bytes putSolid(std::size_t count, std::size_t size)
    {
        const Bytes raw = noise(count * size, 77);
        const FrameId frame = store().addFrame(packFrame(raw));
        for (std::size_t i = 0; i < count; ++i)
        {
            Proposal proposal =
                proposalOf(numbered("s", i), fileEntry(size, static_cast<std::uint8_t>(i)));
            proposal.delta = {{OpKind::Data, frame, i * size, size}};
            REQUIRE(store().propose("filler", proposal).verdict == Verdict::Accepted);
        }
        store().commit();
        return raw;
    }

    void fetch(std::vector<FetchMessage::Item> items)
    {
        core.onMessage(1, FetchMessage{0, std::move(items)});
    }

    Seq head() { return store().state().head; }

    /// Serves, takes and gives credit until nothing comes any more.
    void finish()
    {
        for (int i = 0; i < 10000; ++i)
        {
            settle();
            if (isQuiet(1))
            {
                return;
            }
            const std::size_t before = agent.received;
            agent.take(takeAll(1));
            core.onMessage(1, CreditMessage{static_cast<std::uint32_t>(agent.received - before)});
        }
    }

    Receiver agent;
};

} // namespace

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
