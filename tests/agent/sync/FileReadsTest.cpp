// FileReads: streams that are answered, refused, broken off and taken up again.

#include "agent/sync/FileReads.h"

#include "shared/base/ByteWriter.h"
#include "shared/wire/FrameCodec.h"
#include "tests/agent/sync/SyncFixture.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

using namespace tidewire;

namespace {

/// A relay that keeps the frames of uploads, and a host that proposes whatever was read.
class ReadsFixture: public SyncFixture
{
protected:
    ReadsFixture():
        reads(share,
              {[this](std::unique_ptr<ReadJob> job, ReadPlan plan) {
                   onContent(std::move(job), plan);
               },
               [this](const ReadJob& job) { failed.push_back(job.status); },
               [this](const RelativePath& path, SteadyTime delay) {
                   putOff.emplace_back(path.text(), delay);
               },
               [this](const RelativePath& path) { voided.push_back(path.text()); },
               [](const RelativePath&, std::uint64_t) {
                   return false;
               }})
    {
    }

    void onContent(std::unique_ptr<ReadJob> job, const ReadPlan& plan)
    {
        const RelativePath path = job->request().path;
        contents.push_back(path.text());
        copies = std::any_of(job->delta.begin(), job->delta.end(), [](const Op& op) {
            return op.kind == OpKind::Copy;
        });
        if (!job->streaming)
        {
            return;
        }
        Proposal proposal;
        proposal.id = 1;
        proposal.path = path;
        proposal.upload = reads.uploadOf(*job, plan);
        reads.finish(path, std::move(proposal));
    }

    void read(std::string_view path, ReadPlan plan = {})
    {
        reads.read(pathOf(path), *files.stat(pathOf(path)), plan);
    }

    [[nodiscard]] static std::uint64_t digestOf(const std::vector<Frame>& frames)
    {
        Bytes checksums;
        for (const Frame& frame : frames)
        {
            ByteWriter(checksums).u64(frame.checksum);
        }
        return ::XXH3_64bits(checksums.data(), checksums.size());
    }

    void answer(const UploadToken& token, bool opening, bool full = false)
    {
        const std::vector<Frame>& frames = held[token];
        UploadStateMessage state;
        state.token = token;
        state.frames = static_cast<std::uint32_t>(frames.size());
        state.digest = opening ? digestOf(frames) : 0;
        state.failed = full;
        reads.onUploadState(state);
    }

    /// Takes in what was sent. `isAnswering` false: the answers are lost.
    void serve(bool isAnswering = true)
    {
        for (const auto& [message, lane] : relay.take())
        {
            CHECK(lane == Lane::Bulk);
            if (const auto* open = std::get_if<UploadOpenMessage>(&message))
            {
                opens.push_back(*open);
                if (open->restart)
                {
                    held[open->token].clear();
                }
                if (isAnswering)
                {
                    answer(open->token, true);
                }
            }
            else if (const auto* frame = std::get_if<UploadFrameMessage>(&message))
            {
                REQUIRE(frame->index == held[frame->token].size());
                held[frame->token].push_back(frame->frame);
                ++framesSent;
                if (isAnswering && frame->index % 4 == 3)
                {
                    answer(frame->token, false);
                }
            }
            else if (const auto* propose = std::get_if<ProposeMessage>(&message))
            {
                proposed.push_back(propose->proposals.at(0).path.text());
            }
        }
    }

    /// Jobs and relay in turns, until nothing moves or the relay has so many frames.
    void run(std::size_t frames = 10000)
    {
        const std::size_t end = framesSent + frames;
        while (framesSent < end && (runner.runOne() || !relay.sent.empty()))
        {
            serve();
        }
    }

    /// The content that the relay has of the upload that was opened last.
    [[nodiscard]] std::string heldText()
    {
        std::string text;
        for (const Frame& frame : held[opens.back().token])
        {
            const Bytes raw = unpackFrame(frame);
            text.append(raw.begin(), raw.end());
        }
        return text;
    }

    const std::string large = variedText(5 << 20, 1);
    static constexpr std::size_t kFrames = 40; // of `large`

    FileReads reads;
    std::vector<std::string> contents;
    bool copies = false; ///< the last one's delta does
    std::vector<ReadStatus> failed;
    std::vector<std::pair<std::string, SteadyTime>> putOff;
    std::vector<std::string> voided;

    std::map<UploadToken, std::vector<Frame>> held;
    std::vector<UploadOpenMessage> opens;
    std::vector<std::string> proposed;
    std::size_t framesSent = 0;
};

} // namespace

TEST_CASE_METHOD(ReadsFixture, "FileReads: a small file needs no upload", "[reads]")
{
    writeFile(files, "a", "text");
    read("a");
    CHECK_FALSE(reads.isLull());
    run();

    CHECK(contents == std::vector<std::string>{"a"});
    CHECK(opens.empty());
    CHECK(reads.isIdle());
}

TEST_CASE_METHOD(ReadsFixture, "FileReads: a large file is sent while it is read", "[reads]")
{
    writeFile(files, "a", large);
    read("a");
    run();

    CHECK(proposed == std::vector<std::string>{"a"});
    CHECK(heldText() == large);
    CHECK(framesSent == kFrames);
    CHECK(reads.isIdle());
    CHECK(reads.takeSent().files == 1);
}

TEST_CASE_METHOD(ReadsFixture,
                 "FileReads: after a broken connection only what is missing is sent",
                 "[reads]")
{
    const std::size_t before = GENERATE(1U, 7U, 16U, 33U, 40U);
    writeFile(files, "a", large);
    read("a");
    run(before);
    const std::size_t taken = held[opens.at(0).token].size();

    reads.onDisconnected();
    relay.take();
    runner.runAll(); // the job of the old connection comes back and is not heard
    CHECK(relay.sent.empty());
    CHECK(reads.isIdle());
    read("a");
    run();

    REQUIRE(opens.size() == 2);
    CHECK(opens[0].token == opens[1].token);
    CHECK(framesSent == kFrames);
    CHECK(taken >= before);
    CHECK(heldText() == large);
    CHECK(proposed.back() == "a");
    CHECK(reads.isIdle());
}

TEST_CASE_METHOD(ReadsFixture,
                 "FileReads: what the relay holds of another content is sent anew",
                 "[reads]")
{
    const std::size_t wrong = GENERATE(1U, 20U, 40U, 60U);
    writeFile(files, "a", large);
    const UploadToken token = uploadToken(pathOf("a"), *files.stat(pathOf("a")), 0);
    held[token].assign(wrong, packFrame(asBytes("something else")));
    read("a");
    run();

    REQUIRE(opens.size() == 2);
    CHECK_FALSE(opens[0].restart);
    CHECK(opens[1].restart);
    CHECK(framesSent == kFrames);
    CHECK(heldText() == large);
    // What is found out at the last frame voids a proposal.
    CHECK(voided.size() == (wrong < kFrames ? 0 : 1));
    CHECK(proposed == std::vector<std::string>{"a"});
    CHECK(reads.isIdle());
}

TEST_CASE_METHOD(ReadsFixture,
                 "FileReads: when the relay is full the file is put off, and goes on later",
                 "[reads]")
{
    const bool isReading = GENERATE(true, false);
    writeFile(files, "a", large);
    read("a");
    run(20);
    if (!isReading)
    {
        // The relay says so while the job is with a worker.
        runner.runOne();
    }
    answer(opens.back().token, false, true);
    runner.runAll();
    relay.take();

    REQUIRE(putOff.size() == 1);
    CHECK(putOff[0].first == "a");
    CHECK(putOff[0].second >= std::chrono::seconds(10));
    CHECK(reads.isIdle());

    held[opens.back().token].resize(11); // the rest was not durable
    framesSent = 0;
    read("a");
    run();
    CHECK(framesSent == kFrames - 11);
    CHECK(heldText() == large);
    CHECK_FALSE(opens.back().restart);
    CHECK(proposed == std::vector<std::string>{"a"});
}

TEST_CASE_METHOD(ReadsFixture,
                 "FileReads: a full relay voids the proposal that waits for the last frames",
                 "[reads]")
{
    writeFile(files, "a", large.substr(0, (kUploadWindow + 4) * kFrameBytes));
    read("a");
    runner.runOne();
    serve();
    while (runner.runOne())
    {
        serve(false);
    }
    REQUIRE(contents.size() == 1);
    CHECK(proposed.empty());

    answer(opens.at(0).token, false, true);

    CHECK(voided == std::vector<std::string>{"a"});
    CHECK(putOff.size() == 1);
    CHECK(reads.isIdle());
}

TEST_CASE_METHOD(ReadsFixture,
                 "FileReads: a file that changes while it is sent is given up and sent anew",
                 "[reads]")
{
    writeFile(files, "a", large);
    read("a");
    run(10);
    const std::string other = variedText(5 << 20, 2);
    writeFile(files, "a", other);
    run();

    REQUIRE(failed.size() == 1);
    CHECK(failed[0] == ReadStatus::Changed);
    CHECK(proposed.empty());
    CHECK(reads.isIdle());

    read("a");
    run();
    CHECK(opens.at(0).token != opens.back().token);
    CHECK(heldText() == other);
    CHECK(proposed == std::vector<std::string>{"a"});
}

TEST_CASE_METHOD(ReadsFixture, "FileReads: few large files are read at a time", "[reads]")
{
    for (const char* name : {"a", "b", "c", "d"})
    {
        writeFile(files, name, large);
        read(name);
    }
    CHECK(runner.jobs.size() == FileReads::kMaxLarge);

    while (!reads.isIdle())
    {
        run();
        reads.pump();
    }
    CHECK(proposed.size() == 4);
}

TEST_CASE_METHOD(ReadsFixture,
                 "FileReads: a small file does not wait for the large ones",
                 "[reads]")
{
    for (const char* name : {"a", "b", "c"})
    {
        writeFile(files, name, large);
        read(name);
    }
    run(10);
    writeFile(files, "small", "text");
    read("small");

    CHECK(runner.jobs.back()->weight() == JobWeight::Light);
    runner.runAll();
    CHECK(contents.at(0) == "small");
}

TEST_CASE_METHOD(
    ReadsFixture,
    "FileReads: no delta is made against a signature of another content than the row's",
    "[reads]")
{
    const bool isRight = GENERATE(true, false);
    CAPTURE(isRight);
    const std::string before = variedText(50000, 1);
    const std::string now = before + "and more";
    writeFile(files, "a", now);
    const std::string signedText = isRight ? before : now;
    SignatureBuilder builder(signedText.size());
    builder.add(asBytes(signedText));
    Hash hash;
    const auto signature = builder.finish(hash);
    index.put(share.record.id, {pathOf("a"), 5, fileEntry(before), {}}, signature);

    read("a");
    run();

    REQUIRE(contents == std::vector<std::string>{"a"});
    CHECK(copies == isRight);
}
