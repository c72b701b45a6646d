// ReadJob: whole contents, deltas, streams, appends, and files that change under it.

#include "agent/sync/ReadJob.h"

#include "shared/wire/FrameCodec.h"
#include "tests/agent/sync/SyncFixture.h"

#include <catch2/catch.hpp>

#include <cerrno>

using namespace tidewire;

namespace {

Signature signatureOf(std::string_view content)
{
    SignatureBuilder builder(content.size());
    builder.add(asBytes(content));
    Hash hash;
    return builder.finish(hash);
}

class ReadFixture
{
protected:
    ReadRequest requestFor(std::string_view path)
    {
        ReadRequest request;
        request.path = pathOf(path);
        request.expected = *files.stat(request.path);
        return request;
    }

    /// Runs the job to its end and gathers what it hands over on the way.
    std::unique_ptr<ReadJob> read(ReadRequest request)
    {
        std::unique_ptr<ReadJob> result;
        runner.submit(
            std::make_unique<ReadJob>(files, std::move(request), [&](std::unique_ptr<ReadJob> job) {
                for (const Frame& frame : job->frames)
                {
                    frameSizes.push_back(frame.rawLength);
                    const Bytes raw = unpackFrame(frame);
                    stream.append(asText(raw));
                }
                mostFrames = std::max(mostFrames, job->frames.size());
                job->frames.clear();
                if (job->status == ReadStatus::Frames)
                {
                    runner.submit(std::move(job));
                    return;
                }
                result = std::move(job);
            }));
        runner.runAll();
        return result;
    }

    /// What the delta yields from the old content and the stream.
    [[nodiscard]] std::string made(const ReadJob& job, std::string_view old) const
    {
        const std::string literal = job.streaming ? stream : std::string(asText(job.literal));
        std::string result;
        for (const Op& op : job.delta)
        {
            const auto offset = static_cast<std::size_t>(op.offset);
            const auto length = static_cast<std::size_t>(op.length);
            switch (op.kind)
            {
            case OpKind::Copy:
                result += old.substr(offset, length);
                break;
            case OpKind::Zero:
                result.append(length, '\0');
                break;
            case OpKind::Data:
                result += literal.substr(static_cast<std::size_t>(op.frame) * kFrameBytes + offset,
                                         length);
                break;
            }
        }
        return result;
    }

    MemoryFileSystem files;
    ManualRunner runner;
    std::string stream;
    std::vector<std::uint32_t> frameSizes;
    std::size_t mostFrames = 0;
};

} // namespace

TEST_CASE_METHOD(ReadFixture, "ReadJob: a small file stays in the literal", "[readjob]")
{
    const std::size_t size = GENERATE(0U, 1U, 5000U, kFrameBytes - 1, kFrameBytes);
    const std::string text = variedText(size, 1);
    writeFile(files, "a", text);

    const auto job = read(requestFor("a"));

    REQUIRE(job->status == ReadStatus::Complete);
    CHECK(job->hash == fileEntry(text).hash);
    CHECK(*job->signature == signatureOf(text));
    CHECK_FALSE(job->streaming);
    CHECK(asText(job->literal) == text);
    CHECK(made(*job, {}) == text);
    CHECK(frameSizes.empty());
    CHECK(job->weight() == JobWeight::Light);
}

TEST_CASE_METHOD(ReadFixture, "ReadJob: a larger one comes as frames, a few at a time", "[readjob]")
{
    const std::size_t size = GENERATE(kFrameBytes + 1, 2 * kFrameBytes, 5 * (1U << 20U) + 77);
    const std::string text = variedText(size, 2);
    writeFile(files, "a", text);

    const auto job = read(requestFor("a"));

    REQUIRE(job->status == ReadStatus::Complete);
    CHECK(job->streaming);
    CHECK(job->literal.empty());
    CHECK(stream == text);
    CHECK(made(*job, {}) == text);
    CHECK(job->hash == fileEntry(text).hash);
    CHECK(mostFrames <= 17);
    for (std::size_t i = 0; i + 1 < frameSizes.size(); ++i)
    {
        CHECK(frameSizes[i] == kFrameBytes);
    }
    CHECK((job->weight() == JobWeight::Heavy) == (size >= ReadJob::kHeavyBytes));
}

TEST_CASE_METHOD(ReadFixture, "ReadJob: against a base only what changed is literal", "[readjob]")
{
    const std::string old = variedText(300000, 3);
    std::string text = old;
    text.insert(100000, "inserted");
    writeFile(files, "a", text);
    ReadRequest request = requestFor("a");
    request.base = signatureOf(old);

    const auto job = read(std::move(request));

    REQUIRE(job->status == ReadStatus::Complete);
    CHECK(made(*job, old) == text);
    CHECK(job->literal.size() < 5000);
    CHECK(job->hash == fileEntry(text).hash);
}

TEST_CASE_METHOD(ReadFixture, "ReadJob: a hole is neither read nor literal", "[readjob]")
{
    writeFile(files, "a", "start");
    files.openWrite(pathOf("a"))->truncate(std::uint64_t{3} << 30U);

    const auto job = read(requestFor("a"));

    REQUIRE(job->status == ReadStatus::Complete);
    CHECK(job->literal.size() <= 8192);
    CHECK(job->delta.back().kind == OpKind::Zero);
}

TEST_CASE_METHOD(ReadFixture, "ReadJob: for the hash alone no literal is kept", "[readjob]")
{
    const std::string text = variedText(3 << 20, 4);
    writeFile(files, "a", text);
    ReadRequest request = requestFor("a");
    request.hashOnly = true;

    const auto job = read(std::move(request));

    REQUIRE(job->status == ReadStatus::Complete);
    CHECK(job->hash == fileEntry(text).hash);
    CHECK(job->literal.empty());
    CHECK_FALSE(job->streaming);
    CHECK(stream.empty());
}

namespace {

AppendBase appendBaseOf(const std::string& old)
{
    const Signature signature = signatureOf(old);
    AppendBase base;
    base.size = signature.size;
    base.blockBytes = signature.blockBytes;
    base.leaves = signature.leaves;
    for (const std::uint64_t block : sampleBlocks(old.size(), signature.blockBytes, 16))
    {
        base.samples.push_back({block, signature.blocks[static_cast<std::size_t>(block)]});
    }
    return base;
}

} // namespace

TEST_CASE_METHOD(ReadFixture, "ReadJob: a grown log sends what was appended", "[readjob]")
{
    const std::string old = variedText(3 << 20, 5);
    const std::string text = old + variedText(GENERATE(100U, 300000U), 6);
    writeFile(files, "a", text);
    ReadRequest request = requestFor("a");
    request.append = appendBaseOf(old);

    const auto job = read(std::move(request));

    REQUIRE(job->status == ReadStatus::Complete);
    CHECK(job->appended);
    CHECK_FALSE(job->signature);
    CHECK(job->hash == fileEntry(text).hash);
    CHECK(made(*job, old) == text);
    CHECK((job->streaming ? stream : std::string(asText(job->literal))) == text.substr(old.size()));
}

TEST_CASE_METHOD(ReadFixture, "ReadJob: what was no append is read another way", "[readjob]")
{
    const std::string old = variedText(3 << 20, 5);
    std::string text = old + "more";
    text[old.size() - 1] = '!';
    writeFile(files, "a", text);
    ReadRequest request = requestFor("a");
    request.append = appendBaseOf(old);

    const auto job = read(std::move(request));

    CHECK(job->status == ReadStatus::NotAppended);
    CHECK(job->delta.empty());
    CHECK(job->literal.empty());
}

TEST_CASE_METHOD(ReadFixture, "ReadJob: a file that is not as expected is not read", "[readjob]")
{
    writeFile(files, "a", "text");
    ReadRequest request = requestFor("a");
    SECTION("changed")
    {
        writeFile(files, "a", "TEXT");
        CHECK(read(std::move(request))->status == ReadStatus::Changed);
    }
    SECTION("gone")
    {
        files.removeFile(pathOf("a"));
        CHECK(read(std::move(request))->status == ReadStatus::Missing);
    }
    SECTION("a FIFO by now")
    {
        files.removeFile(pathOf("a"));
        files.createOther(pathOf("a"));
        CHECK(read(std::move(request))->status == ReadStatus::Failed);
    }
    SECTION("the disk fails")
    {
        files.setHook([](std::string_view operation, const RelativePath& path) {
            if (operation == "read")
            {
                throw StorageError(operation, path.text(), EIO);
            }
        });
        const auto job = read(std::move(request));
        files.setHook({});
        CHECK(job->status == ReadStatus::Failed);
        REQUIRE(job->failure);
        CHECK(std::string(job->failure->what()).find("read") != std::string::npos);
    }
}

TEST_CASE_METHOD(ReadFixture, "ReadJob: whatever changes while it is read is noticed", "[readjob]")
{
    const std::string text = variedText(2500000, 7);
    const int how = GENERATE(0, 1, 2);
    for (unsigned number = 1;; ++number)
    {
        writeFile(files, "a", text);
        const ReadRequest request = requestFor("a");
        unsigned count = 0;
        bool busy = false;
        files.setHook([&](std::string_view, const RelativePath&) {
            if (busy || ++count != number)
            {
                return;
            }
            busy = true;
            const auto file = files.openWrite(pathOf("a"));
            if (how == 0)
            {
                file->write(1234567, asBytes("PERSON"));
            }
            else
            {
                file->truncate(how == 1 ? 1000 : 2600000);
            }
            busy = false;
        });
        stream.clear();
        const auto job = read(request);
        files.setHook({});

        CAPTURE(how, number, count);
        if (count < number)
        {
            CHECK(job->status == ReadStatus::Complete);
            break;
        }
        CHECK(job->status == ReadStatus::Changed);
    }
}

TEST_CASE_METHOD(ReadFixture,
                 "ReadJob: a file that somebody writes to is read only when forced",
                 "[readjob]")
{
    writeFile(files, "a", "text");
    const auto writer = files.openWrite(pathOf("a"));
    ReadRequest request = requestFor("a");

    CHECK(read(request)->status == ReadStatus::Writing);
    request.forced = true;
    CHECK(read(request)->status == ReadStatus::Complete);
}

TEST_CASE_METHOD(ReadFixture,
                 "ReadJob: forced, a log that grows meanwhile gives its first bytes",
                 "[readjob]")
{
    const std::string text = variedText(2000000, 8);
    writeFile(files, "a", text);
    ReadRequest request = requestFor("a");
    request.forced = true;
    bool busy = false;
    files.setHook([&](std::string_view operation, const RelativePath&) {
        if (!busy && operation == "read")
        {
            busy = true;
            appendFile(files, "a", "one more line\n");
            busy = false;
        }
    });

    const auto job = read(std::move(request));
    files.setHook({});

    REQUIRE(job->status == ReadStatus::Complete);
    CHECK(job->hash == fileEntry(text).hash);
    CHECK(stream == text);
}

TEST_CASE_METHOD(ReadFixture, "ReadJob: a delta of too many pieces is given up", "[readjob]")
{
    // Every other block of the old content is there, each followed by a byte that was not.
    const std::string old = variedText(70 << 20, 9);
    const std::size_t block = blockBytesFor(old.size());
    std::string text;
    for (std::size_t at = 0; at + block <= old.size(); at += 2 * block)
    {
        text += old.substr(at, block);
        text += '#';
    }
    REQUIRE(text.size() / (block + 1) > kMaxPieces / 2);
    writeFile(files, "a", text);
    ReadRequest request = requestFor("a");
    request.base = signatureOf(old);

    const auto job = read(std::move(request));

    CHECK(job->status == ReadStatus::NotAppended);
}
