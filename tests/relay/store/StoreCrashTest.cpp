// Every call to the disk fails once, or the power is cut there: what was acknowledged stays.

#include "tests/relay/store/StoreFixture.h"

#include <cerrno>
#include <functional>
#include <map>

using namespace tidewire;

namespace {

constexpr std::uint32_t kUploadFrames = 10;

StoreOptions tightOptions()
{
    StoreOptions options;
    options.history = 0;
    options.settle = 0;
    options.collectEvery = 0;
    options.segmentBytes = 20000;
    return options;
}

/// A full frame that is small when stored.
std::string fullFrame(std::uint32_t number)
{
    std::string text = noise(64, number);
    text.resize(kFrameBytes, 'z');
    return text;
}

/// Batches that can be tried again until they get through; knows what has been acknowledged.
class Script
{
public:
    explicit Script(StoreFixture& fixture): _fixture(fixture)
    {
        _steps = {
            [this] { start(); },
            [this] { change(); },
            [this] { upload(6); },
            [this] { _fixture.open(); },
            [this] { finishUpload(); },
            [this] { replace(); },
            [this] { _fixture.upkeep(_fixture.clock.wallSeconds() + 100); },
            [this] { fragment(); },
            [this] { _fixture.upkeep(_fixture.clock.wallSeconds() + 200); },
            [this] { change(); },
            [this] { change(); },
        };
    }

    [[nodiscard]] std::size_t size() const { return _steps.size(); }

    void run(std::size_t step)
    {
        _batch.clear();
        _steps.at(step)();
    }

    /// Everything acknowledged is there and whole, and nothing else.
    void check() const
    {
        const Store& store = *_fixture.store;
        const std::vector<Revision> heads = store.headsAfter(0, 1000, false);
        CHECK(heads.size() == _acknowledged.size());
        for (const Revision& revision : heads)
        {
            const auto known = _acknowledged.find(revision.path.text());
            REQUIRE(known != _acknowledged.end());
            CAPTURE(known->first);
            CHECK(revision.seq == known->second.first);
            if (revision.entry.kind == EntryKind::File)
            {
                CHECK(_fixture.content(revision.seq) == known->second.second);
            }
        }
    }

private:
    [[nodiscard]] Seq baseOf(const std::string& path) const
    {
        const auto head = _fixture.store->head(pathOf(path));
        return head ? head->seq : 0;
    }

    [[nodiscard]] const std::string& contentOfHead(const std::string& path) const
    {
        return _acknowledged.at(path).second;
    }

    void expect(const std::string& path, const std::string& content, const ProposalResult& result)
    {
        REQUIRE(result.verdict == Verdict::Accepted);
        _batch[path] = {result.seq, content};
    }

    void commit()
    {
        const std::vector<Accepted> accepted = _fixture.store->commit();
        REQUIRE(accepted.size() == _batch.size());
        for (const auto& [path, state] : _batch)
        {
            _acknowledged[path] = state;
        }
    }

    void write(const std::string& path, const std::string& content)
    {
        expect(path, content, _fixture.write(path, baseOf(path), content));
    }

    void start()
    {
        expect("d", "", _fixture.propose(_fixture.proposal("d", 0, folderOf())));
        write("d/a", noise(3000, 1));
        write("b", noise(30000, 2));
        commit();
    }

    void change()
    {
        const std::string before = contentOfHead("d/a");
        const std::string added = noise(700, static_cast<std::uint32_t>(before.size()));
        expect("d/a", before + added, _fixture.append("d/a", baseOf("d/a"), before, added));
        write("c", noise(before.size(), 9));
        commit();
    }

    /// Makes a recipe of so many small pieces that upkeep merges them.
    void fragment()
    {
        constexpr std::uint64_t kPiece = 20;
        Proposal proposal = _fixture.proposal("f", baseOf("f"), fileOf(""));
        std::string content;
        for (const std::uint32_t pieces : {100U, 40U})
        {
            const std::string bytes = noise(pieces * kPiece, pieces);
            const FrameId id = _fixture.store->addFrame(frameOf(bytes));
            for (std::uint64_t at = bytes.size(); at != 0;)
            {
                at -= kPiece;
                proposal.delta.push_back(Op{OpKind::Data, id, at, kPiece});
                content += bytes.substr(static_cast<std::size_t>(at), kPiece);
            }
        }
        proposal.entry = fileOf(content);
        expect("f", content, _fixture.propose(proposal));
        commit();
    }

    void upload(std::uint32_t frames)
    {
        Store& store = *_fixture.store;
        std::uint32_t next = store.openUpload("kitchen", tokenOf(1), kUploadFrames, false).frames;
        for (; next < frames; ++next)
        {
            store.addUploadFrame("kitchen", tokenOf(1), next, frameOf(fullFrame(next)));
        }
        commit();
    }

    void finishUpload()
    {
        upload(kUploadFrames);
        std::string content;
        for (std::uint32_t number = 0; number < kUploadFrames; ++number)
        {
            content += fullFrame(number);
        }
        Proposal big = _fixture.proposal("big", 0, fileOf(content));
        big.upload = tokenOf(1);
        big.delta = {Op{OpKind::Data, 0, 0, content.size()}};
        expect("big", content, _fixture.propose(big));
        commit();
    }

    void replace()
    {
        expect("b", "", _fixture.propose(_fixture.proposal("b", baseOf("b"), Entry())));
        write("e", noise(15000, 4));
        commit();
    }

    StoreFixture& _fixture;
    std::vector<std::function<void()>> _steps;
    std::map<std::string, std::pair<Seq, std::string>> _batch;
    std::map<std::string, std::pair<Seq, std::string>> _acknowledged;
};

/// Lets the calls to the disk from the `nth` on fail, one or all of them.
class Fault
{
public:
    Fault(StoreFixture& fixture, std::size_t nth, int code, bool once)
    {
        fixture.disk.setHook(
            [this, nth, code, once](std::string_view operation, const RelativePath& path) {
                if (_paused)
                {
                    return;
                }
                ++_calls;
                if (once ? _calls == nth : _calls >= nth)
                {
                    _met = true;
                    throw StorageError(operation, path.text(), code);
                }
            });
    }
    [[nodiscard]] bool met() const { return _met; }

    /// While it is on, calls succeed and are not counted.
    void pause(bool on) { _paused = on; }

private:
    std::size_t _calls = 0;
    bool _met = false;
    bool _paused = false;
};

/// Runs the script with a fault; false when the fault was never met.
bool survives(std::size_t nth, int code, bool cutPower)
{
    StoreFixture fixture(tightOptions());
    Script script(fixture);
    Fault fault(fixture, nth, code, !cutPower);
    for (std::size_t step = 0; step < script.size();)
    {
        try
        {
            script.run(step);
            ++step;
        }
        catch (const StorageError&)
        {
            if (cutPower)
            {
                fixture.crash();
            }
            else if (fixture.store)
            {
                fixture.store->rollback();
            }
            else
            {
                fixture.open();
            }
            fault.pause(true);
            script.check();
            fault.pause(false);
        }
    }
    fixture.crash();
    script.check();
    return fault.met();
}

} // namespace

TEST_CASE("EmbeddedStore: after any one failed call and a rollback the store goes on",
          "[store][crash]")
{
    const int code = GENERATE(ENOSPC, EIO);
    std::size_t nth = 1;
    while (survives(nth, code, false))
    {
        CAPTURE(nth, code);
        ++nth;
        REQUIRE(nth < 5000);
    }
    CHECK(nth > 50);
}

TEST_CASE(
    "EmbeddedStore: a power cut at any call loses nothing acknowledged and leaves nothing half",
    "[store][crash]")
{
    std::size_t nth = 1;
    while (survives(nth, EIO, true))
    {
        CAPTURE(nth);
        ++nth;
        REQUIRE(nth < 5000);
    }
    CHECK(nth > 50);
}

TEST_CASE_METHOD(StoreFixture,
                 "EmbeddedStore: a torn tail and unknown segments are cut at open",
                 "[store][crash]")
{
    const Seq seq = accepted(write("a", 0, "hello"));
    store->commit();
    const std::uint64_t bytes = segmentBytes();
    store.reset();
    const RelativePath segment = pathOf("photos/segments/000001.seg");
    disk.openWrite(segment)->write(bytes, asBytes("half a record"));
    disk.createFile(pathOf("photos/segments/000002.seg"), 0600)
        ->write(0, asBytes("never committed"));
    (void)disk.createFile(pathOf("photos/segments/notes.txt"), 0600);

    open();

    CHECK(segmentBytes() == bytes);
    CHECK(disk.stat(pathOf("photos/segments/notes.txt")));
    const Seq next = accepted(write("a", seq, "world"));
    store->commit();
    open();
    CHECK(content(seq) == "hello");
    CHECK(content(next) == "world");
}

TEST_CASE_METHOD(StoreFixture,
                 "EmbeddedStore: a lost journal does not cost the segments",
                 "[store][crash]")
{
    accepted(write("a", 0, "hello"));
    store->commit();
    const std::uint64_t bytes = segmentBytes();
    const Incarnation before = store->state().incarnation;
    store.reset();
    for (const char* name : {"journal.db", "journal.db-wal"})
    {
        std::filesystem::remove(std::filesystem::path(folder / "photos") / name);
    }

    open();
    CHECK(store->state().incarnation != before);
    CHECK(segmentBytes() == bytes);
    const Seq seq = accepted(write("a", 0, "anew"));
    store->commit();
    open();

    CHECK(segmentBytes() > bytes);
    CHECK(disk.stat(pathOf("photos/segments/000001.seg"))->size == bytes);
    CHECK(content(seq) == "anew");
}

TEST_CASE_METHOD(StoreFixture,
                 "EmbeddedStore: after a failed write nothing goes on without a rollback",
                 "[store][crash]")
{
    accepted(write("a", 0, "hello"));
    store->commit();
    disk.setHook([](std::string_view operation, const RelativePath& path) {
        throw StorageError(operation, path.text(), ENOSPC);
    });

    CHECK_THROWS_AS(store->addFrame(frameOf("x")), StorageError);
    disk.setHook({});
    CHECK_THROWS_AS(store->addFrame(frameOf("x")), Error);
    CHECK_THROWS_AS(store->commit(), Error);
    store->rollback();
    accepted(write("b", 0, "x"));
    CHECK(store->commit().size() == 1);
}

TEST_CASE_METHOD(StoreFixture,
                 "EmbeddedStore: an open batch is gone after a crash",
                 "[store][crash]")
{
    const Seq seq = accepted(write("a", 0, "one"));
    store->commit();
    accepted(write("a", seq, "two"));

    crash();

    CHECK(store->state().head == seq);
    CHECK(content(seq) == "one");
    CHECK(accepted(write("a", seq, "zwei")) == seq + 1);
}
