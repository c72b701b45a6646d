// Resumable uploads: order, resuming, limits, and what a crash leaves of them.

#include "tests/relay/store/StoreFixture.h"

#include <xxhash.h>

using namespace tidewire;

namespace {

constexpr const char* kAgent = "kitchen";

class UploadFixture: public StoreFixture
{
public:
    void send(std::uint32_t index, std::size_t size = kFrameBytes, std::uint8_t token = 1)
    {
        std::string text = noise(std::min<std::size_t>(size, 64), index);
        text.resize(size, 'u');
        store->addUploadFrame(kAgent, tokenOf(token), index, frameOf(text));
    }

    UploadState reopen(std::uint32_t capacity = 100, bool restart = false)
    {
        return store->openUpload(kAgent, tokenOf(1), capacity, restart);
    }

    Proposal uploadProposal(std::string_view path, std::uint64_t size)
    {
        Proposal result = proposal(path, 0, fileOf("x"));
        result.entry.size = size;
        result.upload = tokenOf(1);
        result.delta = {Op{OpKind::Data, 0, 0, size}};
        return result;
    }
};

} // namespace

TEST_CASE_METHOD(UploadFixture,
                 "Uploads: frames make the content, with the store's ids",
                 "[store][upload]")
{
    CHECK(reopen().frames == 0);
    send(0);
    send(1);
    send(2, 10);
    const std::uint64_t size = 2 * kFrameBytes + 10;

    const Seq seq = accepted(propose(uploadProposal("a", size)));
    const std::vector<Accepted> batch = store->commit();
    crash();

    REQUIRE(batch.size() == 1);
    REQUIRE(batch[0].delta.size() == 1);
    CHECK(batch[0].delta[0].frame != 0);
    CHECK(store->recipe(seq) == batch[0].delta);
    CHECK(content(seq).size() == size);
    CHECK(content(seq).substr(kFrameBytes, 64) == noise(64, 1));
    CHECK(reopen().frames == 0);
}

TEST_CASE_METHOD(UploadFixture,
                 "Uploads: the state counts the frames and digests their checksums",
                 "[store][upload]")
{
    reopen();
    Bytes checksums;
    ByteWriter writer(checksums);
    for (std::uint32_t index = 0; index < 3; ++index)
    {
        const Frame frame = frameOf(std::string(kFrameBytes, static_cast<char>('a' + index)));
        writer.u64(frame.checksum);
        store->addUploadFrame(kAgent, tokenOf(1), index, frame);
        store->commit();
    }

    const UploadState state = reopen();

    CHECK(state.frames == 3);
    CHECK(state.digest == XXH3_64bits(checksums.data(), checksums.size()));
    CHECK(store->openUpload("cellar", tokenOf(1), 100, false).frames == 0);
}

TEST_CASE_METHOD(UploadFixture,
                 "Uploads: a crash leaves whole steps of 8 MiB, a restart begins anew",
                 "[store][upload]")
{
    reopen();
    store->commit();
    for (std::uint32_t index = 0; index < 70; ++index)
    {
        send(index);
        store->commit();
    }
    CHECK(reopen().frames == 70);

    crash();

    CHECK(reopen().frames == 64);
    send(64);
    CHECK(reopen().frames == 65);
    CHECK(reopen(100, true).frames == 0);
    send(0);
    CHECK(reopen(101).frames == 0);
}

TEST_CASE_METHOD(UploadFixture, "Uploads: a clean end keeps all that came", "[store][upload]")
{
    reopen();
    store->commit();
    for (std::uint32_t index = 0; index < 3; ++index)
    {
        send(index);
        store->commit();
    }

    open();

    CHECK(reopen().frames == 3);
}

TEST_CASE_METHOD(UploadFixture, "Uploads: a pause makes all that came durable", "[store][upload]")
{
    reopen();
    send(0);
    store->commit();
    CHECK_FALSE(store->maintain(clock.wallSeconds()));
    CHECK(store->maintain(clock.wallSeconds() + 10));

    crash();

    CHECK(reopen().frames == 1);
}

TEST_CASE_METHOD(UploadFixture,
                 "Uploads: rollback takes back only what came since the commit",
                 "[store][upload]")
{
    reopen();
    send(0);
    store->commit();
    send(1);
    store->rollback();

    CHECK(reopen().frames == 1);
    send(1, 50);
    const Seq seq = accepted(propose(uploadProposal("a", kFrameBytes + 50)));
    store->rollback();
    CHECK(reopen().frames == 1);
    send(1, 60);
    CHECK(accepted(propose(uploadProposal("a", kFrameBytes + 60))) == seq);
    store->commit();
    crash();
    CHECK(content(seq).size() == kFrameBytes + 60);
}

TEST_CASE_METHOD(UploadFixture,
                 "Uploads: what breaks the order is a protocol error and changes nothing",
                 "[store][upload]")
{
    CHECK_THROWS_AS(send(0), ProtocolError);
    CHECK_THROWS_AS(reopen(0), ProtocolError);
    CHECK_THROWS_AS(reopen(~std::uint32_t{0}), ProtocolError);
    reopen(3);
    CHECK_THROWS_AS(send(1), ProtocolError);
    send(0);
    CHECK_THROWS_AS(send(0), ProtocolError);
    Frame bad = frameOf("abc");
    bad.rawLength = 0;
    CHECK_THROWS_AS(store->addUploadFrame(kAgent, tokenOf(1), 1, bad), ProtocolError);
    send(1, 10);
    CHECK_THROWS_AS(send(2), ProtocolError);
    CHECK(reopen(3).frames == 2);
    reopen(1, true);
    send(0);
    CHECK_THROWS_AS(send(1), ProtocolError);
}

TEST_CASE_METHOD(UploadFixture,
                 "Uploads: a proposal ends the upload, accepted or refused",
                 "[store][upload]")
{
    reopen();
    send(0, 10);
    CHECK(propose(uploadProposal("a", 11)).refusal == Refusal::Malformed);
    CHECK(reopen().frames == 0);
    send(0, 10);
    Proposal frameBeyond = uploadProposal("a", 10);
    frameBeyond.delta = {Op{OpKind::Data, 1, 0, 10}};
    CHECK(propose(frameBeyond).refusal == Refusal::SourceUnknown);
    reopen();
    send(0, 10);
    accepted(propose(uploadProposal("a", 10)));
    CHECK(propose(uploadProposal("b", 10)).refusal == Refusal::SourceUnknown);
}

TEST_CASE_METHOD(UploadFixture,
                 "Uploads: an agent has a bounded number, and unused ids are given back",
                 "[store][upload]")
{
    for (int round = 0; round < 3; ++round)
    {
        for (std::uint32_t i = 0; i < 200; ++i)
        {
            clock.setWall(clock.wallSeconds() + 1);
            store->openUpload(kAgent, tokenOf(static_cast<std::uint8_t>(i)), 1U << 30U, false);
        }
        store->commit();
    }

    CHECK_THROWS_AS(send(0, kFrameBytes, 1), ProtocolError);
    send(0, kFrameBytes, 199);
    // One at a time gets the same ids over and over.
    for (int round = 0; round < 100000; ++round)
    {
        store->openUpload("cellar", tokenOf(1), 1U << 30U, true);
    }
    CHECK(store->commit().empty());
}

TEST_CASE_METHOD(UploadFixture,
                 "Uploads: the abandoned are swept, the others stay",
                 "[store][upload]")
{
    reopen();
    send(0);
    store->commit();
    const std::int64_t start = clock.wallSeconds();
    upkeep(start + 10);
    upkeep(start + 7 * 86400);
    CHECK(reopen().frames == 1);
    upkeep(start + 8 * 86400);
    open();
    CHECK(reopen().frames == 0);
}
