// Downloads: large contents under way, and what a job that comes back late may not disturb.

#include "agent/sync/Downloads.h"

#include "agent/sync/DiskState.h"
#include "agent/sync/PrivateFolder.h"
#include "tests/agent/sync/SyncFixture.h"
#include "tests/support/FileTools.h"

#include <catch2/catch.hpp>

using namespace tidewire;

namespace {

class DownloadsFixture: public SyncFixture
{
protected:
    DownloadsFixture():
        fetcher(share,
                connection,
                {[this](const RelativePath&, Seq seq, const InlineContent&) { small = seq; },
                 [this](const RelativePath& path, Seq seq, ContentChunk chunk) {
                     downloads.onChunk(path, seq, std::move(chunk));
                 },
                 [](const RelativePath&, Seq) {
                 }}),
        downloads(share,
                  fetcher,
                  {[this](const RelativePath&, Seq seq) { return seq == awaited; },
                   [this](DownloadJob& job, bool wanted) {
                       ends.push_back(wanted);
                       if (!wanted)
                       {
                           unwanted.push_back(job.request().temporary);
                       }
                   }})
    {
    }

    /// The content of that revision of "file" is to be fetched into a file of its own.
    void startLarge(Seq seq, std::string_view content)
    {
        awaited = seq;
        DownloadRequest request;
        request.path = pathOf("file");
        request.seq = seq;
        request.entry = fileEntry(content);
        request.temporary = PrivateFolder::partial(seq);
        downloads.start(std::move(request), {});
        want(seq, content.size(), true);
    }

    void want(Seq seq, std::uint64_t size, bool large)
    {
        Fetcher::Wanted wanted;
        wanted.path = pathOf("file");
        wanted.seq = seq;
        wanted.size = size;
        wanted.large = large;
        fetcher.want(std::move(wanted));
        fetcher.pump();
    }

    void follow(std::uint64_t size, std::uint64_t upload)
    {
        REQUIRE(fetcher.follow(pathOf("file"), size, upload));
        downloads.follow(pathOf("file"), size, upload);
    }

    /// The next bytes of what is followed.
    void send(std::string_view bytes)
    {
        ContentMessage message;
        message.id = relay.all<FollowMessage>().at(0).id;
        message.status = ContentStatus::More;
        message.ops = {{OpKind::Data, kLiteralFrame, 0, bytes.size()}};
        message.literal.assign(bytes.begin(), bytes.end());
        REQUIRE(fetcher.onContent(message, 100));
    }

    /// As the downlink does with a job that comes back and is not wanted.
    void removeLate()
    {
        for (const RelativePath& late : unwanted)
        {
            removeIfThere(files, late);
        }
    }

    std::size_t partials() { return listNames(files, pathOf(".tidewire/tmp")).size(); }

    ConnectionState connection;
    Fetcher fetcher;
    Downloads downloads;
    Seq awaited = 0;
    Seq small = 0; ///< revision of the last small content that came
    std::vector<bool> ends;
    std::vector<RelativePath> unwanted; ///< temporaries of jobs that came back too late
};

} // namespace

TEST_CASE_METHOD(
    DownloadsFixture,
    "Downloads: the late job of a dropped content does not cancel the fetch of the next",
    "[download]")
{
    startLarge(1, variedText(300000, 1));
    REQUIRE(runner.jobs.size() == 1);

    // A newer, small revision comes while the job is with a worker.
    awaited = 2;
    downloads.drop(pathOf("file"));
    relay.take();
    want(2, 9, false);
    runner.runAll();

    CHECK(ends == std::vector<bool>{false});
    CHECK(relay.all<CancelMessage>().empty());
    ContentMessage message;
    message.id = relay.all<FetchMessage>().at(0).items.at(0).id;
    message.status = ContentStatus::Done;
    message.ops = {{OpKind::Data, kLiteralFrame, 0, 9}};
    message.literal = Bytes(9, 'x');
    CHECK(fetcher.onContent(message, 100));
    CHECK(small == 2);
}

TEST_CASE_METHOD(
    DownloadsFixture,
    "Downloads: a content that is no longer wanted when its job comes back is cancelled",
    "[download]")
{
    startLarge(1, variedText(300000, 1));
    awaited = 0;
    relay.take();

    runner.runAll();

    CHECK(ends == std::vector<bool>{false});
    CHECK(relay.all<CancelMessage>().size() == 1);
    CHECK(downloads.canStart(pathOf("file"), 300000));
}

TEST_CASE_METHOD(DownloadsFixture,
                 "Downloads: what was followed becomes the content of its revision, read once",
                 "[download]")
{
    const std::string content = variedText(300000, 1);
    follow(content.size(), 5);
    const bool isAtWork = GENERATE(true, false);
    CAPTURE(isAtWork);
    send(std::string_view(content).substr(0, 60000));
    if (!isAtWork)
    {
        runner.runAll();
    }

    awaited = 7;
    CHECK(downloads.adopt(pathOf("file"), 7, fileEntry(content), 5));
    runner.runAll();
    for (std::size_t at = 60000; at < content.size(); at += 60000)
    {
        send(std::string_view(content).substr(at, 60000));
        runner.runAll();
    }

    CHECK(ends == std::vector<bool>{true});
    CHECK(readFile(files, PrivateFolder::partial(7).text()) == content);
    CHECK(partials() == 1);
}

TEST_CASE_METHOD(DownloadsFixture,
                 "Downloads: what was followed is dropped for a revision of another upload or size",
                 "[download]")
{
    const std::string content = variedText(300000, 1);
    follow(content.size(), 5);
    send(std::string_view(content).substr(0, 60000));
    if (GENERATE(true, false))
    {
        runner.runAll();
    }
    const bool isOther = GENERATE(true, false);

    CHECK_FALSE(downloads.adopt(
        pathOf("file"), 7, fileEntry(isOther ? content : content + "x"), isOther ? 6 : 5));
    runner.runAll();

    removeLate();
    CHECK(partials() == 0);
    CHECK(relay.all<CancelMessage>().size() == 1);
}

TEST_CASE_METHOD(DownloadsFixture,
                 "Downloads: what a broken upload has left waits for its revision, for an hour",
                 "[download]")
{
    const std::string content = variedText(300000, 1);
    follow(content.size(), 5);
    send(std::string_view(content).substr(0, 60000));
    runner.runAll();
    downloads.leaveFollowed();
    fetcher.onDisconnected();
    CHECK(partials() == 1);

    SECTION("its revision comes")
    {
        downloads.claimLeftover(pathOf("file"), 7, content.size());
        CHECK(files.stat(PrivateFolder::partial(7))->size == 60000);
    }
    SECTION("a revision of another size comes")
    {
        downloads.claimLeftover(pathOf("file"), 7, content.size() + 1);
        CHECK(partials() == 0);
    }
    SECTION("nothing comes")
    {
        CHECK(downloads.nextDue() == clock.steady() + Downloads::kLeftoverTime);
        clock.advance(Downloads::kLeftoverTime);
        downloads.sweepLeftovers();
        CHECK(partials() == 0);
        CHECK_FALSE(downloads.nextDue());
    }
}

TEST_CASE_METHOD(DownloadsFixture,
                 "Downloads: what is followed has places of its own, and the unclaimed make room",
                 "[download]")
{
    for (const char* name : {"a", "b"})
    {
        REQUIRE(downloads.canFollow(pathOf(name)));
        downloads.follow(pathOf(name), 300000, 1);
    }
    CHECK_FALSE(downloads.canFollow(pathOf("c")));
    CHECK(downloads.canStart(pathOf("c"), 300000));

    downloads.onFollowedEnd(pathOf("a"), true);
    CHECK(downloads.canFollow(pathOf("c")));
}
