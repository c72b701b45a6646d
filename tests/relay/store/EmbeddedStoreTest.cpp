// What the embedded store shows of what was committed, and what it makes of damaged and hostile frames.

#include "tests/relay/store/StoreFixture.h"

using namespace tidewire;

TEST_CASE_METHOD(StoreFixture,
                 "EmbeddedStore: a new share is empty and keeps its incarnation",
                 "[store]")
{
    const StoreState first = store->state();
    open();

    CHECK(first.head == 0);
    CHECK(first.tag == 0);
    CHECK(first.floor == 0);
    CHECK(first.incarnation != Incarnation());
    CHECK(store->state().incarnation == first.incarnation);
    CHECK(store->headsAfter(0, 10, false).empty());
}

TEST_CASE_METHOD(StoreFixture,
                 "EmbeddedStore: an accepted file is read back after a restart",
                 "[store]")
{
    const std::string text = noise(5000, 1);
    const Seq seq = accepted(write("a.txt", 0, text));
    const std::vector<Accepted> batch = store->commit();
    open();

    REQUIRE(batch.size() == 1);
    CHECK(batch[0].revision.seq == seq);
    CHECK(batch[0].revision.agent == "kitchen");
    CHECK(batch[0].source == 0);
    const auto head = store->head(pathOf("a.txt"));
    REQUIRE(head);
    CHECK(head->seq == seq);
    CHECK(head->entry == fileOf(text));
    CHECK(head->agent == "kitchen");
    CHECK(content(seq) == text);
    CHECK(store->state().head == seq);
    CHECK(store->state().tag == batch[0].tag);
    CHECK(store->tagOf(seq) == batch[0].tag);
    CHECK_FALSE(store->tagOf(seq + 1));
    CHECK_FALSE(store->tagOf(0));
}

TEST_CASE_METHOD(StoreFixture,
                 "EmbeddedStore: links, folders and odd names come back byte for byte",
                 "[store]")
{
    const std::string child = "d/\xff\x01 '\"%";
    accepted(propose(proposal("d", 0, folderOf(01777))));
    accepted(propose(proposal(child, 0, linkOf("../x\xfe"))));
    accepted(write("d/empty", 0, ""));
    store->commit();
    open();

    CHECK(store->head(pathOf("d"))->entry == folderOf(01777));
    CHECK(store->head(pathOf(child))->entry == linkOf("../x\xfe"));
    CHECK(store->head(pathOf(child))->path.text() == child);
    CHECK(content(3).empty());
    CHECK_FALSE(store->recipe(1));
    CHECK_FALSE(store->recipe(99));
}

TEST_CASE_METHOD(StoreFixture, "EmbeddedStore: readers see nothing of an open batch", "[store]")
{
    const Seq first = accepted(write("a", 0, "one"));
    store->commit();
    const std::uint64_t tag = store->state().tag;

    const Seq second = accepted(write("a", first, "two"));
    accepted(write("b", 0, "three"));

    CHECK(store->head(pathOf("a"))->seq == first);
    CHECK_FALSE(store->head(pathOf("b")));
    CHECK(store->headsAfter(0, 10, false).size() == 1);
    CHECK_FALSE(store->recipe(second));
    CHECK_FALSE(store->tagOf(second));
    CHECK(store->state().head == first);
    CHECK(store->state().tag == tag);
}

TEST_CASE_METHOD(StoreFixture, "EmbeddedStore: rollback forgets the whole batch", "[store]")
{
    const Seq first = accepted(write("a", 0, "one"));
    store->commit();
    const std::uint64_t bytes = segmentBytes();
    const Seq second = accepted(write("a", first, "two"));
    accepted(write("b", 0, noise(9000, 3)));

    store->rollback();

    CHECK(segmentBytes() == bytes);
    CHECK(store->commit().empty());
    CHECK(store->head(pathOf("a"))->seq == first);
    CHECK(accepted(write("a", first, "zwei")) == second);
    store->commit();
    CHECK(content(second) == "zwei");
}

TEST_CASE_METHOD(StoreFixture,
                 "EmbeddedStore: heads come in order of seq, limited, with and without tombstones",
                 "[store]")
{
    const Seq a = accepted(write("a", 0, "1"));
    const Seq b = accepted(write("b", 0, "2"));
    const Seq gone = accepted(propose(proposal("a", a, Entry())));
    const Seq c = accepted(write("c", 0, "3"));
    store->commit();

    const auto seqs = [&](Seq after, std::size_t limit, bool liveOnly) {
        std::vector<Seq> result;
        for (const Revision& revision : store->headsAfter(after, limit, liveOnly))
        {
            result.push_back(revision.seq);
        }
        return result;
    };
    CHECK(seqs(0, 10, false) == std::vector<Seq>{b, gone, c});
    CHECK(seqs(0, 10, true) == std::vector<Seq>{b, c});
    CHECK(seqs(b, 1, false) == std::vector<Seq>{gone});
    CHECK(seqs(c, 10, false).empty());
    CHECK(seqs(~Seq{0}, 10, false).empty());
}

TEST_CASE_METHOD(StoreFixture,
                 "EmbeddedStore: a damaged frame is named with share and segment",
                 "[store]")
{
    const FrameId id = store->addFrame(frameOf(noise(500, 1)));
    store->commit();
    const auto file = disk.openWrite(pathOf("photos/segments/000001.seg"));
    SECTION("payload")
    {
        file->write(32 + 40 + 17, asBytes("x"));
    }
    SECTION("header")
    {
        file->write(32 + 5, asBytes("x"));
    }
    SECTION("cut")
    {
        file->truncate(32 + 40 + 400);
    }
    SECTION("missing")
    {
        disk.removeFile(pathOf("photos/segments/000001.seg"));
    }

    try
    {
        (void)store->readFrame(id);
        FAIL("the damage was not seen");
    }
    catch (const CorruptError& error)
    {
        const std::string text = error.what();
        CHECK(text.find("photos") != std::string::npos);
        CHECK(text.find("frame 1") != std::string::npos);
        CHECK(text.find("000001.seg") != std::string::npos);
    }
    open();
    CHECK_THROWS_AS(store->readFrame(id), CorruptError);
    CHECK_THROWS_AS(store->readFrame(99), CorruptError);
    CHECK(store->rawLength(99) == 0);
    const FrameId next = store->addFrame(frameOf("fine"));
    store->commit();
    CHECK(store->rawLength(next) == 4);
    CHECK(asText(unpackFrame(store->readFrame(next))) == "fine");
}

TEST_CASE_METHOD(StoreFixture, "EmbeddedStore: hostile frames are refused", "[store]")
{
    Frame frame = frameOf("hello");
    SECTION("empty")
    {
        frame.stored.clear();
    }
    SECTION("longer than raw")
    {
        frame.rawLength = 2;
    }
    SECTION("too long")
    {
        frame.rawLength = kFrameBytes + 1;
    }
    SECTION("encoding")
    {
        frame.encoding = static_cast<FrameEncoding>(9);
    }

    CHECK_THROWS_AS(store->addFrame(frame), ProtocolError);
    CHECK(store->commit().empty());
}
