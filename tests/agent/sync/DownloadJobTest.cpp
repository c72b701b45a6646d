// DownloadJob: a large content from chunks of any cut, interrupted, resumed, or wrong.

#include "agent/sync/DownloadJob.h"

#include "agent/sync/PrivateFolder.h"
#include "shared/wire/FrameCodec.h"
#include "shared/wire/Messages.h"
#include "tests/agent/sync/SyncFixture.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <random>

using namespace tidewire;

namespace {

const RelativePath kTemporary = PrivateFolder::temporary("get-5");

class DownloadFixture
{
protected:
    DownloadFixture()
    {
        makeFolders(files, pathOf(".tidewire/tmp"));
        writeFile(files, "base", base);
        for (std::size_t at = 0; at < stream.size(); at += kFrameBytes)
        {
            const auto part =
                asBytes(stream).subspan(at, std::min<std::size_t>(kFrameBytes, stream.size() - at));
            frames.emplace_back(kFirst + at / kFrameBytes,
                                std::make_shared<const Frame>(packFrame(part)));
        }
        content = base.substr(1000, 700000) + stream + std::string(50000, '\0') +
                  base.substr(5, 10) + "literal";
        whole = {{OpKind::Copy, 0, 1000, 700000},
                 {OpKind::Data, kFirst, 0, stream.size()},
                 {OpKind::Zero, 0, 0, 50000},
                 {OpKind::Copy, 0, 5, 10},
                 {OpKind::Data, kLiteralFrame, 3, 7}};
    }

    DownloadRequest request()
    {
        DownloadRequest result;
        result.path = pathOf("a");
        result.seq = 5;
        result.entry = fileEntry(content);
        result.temporary = kTemporary;
        result.basePath = pathOf("base");
        result.baseIdentity = LocalIdentity::of(*files.stat(result.basePath));
        return result;
    }

    [[nodiscard]] ContentChunk chunkOf(Delta ops, std::uint32_t credit = 1) const
    {
        ContentChunk chunk;
        chunk.ops = std::move(ops);
        chunk.frames = frames;
        const std::string literal = "xx-literal-xx";
        chunk.literal.assign(literal.begin(), literal.end());
        chunk.credit = credit;
        return chunk;
    }

    std::unique_ptr<DownloadJob> start(DownloadRequest wanted)
    {
        return std::make_unique<DownloadJob>(
            files, ModePolicy(), std::move(wanted), [this](std::unique_ptr<DownloadJob> job) {
                back = std::move(job);
            });
    }

    /// Runs the job until it comes back.
    std::unique_ptr<DownloadJob> run(std::unique_ptr<DownloadJob> job)
    {
        runner.submit(std::move(job));
        runner.runOne();
        return std::move(back);
    }

    /// Cuts operations into others that yield the same.
    static std::vector<Delta> cut(const Delta& ops, std::mt19937& random)
    {
        std::vector<Delta> chunks(1);
        for (Op op : ops)
        {
            while (op.length > 0)
            {
                Op part = op;
                part.length = std::min<std::uint64_t>(op.length, 1 + random() % 200000);
                chunks.back().push_back(part);
                if (random() % 2 == 0)
                {
                    chunks.emplace_back();
                }
                op.length -= part.length;
                op.offset += op.kind == OpKind::Zero ? 0 : part.length;
                if (op.kind == OpKind::Data && op.frame != kLiteralFrame)
                {
                    op.frame += op.offset / kFrameBytes;
                    op.offset %= kFrameBytes;
                }
            }
        }
        if (chunks.back().empty())
        {
            chunks.pop_back();
        }
        return chunks;
    }

    static constexpr FrameId kFirst = 40;

    MemoryFileSystem files;
    ManualRunner runner;
    const std::string base = variedText(900000, 1);
    const std::string stream = variedText(3 * kFrameBytes + 5000, 2);
    std::vector<std::pair<FrameId, SharedFrame>> frames;
    std::string content;
    Delta whole;
    std::unique_ptr<DownloadJob> back;
};

} // namespace

TEST_CASE_METHOD(DownloadFixture, "DownloadJob: one chunk makes the content, durably", "[download]")
{
    auto job = start(request());
    job->add(chunkOf(whole, 99));

    job = run(std::move(job));

    REQUIRE(job->status == DownloadStatus::Finished);
    CHECK(job->digested == 99);
    CHECK(job->undigested() == 0);
    CHECK(job->weight() == JobWeight::Heavy);
    REQUIRE(job->signature);
    CHECK(job->signature->size == content.size());
    const auto stat = files.stat(kTemporary);
    CHECK(stat->mode == 0644);
    CHECK(stat->mtime == job->request().entry.mtime);
    files.syncDirectory(pathOf(".tidewire/tmp"));
    files.syncDirectory(pathOf(".tidewire"));
    files.syncDirectory(RelativePath());
    files.crash();
    CHECK(readFile(files, kTemporary.text()) == content);
}

TEST_CASE_METHOD(DownloadFixture, "DownloadJob: chunks may be cut anywhere", "[download]")
{
    const auto seed = GENERATE(range(0U, 20U));
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto chunks = cut(whole, random);
    auto job = start(request());
    std::uint32_t digested = 0;
    for (const Delta& ops : chunks)
    {
        job->add(chunkOf(ops, 3));
        if (random() % 2 == 0)
        {
            job = run(std::move(job));
            REQUIRE(
                (job->status == DownloadStatus::Hungry || job->status == DownloadStatus::Finished));
            digested += std::exchange(job->digested, 0);
        }
    }
    if (job->status != DownloadStatus::Finished)
    {
        job = run(std::move(job));
        digested += job->digested;
    }

    CHECK(job->status == DownloadStatus::Finished);
    CHECK(digested == 3 * chunks.size());
    CHECK(readFile(files, kTemporary.text()) == content);
}

TEST_CASE_METHOD(DownloadFixture,
                 "DownloadJob: without chunks it is hungry, not finished",
                 "[download]")
{
    auto job = run(start(request()));

    CHECK(job->status == DownloadStatus::Hungry);
    CHECK_FALSE(job->hasChunks());
}

TEST_CASE_METHOD(DownloadFixture,
                 "DownloadJob: it goes on where an earlier one stopped",
                 "[download]")
{
    const std::size_t done = GENERATE(1U, 700000U, 700000U + kFrameBytes + 17, 1000000U);
    writeFile(files, kTemporary.text(), content.substr(0, done) + "torn tail");
    DownloadRequest wanted = request();
    wanted.resumeAt = done;
    Delta rest;
    std::uint64_t position = 0;
    for (Op op : whole)
    {
        const std::uint64_t skip =
            std::min<std::uint64_t>(op.length, done > position ? done - position : 0);
        position += op.length;
        op.length -= skip;
        op.offset += op.kind == OpKind::Zero ? 0 : skip;
        if (op.kind == OpKind::Data && op.frame != kLiteralFrame)
        {
            op.frame += op.offset / kFrameBytes;
            op.offset %= kFrameBytes;
        }
        if (op.length > 0)
        {
            rest.push_back(op);
        }
    }
    auto job = start(std::move(wanted));
    job->add(chunkOf(rest));

    job = run(std::move(job));

    CAPTURE(job->error);
    CHECK(job->status == DownloadStatus::Finished);
    CHECK(readFile(files, kTemporary.text()) == content);
}

TEST_CASE_METHOD(DownloadFixture,
                 "DownloadJob: a whole temporary file is only verified",
                 "[download]")
{
    writeFile(files, kTemporary.text(), content);
    DownloadRequest wanted = request();
    wanted.resumeAt = content.size();

    const auto job = run(start(std::move(wanted)));

    CHECK(job->status == DownloadStatus::Finished);
    CHECK(job->signature.has_value());
}

TEST_CASE_METHOD(DownloadFixture,
                 "DownloadJob: what stands of a long content is read a part a step",
                 "[download]")
{
    const std::string large = variedText(5 << 20, 3);
    writeFile(files, kTemporary.text(), large);
    unsigned reads = 0;
    files.setHook([&](std::string_view operation, const RelativePath&) {
        reads += operation == "read" ? 1U : 0U;
    });
    DownloadRequest wanted = request();
    wanted.entry = fileEntry(large);
    wanted.resumeAt = large.size();
    const auto job = start(std::move(wanted));

    bool isMore = true;
    while (isMore)
    {
        reads = 0;
        isMore = job->step();
        CHECK(reads <= 4);
    }
    CHECK(job->status == DownloadStatus::Finished);
}

TEST_CASE_METHOD(DownloadFixture,
                 "DownloadJob: what was resumed on a wrong beginning is found out",
                 "[download]")
{
    writeFile(files, kTemporary.text(), std::string(700000, '?'));
    DownloadRequest wanted = request();
    wanted.resumeAt = 700000;
    auto job = start(std::move(wanted));
    job->add(chunkOf(Delta(whole.begin() + 1, whole.end())));

    job = run(std::move(job));

    CHECK(job->status == DownloadStatus::WrongContent);
}

TEST_CASE_METHOD(DownloadFixture,
                 "DownloadJob: operations that cannot be right are wrong content",
                 "[download]")
{
    const Op bad = GENERATE(Op{OpKind::Copy, 0, 899999, 2},
                            Op{OpKind::Copy, 0, ~std::uint64_t{0} - 5, 100},
                            Op{OpKind::Data, kLiteralFrame, 10, 10},
                            Op{OpKind::Data, kLiteralFrame, ~std::uint64_t{0}, 2},
                            Op{OpKind::Data, 39, 0, 1},
                            Op{OpKind::Data, 43, 5000, 1},
                            Op{OpKind::Data, 43, 0, 6000},
                            Op{OpKind::Zero, 0, 0, 1U << 30U});
    auto job = start(request());
    job->add(chunkOf({{OpKind::Zero, 0, 0, 5}, bad}, 7));
    job->add(chunkOf(whole, 8));

    job = run(std::move(job));

    CAPTURE(job->error);
    CHECK(job->status == DownloadStatus::WrongContent);
    CHECK(job->digested + job->undigested() == 15);
}

TEST_CASE_METHOD(DownloadFixture,
                 "DownloadJob: a damaged frame or another hash is wrong content",
                 "[download]")
{
    DownloadRequest wanted = request();
    ContentChunk chunk = chunkOf(whole);
    SECTION("a damaged frame")
    {
        Frame damaged = *chunk.frames[1].second;
        damaged.stored[9] ^= 1U;
        chunk.frames[1].second = std::make_shared<const Frame>(std::move(damaged));
    }
    SECTION("another hash")
    {
        wanted.entry.hash.bytes[0] ^= 1U;
    }
    SECTION("other bytes")
    {
        chunk.ops[0].offset = 999;
    }
    auto job = start(std::move(wanted));
    job->add(std::move(chunk));

    CHECK(run(std::move(job))->status == DownloadStatus::WrongContent);
}

TEST_CASE_METHOD(DownloadFixture, "DownloadJob: a base that changed is told at once", "[download]")
{
    DownloadRequest wanted = request();
    SECTION("changed")
    {
        appendFile(files, "base", "x");
        auto job = start(std::move(wanted));
        job->add(chunkOf(whole, 4));
        job = run(std::move(job));
        CHECK(job->status == DownloadStatus::BaseChanged);
        CHECK(job->undigested() == 4);
    }
    SECTION("gone")
    {
        files.removeFile(pathOf("base"));
        auto job = run(start(std::move(wanted)));
        CHECK(job->status == DownloadStatus::Failed);
        CHECK(job->code == ENOENT);
    }
}

TEST_CASE_METHOD(DownloadFixture,
                 "DownloadJob: a base that changes meanwhile is found out",
                 "[download]")
{
    auto job = start(request());
    job->add(chunkOf({whole[0], whole[1]}));
    job = run(std::move(job));
    REQUIRE(job->status == DownloadStatus::Hungry);
    files.openWrite(pathOf("base"))->write(7, asBytes("PERSON"));

    job->add(chunkOf(Delta(whole.begin() + 2, whole.end())));

    CHECK(run(std::move(job))->status == DownloadStatus::WrongContent);
}

TEST_CASE_METHOD(DownloadFixture,
                 "DownloadJob: an error at any operation is a result",
                 "[download]")
{
    for (unsigned number = 1;; ++number)
    {
        if (files.stat(kTemporary))
        {
            files.removeFile(kTemporary);
        }
        DownloadRequest wanted = request();
        unsigned count = 0;
        files.setHook([&](std::string_view operation, const RelativePath&) {
            if (++count == number)
            {
                throw StorageError(operation, "", ENOSPC);
            }
        });
        auto job = start(std::move(wanted));
        job->add(chunkOf(whole, 11));
        job = run(std::move(job));
        files.setHook({});

        CAPTURE(number, count, job->error);
        CHECK(job->digested + job->undigested() == 11);
        if (count < number)
        {
            CHECK(job->status == DownloadStatus::Finished);
            break;
        }
        CHECK(job->status == DownloadStatus::Failed);
        CHECK(job->code == ENOSPC);
    }
}
