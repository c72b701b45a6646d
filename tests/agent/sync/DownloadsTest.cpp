// Downloads: large contents under way, and what a job that comes back late may not disturb.

#include "agent/sync/Downloads.h"

#include "agent/sync/PrivateFolder.h"
#include "tests/agent/sync/SyncFixture.h"

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
                   [this](DownloadJob&, bool wanted) {
                       ends.push_back(wanted);
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

    ConnectionState connection;
    Fetcher fetcher;
    Downloads downloads;
    Seq awaited = 0;
    Seq small = 0; ///< revision of the last small content that came
    std::vector<bool> ends;
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
