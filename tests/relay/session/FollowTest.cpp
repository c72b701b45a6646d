// Contents that are followed while they are still on their way up.

#include "relay/session/IncomingUploads.h"
#include "tests/relay/session/RelayFixture.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tidewire;

namespace {

constexpr UploadToken kToken{7};

/// "kitchen" (1) sends, "attic" (2) listens.
class FollowFixture: public RelayFixture
{
protected:
    FollowFixture()
    {
        join(1, "kitchen");
        join(2, "attic");
    }

    static Frame frameOf(std::uint32_t index) { return packFrame(noise(kFrameBytes, index + 1)); }

    void open(std::uint64_t size, const std::string& where = "film", bool restart = false)
    {
        const auto capacity = static_cast<std::uint32_t>(size / kFrameBytes + 1);
        core.onMessage(
            1, UploadOpenMessage{0, kToken, capacity, restart, UploadedFile{path(where), size}});
        settle();
        takeAll(1);
    }

    void send(std::uint32_t begin, std::uint32_t end)
    {
        for (std::uint32_t i = begin; i < end; ++i)
        {
            core.onMessage(1, UploadFrameMessage{0, kToken, i, frameOf(i)});
            settle();
            takeAll(1);
        }
    }

    ProposalResult proposeUpload(std::uint64_t size, Seq base = 0)
    {
        Proposal proposal = proposalOf("film", fileEntry(size, 1), base);
        proposal.upload = kToken;
        proposal.delta = {{OpKind::Data, 0, 0, size}};
        propose(1, {proposal});
        settle();
        return take<ResultMessage>(1).results.at(0);
    }

    /// Frames and the last status that came down for the follower; REVISIONS are passed over.
    void receive()
    {
        for (const TestOutlet::Sent& sent : takeAll(2))
        {
            const auto* frame = std::get_if<FrameMessage>(&sent.message);
            if (frame != nullptr && frame->use == FrameUse::Fetch)
            {
                frames.push_back(unpackFrame(frame->frame));
                core.onMessage(2, CreditMessage{static_cast<std::uint32_t>(sent.bytes->size())});
            }
            else if (const auto* content = std::get_if<ContentMessage>(&sent.message))
            {
                status = content->status;
            }
        }
    }

    void receiveAll()
    {
        settle();
        while (!outlet.queues[2].empty())
        {
            receive();
            settle();
        }
    }

    std::vector<Bytes> frames;
    std::optional<ContentStatus> status;
};

} // namespace

TEST_CASE_METHOD(FollowFixture,
                 "Follow: frames come while the upload does, and the fetch ends with its revision",
                 "[relay][session]")
{
    constexpr std::uint64_t kSize = 5 * kFrameBytes;
    open(kSize);
    const auto incoming = take<IncomingMessage>(2);
    CHECK(incoming.file == UploadedFile{path("film"), kSize});
    CHECK(isQuiet(1));

    core.onMessage(2, FollowMessage{0, 9, incoming.upload});
    send(0, 3);
    receiveAll();
    CHECK(frames.size() == 3);
    CHECK(status == ContentStatus::More);

    send(3, 5);
    CHECK(proposeUpload(kSize).verdict == Verdict::Accepted);
    receiveAll();

    REQUIRE(frames.size() == 5);
    CHECK(frames.back() == unpackFrame(frameOf(4)));
    CHECK(status == ContentStatus::Done);
}

TEST_CASE_METHOD(FollowFixture,
                 "Follow: an upload that becomes no revision is gone for its follower",
                 "[relay][session]")
{
    constexpr std::uint64_t kSize = 2 * kFrameBytes;
    open(kSize);
    core.onMessage(2, FollowMessage{0, 9, take<IncomingMessage>(2).upload});
    send(0, 1);

    SECTION("its connection ends")
    {
        core.onDisconnect(1);
    }
    SECTION("it begins anew")
    {
        open(kSize, "film", true);
        const auto& queue = outlet.queues[2];
        CHECK(std::ranges::any_of(queue, [](const TestOutlet::Sent& sent) {
            return std::holds_alternative<IncomingMessage>(sent.message);
        }));
    }
    SECTION("it is refused")
    {
        put("film", fileEntry(0, 9));
        send(1, 2);
        CHECK(proposeUpload(kSize).verdict == Verdict::Refused);
    }
    SECTION("another size is proposed than was announced")
    {
        send(1, 2);
        CHECK(proposeUpload(kSize - 1).verdict == Verdict::Accepted);
    }
    SECTION("the disk is full")
    {
        store().failWrites(ENOSPC);
        send(1, 2);
        store().failWrites(0);
    }
    receiveAll();

    CHECK(status == ContentStatus::Gone);
}

TEST_CASE_METHOD(FollowFixture,
                 "Follow: who asks late gets the content of the revision from its start",
                 "[relay][session]")
{
    constexpr std::uint64_t kSize = 2 * kFrameBytes;
    open(kSize);
    const std::uint64_t upload = take<IncomingMessage>(2).upload;
    send(0, 2);
    CHECK(proposeUpload(kSize).verdict == Verdict::Accepted);

    core.onMessage(2, FollowMessage{0, 9, upload});
    receiveAll();

    CHECK(frames.size() == 2);
    CHECK(status == ContentStatus::Done);
    core.onMessage(2, FollowMessage{0, 10, upload + 1});
    receiveAll();
    CHECK(status == ContentStatus::Gone);
}

TEST_CASE_METHOD(FollowFixture,
                 "Follow: a slow follower neither holds the upload up nor fills the memory",
                 "[relay][session]")
{
    constexpr std::uint32_t kFrames = 3 * IncomingUploads::kRecentFrames;
    constexpr std::uint64_t kSize = std::uint64_t{kFrames} * kFrameBytes;
    open(kSize);
    core.onMessage(2, FollowMessage{0, 9, take<IncomingMessage>(2).upload});

    // It takes nothing meanwhile.
    send(0, kFrames);
    CHECK(outlet.queues[2].size() < 16);
    CHECK(proposeUpload(kSize).verdict == Verdict::Accepted);
    receiveAll();

    REQUIRE(frames.size() == kFrames);
    for (std::uint32_t i = 0; i < kFrames; ++i)
    {
        REQUIRE(frames[i] == unpackFrame(frameOf(i)));
    }
    CHECK(status == ContentStatus::Done);
}

TEST_CASE_METHOD(FollowFixture,
                 "Follow: a follower that gives up is answered and sent no more",
                 "[relay][session]")
{
    constexpr std::uint64_t kSize = 3 * kFrameBytes;
    open(kSize);
    core.onMessage(2, FollowMessage{0, 9, take<IncomingMessage>(2).upload});
    send(0, 1);
    receiveAll();

    core.onMessage(2, CancelMessage{9});
    send(1, 3);
    CHECK(proposeUpload(kSize).verdict == Verdict::Accepted);
    receiveAll();

    CHECK(frames.size() == 1);
    CHECK(status == ContentStatus::Gone);
    core.onMessage(2, FollowMessage{0, 9, 1});
    receiveAll();
    CHECK(status == ContentStatus::Done);
}

TEST_CASE_METHOD(FollowFixture,
                 "Follow: nobody is told of private paths, nor of more uploads than are kept",
                 "[relay][session]")
{
    open(kFrameBytes, ".tidewire/marker");
    CHECK(isQuiet(2));
    for (std::uint8_t i = 0; i < 2 * IncomingUploads::kMaxIncoming; ++i)
    {
        core.onMessage(
            1,
            UploadOpenMessage{
                0, UploadToken{9, i}, 1, false, UploadedFile{path(numbered("f", i)), 9}});
    }
    settle();
    CHECK(takeAll(2).size() == IncomingUploads::kMaxIncoming);
}

TEST_CASE("Follow: frames of which nobody wants to know are not kept", "[relay][session]")
{
    IncomingUploads uploads;
    const std::uint64_t number = uploads.open(1, {path("film"), 1 << 30}, 1);
    for (std::size_t i = 0; i <= IncomingUploads::kRecentFrames; ++i)
    {
        uploads.add(number, packFrame(noise(10, 1)));
    }
    static_cast<void>(uploads.takeNew());
    uploads.add(number, packFrame(noise(10, 1)));

    CHECK(uploads.find(number)->recent.empty());
}
