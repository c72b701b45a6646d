// Upload: a fresh one, a resumed one, the window, and what the relay may say against it.

#include "agent/sync/Upload.h"

#include "shared/base/ByteWriter.h"
#include "shared/wire/FrameCodec.h"
#include "tests/agent/sync/SyncFixture.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace tidewire;

namespace {

class UploadFixture: public SyncFixture
{
protected:
    UploadFixture()
    {
        token.fill(7);
        share.number = 3;
    }

    static Frame frameNumber(unsigned number)
    {
        return packFrame(asBytes("frame " + std::to_string(number)));
    }

    static std::vector<Frame> framesFrom(unsigned first, unsigned count)
    {
        std::vector<Frame> frames;
        for (unsigned i = 0; i < count; ++i)
        {
            frames.push_back(frameNumber(first + i));
        }
        return frames;
    }

    /// As the relay makes it: XXH3-64 of the checksums in order.
    static std::uint64_t digestOf(unsigned count)
    {
        Bytes checksums;
        for (unsigned i = 0; i < count; ++i)
        {
            ByteWriter(checksums).u64(frameNumber(i).checksum);
        }
        return ::XXH3_64bits(checksums.data(), checksums.size());
    }

    [[nodiscard]] UploadStateMessage stateOf(unsigned frames, bool opened = false) const
    {
        UploadStateMessage state;
        state.share = 3;
        state.token = token;
        state.frames = frames;
        state.digest = opened ? digestOf(frames) : 0;
        return state;
    }

    /// Indices of the frames sent since the last call.
    std::vector<std::uint32_t> sentFrames()
    {
        std::vector<std::uint32_t> indices;
        for (const auto& message : relay.all<UploadFrameMessage>())
        {
            CHECK(message.token == token);
            CHECK(message.share == 3);
            CHECK(message.frame.stored == frameNumber(message.index).stored);
            indices.push_back(message.index);
        }
        relay.take();
        return indices;
    }

    static std::vector<std::uint32_t> numbers(std::uint32_t first, std::uint32_t last)
    {
        std::vector<std::uint32_t> result;
        for (; first < last; ++first)
        {
            result.push_back(first);
        }
        return result;
    }

    std::unique_ptr<ReadJob> someJob()
    {
        return std::make_unique<ReadJob>(files, ReadRequest(), [](std::unique_ptr<ReadJob>) {});
    }

    static Proposal someProposal()
    {
        Proposal proposal;
        proposal.id = 77;
        proposal.path = pathOf("big");
        return proposal;
    }

    UploadToken token{};
};

} // namespace

TEST_CASE_METHOD(UploadFixture,
                 "Upload: it is opened with room for every frame of the file",
                 "[upload]")
{
    const Upload first(share, token, 10 * kFrameBytes, false);
    const Upload second(share, token, 10 * kFrameBytes + 1, true);
    const Upload largest(share, token, kMaxContentBytes, false);

    const auto opens = relay.all<UploadOpenMessage>();
    REQUIRE(opens.size() == 3);
    CHECK(opens[0].share == 3);
    CHECK(opens[0].token == token);
    CHECK(opens[0].capacity >= 10);
    CHECK_FALSE(opens[0].restart);
    CHECK(opens[1].capacity >= 11);
    CHECK(opens[1].restart);
    CHECK(opens[2].capacity == kMaxUploadFrames);
    CHECK(relay.sent[0].second == Lane::Bulk);
}

TEST_CASE_METHOD(UploadFixture,
                 "Upload: nothing goes out before the relay has answered",
                 "[upload]")
{
    Upload upload(share, token, 10 * kFrameBytes, false);
    relay.take();
    upload.add(framesFrom(0, 3));

    CHECK(upload.complete(someProposal()) == Upload::Outcome::Going);
    CHECK(relay.sent.empty());
    CHECK_FALSE(upload.isSent());

    CHECK(upload.onState(stateOf(0, true)) == Upload::Outcome::Going);
    CHECK(relay.all<ProposeMessage>().size() == 1);
    CHECK(sentFrames() == numbers(0, 3));
    CHECK(upload.isSent());
}

TEST_CASE_METHOD(UploadFixture, "Upload: the proposal follows the last frame, once", "[upload]")
{
    Upload upload(share, token, 10 * kFrameBytes, false);
    static_cast<void>(upload.onState(stateOf(0, true)));
    upload.add(framesFrom(0, 2));
    static_cast<void>(upload.complete(someProposal()));
    static_cast<void>(upload.onState(stateOf(2)));

    REQUIRE(relay.sent.size() == 4);
    CHECK(std::holds_alternative<UploadFrameMessage>(relay.sent[2].first));
    const auto* proposed = std::get_if<ProposeMessage>(&relay.sent[3].first);
    REQUIRE(proposed != nullptr);
    CHECK(proposed->proposals.at(0).id == 77);
    CHECK(proposed->share == 3);
    CHECK(std::all_of(relay.sent.begin(), relay.sent.end(), [](const auto& sent) {
        return sent.second == Lane::Bulk;
    }));
}

TEST_CASE_METHOD(UploadFixture,
                 "Upload: never more than a window goes ahead of the relay's count",
                 "[upload]")
{
    Upload upload(share, token, 100 * kFrameBytes, false);
    upload.add(framesFrom(0, 40));
    static_cast<void>(upload.onState(stateOf(0, true)));
    CHECK(sentFrames() == numbers(0, kUploadWindow));

    static_cast<void>(upload.onState(stateOf(4)));
    CHECK(sentFrames() == numbers(kUploadWindow, kUploadWindow + 4));

    // An answer that comes late takes nothing back.
    static_cast<void>(upload.onState(stateOf(1)));
    CHECK(sentFrames().empty());
    static_cast<void>(upload.complete(someProposal()));
    CHECK_FALSE(upload.isSent());
    static_cast<void>(upload.onState(stateOf(40)));
    CHECK(sentFrames() == numbers(kUploadWindow + 4, 40));
    CHECK(upload.isSent());
}

TEST_CASE_METHOD(UploadFixture, "Upload: the job waits while too many frames are here", "[upload]")
{
    Upload upload(share, token, 100 * kFrameBytes, false);
    upload.add(framesFrom(0, Upload::kAhead));
    static_cast<void>(upload.park(someJob()));
    CHECK(upload.isReading());
    CHECK(runner.jobs.empty());

    static_cast<void>(upload.onState(stateOf(0, true)));

    CHECK_FALSE(upload.isReading());
    CHECK(runner.jobs.size() == 1);
}

TEST_CASE_METHOD(UploadFixture, "Upload: frames that the relay holds are left out", "[upload]")
{
    const unsigned held = GENERATE(1U, 5U, 17U, 40U);
    Upload upload(share, token, 100 * kFrameBytes, false);
    static_cast<void>(upload.onState(stateOf(held, true)));
    for (unsigned i = 0; i < 40; i += 8)
    {
        upload.add(framesFrom(i, 8));
        CHECK(upload.park(someJob()) == Upload::Outcome::Going);
    }
    static_cast<void>(upload.complete(someProposal()));

    CHECK(sentFrames() == numbers(held, std::min(40U, held + kUploadWindow)));
    CHECK(upload.isSent() == (held + kUploadWindow >= 40));
    CHECK(upload.outcome() == Upload::Outcome::Going);
}

TEST_CASE_METHOD(UploadFixture, "Upload: held frames of another content are found out", "[upload]")
{
    Upload upload(share, token, 100 * kFrameBytes, false);
    static_cast<void>(upload.onState(stateOf(5, true)));
    upload.add(framesFrom(0, 4));
    CHECK(upload.park(someJob()) == Upload::Outcome::Going);
    relay.take();

    upload.add({frameNumber(99)});

    CHECK(upload.park(someJob()) == Upload::Outcome::Mismatch);
    CHECK(upload.outcome() == Upload::Outcome::Mismatch);
    CHECK(sentFrames().empty());
    CHECK(upload.complete(someProposal()) == Upload::Outcome::Mismatch);
    CHECK_FALSE(upload.isSent());
}

TEST_CASE_METHOD(UploadFixture,
                 "Upload: more held frames than the content has are a mismatch",
                 "[upload]")
{
    Upload upload(share, token, 100 * kFrameBytes, false);
    static_cast<void>(upload.onState(stateOf(5, true)));
    upload.add(framesFrom(0, 3));

    CHECK(upload.complete(someProposal()) == Upload::Outcome::Mismatch);
    CHECK(relay.all<ProposeMessage>().empty());
}

TEST_CASE_METHOD(UploadFixture,
                 "Upload: when the relay cannot store it nothing more is sent",
                 "[upload]")
{
    Upload upload(share, token, 100 * kFrameBytes, false);
    upload.add(framesFrom(0, 20));
    static_cast<void>(upload.onState(stateOf(0, true)));
    relay.take();
    UploadStateMessage failed = stateOf(3);
    failed.failed = true;

    CHECK(upload.onState(failed) == Upload::Outcome::Failed);
    CHECK(upload.onState(stateOf(20)) == Upload::Outcome::Failed);
    CHECK(upload.park(someJob()) == Upload::Outcome::Failed);
    CHECK(upload.complete(someProposal()) == Upload::Outcome::Failed);
    CHECK(relay.sent.empty());
    CHECK(runner.jobs.empty());
}

TEST_CASE_METHOD(UploadFixture,
                 "Upload: what comes late for an earlier one of the same name is no answer",
                 "[upload]")
{
    Upload upload(share, token, 100 * kFrameBytes, true);
    upload.add(framesFrom(0, 3));
    relay.take();

    CHECK(upload.onState(stateOf(8)) == Upload::Outcome::Going);
    CHECK(relay.sent.empty());

    CHECK(upload.onState(stateOf(0, true)) == Upload::Outcome::Going);
    CHECK(sentFrames() == numbers(0, 3));
}

TEST_CASE_METHOD(UploadFixture, "Upload: the bytes that went out are counted", "[upload]")
{
    Upload upload(share, token, 100 * kFrameBytes, false);
    upload.add(framesFrom(0, 3));
    static_cast<void>(upload.onState(stateOf(1, true)));

    CHECK(upload.bytesSent() == frameNumber(1).stored.size() + frameNumber(2).stored.size());
}

TEST_CASE_METHOD(UploadFixture, "Upload: the token is that of one state of one file", "[upload]")
{
    writeFile(files, "a", "text");
    const FileStat stat = *files.stat(pathOf("a"));
    const UploadToken first = uploadToken(pathOf("a"), stat, 5);
    CHECK(uploadToken(pathOf("a"), stat, 5) == first);
    CHECK(uploadToken(pathOf("b"), stat, 5) != first);
    CHECK(uploadToken(pathOf("a"), stat, 6) != first);
    writeFile(files, "a", "TEXT");
    CHECK(uploadToken(pathOf("a"), *files.stat(pathOf("a")), 5) != first);
}
