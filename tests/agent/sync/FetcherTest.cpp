// Fetcher: requests within limits, contents gathered, and credit that adds up whatever happens.

#include "agent/sync/Fetcher.h"

#include "shared/base/Errors.h"
#include "shared/wire/FrameCodec.h"
#include "tests/agent/sync/SyncFixture.h"

#include <catch2/catch.hpp>

#include <map>

using namespace tidewire;

namespace {

class FetchFixture: public SyncFixture
{
protected:
    FetchFixture() { share.number = 1; }

    static Fetcher::Wanted wantedFile(std::string_view path, std::uint64_t size, bool large = false)
    {
        Fetcher::Wanted wanted;
        wanted.path = pathOf(path);
        wanted.seq = 50;
        wanted.base = 7;
        wanted.size = size;
        wanted.large = large;
        return wanted;
    }

    /// Asks for one content; gives the number of the fetch.
    std::uint32_t fetch(Fetcher::Wanted wanted)
    {
        relay.take();
        fetcher.want(std::move(wanted));
        fetcher.pump();
        return relay.all<FetchMessage>().at(0).items.at(0).id;
    }

    /// A FRAME comes, as SyncEngine takes it.
    void frame(FrameId id, std::string_view text, std::uint32_t bodyBytes)
    {
        connection.frameCredit += bodyBytes;
        connection.fetched.push(share.number, id, packFrame(asBytes(text)));
        came += bodyBytes;
    }

    bool content(std::uint32_t id,
                 ContentStatus status,
                 Delta ops,
                 std::uint32_t bodyBytes,
                 const std::string& literal = {})
    {
        ContentMessage message;
        message.id = id;
        message.status = status;
        message.ops = std::move(ops);
        message.literal.assign(literal.begin(), literal.end());
        came += bodyBytes;
        return fetcher.onContent(message, bodyBytes);
    }

    /// What was granted, or stands ready to be, or goes with chunks that are not digested.
    std::uint64_t accounted()
    {
        std::uint64_t sum = connection.credit + inChunks;
        for (const auto& message : relay.all<CreditMessage>())
        {
            sum += message.bytes;
        }
        return sum;
    }

    ConnectionState connection;
    std::map<std::string, InlineContent> small;
    std::vector<ContentChunk> chunks;
    std::vector<std::string> gone;
    std::uint64_t inChunks = 0;
    std::uint64_t came = 0;
    Fetcher fetcher{share,
                    connection,
                    {[this](const RelativePath& path, Seq seq, InlineContent made) {
                         CHECK(seq == 50);
                         small[path.text()] = std::move(made);
                     },
                     [this](const RelativePath&, Seq seq, ContentChunk chunk) {
                         CHECK(seq == 50);
                         inChunks += chunk.credit;
                         chunks.push_back(std::move(chunk));
                     },
                     [this](const RelativePath& path, Seq) {
                         gone.push_back(path.text());
                     }}};
};

std::string textOf(const InlineContent& content)
{
    return std::string(asText(content.bytes));
}

} // namespace

TEST_CASE_METHOD(FetchFixture, "Fetcher: a request names revision, base and offset", "[fetcher]")
{
    Fetcher::Wanted wanted = wantedFile("a", 1 << 20, true);
    wanted.offset = 4711;
    fetcher.want(std::move(wanted));
    CHECK(relay.sent.empty());

    fetcher.pump();

    const auto messages = relay.all<FetchMessage>();
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].share == 1);
    const auto& item = messages[0].items.at(0);
    CHECK(item.seq == 50);
    CHECK(item.base == 7);
    CHECK(item.offset == 4711);
    CHECK(connection.fetches == 1);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetcher: a small content is gathered from literal and frames",
                 "[fetcher]")
{
    const std::string first = variedText(kFrameBytes, 1);
    const auto id = fetch(wantedFile("a", kFrameBytes + 30));
    frame(10, first, 1000);
    frame(11, "second frame", 500);
    CHECK(content(id, ContentStatus::More, {{OpKind::Data, kLiteralFrame, 2, 3}}, 60, "--abc--"));
    CHECK(small.empty());
    CHECK(content(
        id,
        ContentStatus::Done,
        {{OpKind::Copy, 0, 5, 7}, {OpKind::Data, 10, kFrameBytes - 4, 10}, {OpKind::Zero, 0, 0, 3}},
        70));

    REQUIRE(small.count("a") == 1);
    CHECK(textOf(small["a"]) == "abc" + first.substr(kFrameBytes - 4) + "second");
    CHECK(small["a"].ops[1] == Op{OpKind::Copy, 0, 5, 7});
    CHECK(small["a"].ops.back() == Op{OpKind::Zero, 0, 0, 3});
    CHECK(accounted() == came);
    CHECK(connection.fetches == 0);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetcher: a large content is handed over with the frames it names",
                 "[fetcher]")
{
    const auto id = fetch(wantedFile("a", 1 << 20, true));
    frame(10, variedText(kFrameBytes, 1), 1000);
    frame(11, "tail", 50);
    CHECK(content(id,
                  ContentStatus::More,
                  {{OpKind::Data, 10, 5, kFrameBytes}, {OpKind::Data, kLiteralFrame, 0, 3}},
                  70,
                  "abc"));
    CHECK(content(id, ContentStatus::Done, {}, 9));

    REQUIRE(chunks.size() == 1);
    CHECK(chunks[0].credit == 1120);
    CHECK(chunks[0].frames.size() >= 2);
    CHECK(asText(chunks[0].literal) == "abc");
    CHECK(accounted() == came);
    CHECK(connection.fetches == 0);
    CHECK(small.empty());
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetcher: credit adds up to what came, cancelled or not",
                 "[fetcher]")
{
    const bool large = GENERATE(true, false);
    const bool cancelled = GENERATE(true, false);
    const ContentStatus last = GENERATE(ContentStatus::Done, ContentStatus::Gone);
    const auto id = fetch(wantedFile("a", 2 << 20, large));
    const std::string text = variedText(100000, 1);
    for (FrameId i = 0; i < 6; ++i)
    {
        frame(i, text, 90000);
        CHECK(content(id, ContentStatus::More, {{OpKind::Data, i, 0, text.size()}}, 40));
        if (cancelled && i == 2)
        {
            fetcher.cancel(pathOf("a"));
        }
        CHECK(accounted() == came);
    }
    frame(100, "left over", 30);
    CHECK(content(id, last, {}, 10));

    CHECK(accounted() == came);
    CHECK(connection.credit < 128 * 1024);
    CHECK(connection.frameCredit == 0);
    CHECK(connection.fetches == 0);
    CHECK(relay.all<CancelMessage>().size() == (cancelled ? 1U : 0U));
    CHECK(small.size() == (!large && !cancelled && last == ContentStatus::Done ? 1U : 0U));
    CHECK(gone.size() == (!cancelled && last == ContentStatus::Gone ? 1U : 0U));
    CHECK(chunks.size() == (!large ? 0U : cancelled ? 3U : 6U));
    CHECK_FALSE(content(id, ContentStatus::Done, {}, 10));
}

TEST_CASE_METHOD(FetchFixture, "Fetcher: credit is granted in lumps", "[fetcher]")
{
    fetcher.grant(128 * 1024 - 1);
    CHECK(relay.sent.empty());
    fetcher.grant(1);
    CHECK(relay.all<CreditMessage>().at(0).bytes == 128 * 1024);
    CHECK(connection.credit == 0);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetcher: what is cancelled before it was asked for is not asked for",
                 "[fetcher]")
{
    fetcher.want(wantedFile("a", 10));
    fetcher.want(wantedFile("b", 10));
    fetcher.cancel(pathOf("a"));

    fetcher.pump();

    CHECK(relay.all<CancelMessage>().empty());
    CHECK(relay.all<FetchMessage>().at(0).items.size() == 1);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetcher: a fetch is cancelled once, and the path may be wanted anew",
                 "[fetcher]")
{
    const auto first = fetch(wantedFile("a", 10));
    fetcher.cancel(pathOf("a"));
    fetcher.cancel(pathOf("a"));
    CHECK(relay.all<CancelMessage>().size() == 1);
    const auto second = fetch(wantedFile("a", 10));
    CHECK(second != first);

    CHECK(content(first, ContentStatus::Gone, {}, 5));
    CHECK(gone.empty());
    CHECK(content(second, ContentStatus::Done, {{OpKind::Data, kLiteralFrame, 0, 3}}, 5, "abc"));
    CHECK(textOf(small["a"]) == "abc");
    CHECK(connection.fetches == 0);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetcher: small contents under way are bounded in bytes",
                 "[fetcher]")
{
    const std::uint64_t size = Fetcher::kMaxSmallBytes / 4;
    for (int i = 0; i < 6; ++i)
    {
        fetcher.want(wantedFile("f" + std::to_string(i), size));
    }
    fetcher.pump();
    const auto items = relay.all<FetchMessage>().at(0).items;
    CHECK(items.size() == 4);
    relay.take();

    CHECK(content(items[0].id, ContentStatus::Gone, {}, 5));
    fetcher.pump();

    CHECK(relay.all<FetchMessage>().at(0).items.size() == 1);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetcher: one content of more than the bound still comes",
                 "[fetcher]")
{
    fetcher.want(wantedFile("a", Fetcher::kMaxSmallBytes + 1));
    fetcher.want(wantedFile("b", 1));
    fetcher.pump();

    CHECK(relay.all<FetchMessage>().at(0).items.size() == 1);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetcher: shares of a connection have a bound in common",
                 "[fetcher]")
{
    connection.fetches = ConnectionState::kMaxFetches - 2;
    for (int i = 0; i < 5; ++i)
    {
        fetcher.want(wantedFile("f" + std::to_string(i), 1));
    }
    fetcher.pump();

    CHECK(relay.all<FetchMessage>().at(0).items.size() == 2);
    CHECK(connection.fetches == ConnectionState::kMaxFetches);
}

TEST_CASE_METHOD(FetchFixture, "Fetcher: contents of others are not touched", "[fetcher]")
{
    static_cast<void>(fetch(wantedFile("a", 10)));
    frame(1, "text", 44);

    CHECK_FALSE(content(4711, ContentStatus::Done, {}, 10));
    CHECK(connection.frameCredit == 44);
    CHECK(connection.credit == 0);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetcher: references to what did not come break the protocol",
                 "[fetcher]")
{
    const Op bad = GENERATE(Op{OpKind::Data, 9, 0, 1},
                            Op{OpKind::Data, 10, 4, 1},
                            Op{OpKind::Data, 10, 0, 5},
                            Op{OpKind::Data, 10, ~std::uint64_t{0}, 1},
                            Op{OpKind::Data, kLiteralFrame, 0, 4},
                            Op{OpKind::Data, kLiteralFrame, 4, 1},
                            Op{OpKind::Data, kLiteralFrame, ~std::uint64_t{0}, 2},
                            Op{OpKind::Data, kLiteralFrame - 1, 0, 1});
    const auto id = fetch(wantedFile("a", 1000));
    frame(10, "four", 20);

    CHECK_THROWS_AS(content(id, ContentStatus::Done, {bad}, 10, "abc"), ProtocolError);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetcher: more bytes than the content has break the protocol",
                 "[fetcher]")
{
    const auto id = fetch(wantedFile("a", 10));
    const std::string text = variedText(100, 1);
    CHECK(content(id, ContentStatus::More, {{OpKind::Data, kLiteralFrame, 0, 10}}, 10, text));
    const Delta more = GENERATE(Delta{{OpKind::Data, kLiteralFrame, 0, 1}},
                                Delta{{OpKind::Zero, 0, 0, 1}},
                                Delta{{OpKind::Copy, 0, 0, ~std::uint64_t{0}}},
                                Delta(60000, {OpKind::Data, kLiteralFrame, 0, 100}));

    CHECK_THROWS_AS(content(id, ContentStatus::Done, more, 10, text), ProtocolError);
}

TEST_CASE_METHOD(FetchFixture, "Fetcher: a frame of another share is not taken", "[fetcher]")
{
    const auto id = fetch(wantedFile("a", 100));
    connection.fetched.push(0, 10, packFrame(asBytes("of another share")));

    CHECK_THROWS_AS(content(id, ContentStatus::Done, {{OpKind::Data, 10, 0, 5}}, 10),
                    ProtocolError);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetcher: after a lost connection nothing of it is known",
                 "[fetcher]")
{
    const auto id = fetch(wantedFile("a", Fetcher::kMaxSmallBytes));
    fetcher.want(wantedFile("b", 10));
    fetcher.onDisconnected();
    connection.reset();
    relay.take();

    fetcher.pump();
    CHECK(relay.sent.empty());
    CHECK_FALSE(content(id, ContentStatus::Done, {}, 10));
    static_cast<void>(fetch(wantedFile("c", Fetcher::kMaxSmallBytes)));
    CHECK(connection.fetches == 1);
}

TEST_CASE_METHOD(FetchFixture,
                 "Fetcher: offline nothing is asked for and nothing granted",
                 "[fetcher]")
{
    share.online = false;
    fetcher.want(wantedFile("a", 10));
    fetcher.pump();
    fetcher.grant(1 << 20);

    CHECK(relay.sent.empty());
}
