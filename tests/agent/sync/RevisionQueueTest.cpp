// RevisionQueue: the cursor, replacement, what stands in the index, and retries.

#include "tests/agent/sync/RevisionQueueFixture.h"

using namespace tidewire;
using namespace std::chrono_literals;

using State = RevisionQueue::State;

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: items come up in the order of the journal",
                 "[revisionqueue]")
{
    message(9, {{7, "c"}, {8, "a"}, {9, "b"}, {3, "parent"}});

    CHECK(finishAll(queue) == std::vector<Seq>{3, 7, 8, 9});
    CHECK(queue.isEmpty());
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: the cursor moves once every revision of a message is finished",
                 "[revisionqueue]")
{
    message(2, {{1, "a"}, {2, "b"}});
    CHECK(cursor() == 0);
    queue.finish(pathOf("b"));
    CHECK(cursor() == 0);
    queue.finish(pathOf("a"));

    CHECK(cursor() == 2);
    CHECK(index.share("photos").tag == 20);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: the cursor waits for earlier messages",
                 "[revisionqueue]")
{
    message(1, {{1, "a"}});
    message(2, {{2, "b"}});
    message(5, {});
    queue.finish(pathOf("b"));
    CHECK(cursor() == 0);

    queue.finish(pathOf("a"));
    CHECK(cursor() == 5);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: a message without revisions moves the cursor",
                 "[revisionqueue]")
{
    message(4, {});
    CHECK(cursor() == 4);
    message(3, {});
    CHECK(cursor() == 4);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: what stands in the index holds nothing up",
                 "[revisionqueue]")
{
    message(2, {{1, "a"}, {2, "b"}});
    queue.detach(at("a"));
    CHECK(pendingSeqs() == std::vector<Seq>{1});
    CHECK(cursor() == 0);
    queue.detach(at("a"));
    queue.finish(pathOf("b"));
    CHECK(cursor() == 2);

    queue.finish(pathOf("a"));
    CHECK(pendingSeqs().empty());
    CHECK(queue.isEmpty());
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: a newer revision takes the place of an older one",
                 "[revisionqueue]")
{
    message(1, {{1, "a"}});
    message(2, {{2, "a"}});

    CHECK(queue.size() == 1);
    CHECK(at("a").revision.seq == 2);
    CHECK(cursor() == 1);
    CHECK(finishAll(queue) == std::vector<Seq>{2});
    CHECK(cursor() == 2);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: an older or equal revision is not taken",
                 "[revisionqueue]")
{
    message(5, {{5, "a"}});
    queue.beginMessage(6, 60);
    CHECK_FALSE(queue.add(itemFor(5, "a")));
    CHECK_FALSE(queue.add(itemFor(4, "a")));
    queue.endMessage();
    CHECK(at("a").revision.seq == 5);
    queue.finish(pathOf("a"));
    CHECK(cursor() == 6);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: the same path twice in one message counts for the newer one",
                 "[revisionqueue]")
{
    message(2, {{1, "a"}, {2, "a"}});

    CHECK(cursor() == 0);
    CHECK(finishAll(queue) == std::vector<Seq>{2});
    CHECK(cursor() == 2);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: a pending revision that was replaced does not come back",
                 "[revisionqueue]")
{
    message(1, {{1, "a"}});
    queue.detach(at("a"));
    message(2, {{2, "a"}});
    CHECK(pendingSeqs().empty());
    CHECK(cursor() == 1);
    queue.finish(pathOf("a"));
    CHECK(cursor() == 2);

    RevisionQueue restarted(share);
    CHECK(finishAll(restarted).empty());
    CHECK(restarted.isEmpty());
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: pending revisions are there again after a restart",
                 "[revisionqueue]")
{
    message(3, {{1, "a"}, {2, "b"}, {3, "c"}});
    queue.detach(at("a"));
    queue.detach(at("c"));
    queue.finish(pathOf("b"));

    RevisionQueue restarted(share);
    CHECK_FALSE(restarted.isEmpty());
    CHECK(finishAll(restarted) == std::vector<Seq>{1, 3});
    CHECK(pendingSeqs().empty());
    CHECK(restarted.isEmpty());
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: a pending one of before a restart gives way to a newer one",
                 "[revisionqueue]")
{
    message(1, {{1, "a"}});
    queue.detach(at("a"));
    RevisionQueue restarted(share);

    restarted.beginMessage(2, 20);
    restarted.add(itemFor(2, "a"));
    restarted.endMessage();

    CHECK(finishAll(restarted) == std::vector<Seq>{2});
    CHECK(pendingSeqs().empty());
    CHECK(cursor() == 2);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: what is put off comes up when its time has come",
                 "[revisionqueue]")
{
    message(2, {{1, "a"}, {2, "b"}});
    CHECK(queue.nextToDecide()->revision.seq == 1);
    queue.postpone(at("a"), 5s);
    CHECK(queue.nextDue() == SteadyTime(5s));
    CHECK(pendingSeqs() == std::vector<Seq>{1});
    CHECK(queue.nextToDecide()->revision.seq == 2);

    queue.refill(5s - 1ns);
    CHECK(queue.nextToDecide() == nullptr);
    queue.refill(5s);
    REQUIRE(queue.nextToDecide() == &at("a"));
    CHECK_FALSE(queue.nextDue());
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: the last time counts when something is put off again",
                 "[revisionqueue]")
{
    message(1, {{1, "a"}});
    queue.postpone(at("a"), 5s);
    queue.postpone(at("a"), 9s);
    queue.refill(5s);

    CHECK(queue.nextToDecide() == nullptr);
    CHECK(queue.nextDue() == SteadyTime(9s));
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: what was put off may be decided on, replaced or finished",
                 "[revisionqueue]")
{
    message(1, {{1, "a"}});
    queue.postpone(at("a"), 5s);
    SECTION("decided on")
    {
        queue.toDecide(at("a"));
        CHECK(queue.nextToDecide() == &at("a"));
    }
    SECTION("replaced")
    {
        message(2, {{2, "a"}});
        CHECK(queue.nextToDecide()->revision.seq == 2);
    }
    SECTION("finished")
    {
        queue.finish(pathOf("a"));
        queue.refill(9s);
        CHECK(queue.nextToDecide() == nullptr);
    }
    CHECK_FALSE(queue.nextDue());
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: an item that is not new is not decided on",
                 "[revisionqueue]")
{
    message(2, {{1, "a"}, {2, "b"}});
    at("a").state = State::Applying;

    CHECK(queue.nextToDecide()->revision.seq == 2);
    CHECK(queue.nextToDecide() == nullptr);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: what came meanwhile is handed over at the end",
                 "[revisionqueue]")
{
    message(1, {{1, "a"}});
    at("a").state = State::Applying;
    message(2, {{2, "a"}});
    message(3, {{3, "a"}, {2, "a"}});
    CHECK(at("a").revision.seq == 1);

    auto next = queue.finish(pathOf("a"));

    REQUIRE(next);
    CHECK(next->revision.seq == 3);
    CHECK(cursor() == 2);
    CHECK(queue.add(std::move(*next)));
    CHECK(cursor() == 2);
    CHECK(finishAll(queue) == std::vector<Seq>{3});
    CHECK(cursor() == 3);
}

TEST_CASE_METHOD(
    QueueFixture,
    "RevisionQueue: the cursor is not past what waits behind one that is being applied",
    "[revisionqueue]")
{
    message(1, {{1, "a"}});
    at("a").state = State::Applying;
    queue.detach(at("a"));
    CHECK(cursor() == 1);

    message(2, {{2, "a"}});

    CHECK(cursor() == 1);
    RevisionQueue restarted(share);
    CHECK(finishAll(restarted) == std::vector<Seq>{1});
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: it knows of live entries below a folder",
                 "[revisionqueue]")
{
    message(1, {{1, "a/b/c"}});
    CHECK(queue.hasBelow(pathOf("a")));
    CHECK(queue.hasBelow(pathOf("a/b")));
    CHECK_FALSE(queue.hasBelow(pathOf("a/b/c")));
    CHECK_FALSE(queue.hasBelow(pathOf("a/bb")));

    at("a/b/c").revision.entry = Entry();
    CHECK_FALSE(queue.hasBelow(pathOf("a")));
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: during a comparison the record keeps its cursor",
                 "[revisionqueue]")
{
    message(5, {});
    share.comparison = ShareContext::Comparison{};

    message(9, {{9, "a"}});
    CHECK(share.comparison->cursor == 0);
    queue.finish(pathOf("a"));

    CHECK(share.comparison->cursor == 9);
    CHECK(share.comparison->tag == 90);
    CHECK(share.record.cursor == 5);
    CHECK(cursor() == 5);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: what waits for the local side leaves room for others",
                 "[revisionqueue]")
{
    constexpr Seq kCount = ShareOptions::kMaxRevisions;
    const auto parkNew = [this] {
        while (RevisionQueue::Item* item = queue.nextToDecide())
        {
            queue.wait(*item);
        }
    };
    for (Seq seq = 1; seq <= kCount; ++seq)
    {
        queue.add(itemFor(seq, "f" + std::to_string(seq)));
    }
    queue.add(itemFor(kCount + 1, "beyond"));
    do
    {
        parkNew();
        queue.refill(0s);
    } while (queue.canLoad());
    parkNew();
    queue.refill(0s);
    CHECK(queue.size() <= kCount / 8);
    CHECK_FALSE(queue.isEmpty());
    CHECK(pendingSeqs().size() == kCount + 1);

    const std::string last = "f" + std::to_string(kCount);
    CHECK(queue.find(pathOf(last)) == nullptr);
    RevisionQueue::Item* again = queue.recall(pathOf(last));
    REQUIRE(again != nullptr);
    CHECK(again->revision.seq == kCount);
    queue.toDecide(*again);
    queue.finish(pathOf(last));
    CHECK(queue.recall(pathOf(last)) == nullptr);
    CHECK(queue.recall(pathOf("none")) == nullptr);

    queue.recallAll();
    CHECK(finishAll(queue).size() == kCount);
    CHECK(queue.isEmpty());
    CHECK(pendingSeqs().empty());
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: what the relay has judged waits in memory",
                 "[revisionqueue]")
{
    constexpr Seq kCount = ShareOptions::kMaxRevisions;
    for (Seq seq = 1; seq <= kCount; ++seq)
    {
        queue.add(itemFor(seq, "f" + std::to_string(seq)));
    }
    const std::string last = "f" + std::to_string(kCount);
    at(last).judged = true;
    while (RevisionQueue::Item* item = queue.nextToDecide())
    {
        queue.wait(*item);
    }
    queue.refill(0s);

    CHECK(queue.size() <= kCount / 8);
    REQUIRE(queue.find(pathOf(last)) != nullptr);
    CHECK(queue.find(pathOf(last))->judged);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: what failed in a folder comes up with the folder",
                 "[revisionqueue]")
{
    message(6, {{1, "d/a"}, {2, "d/z"}, {3, "d/e/f"}, {4, "dd"}, {5, "c/a"}, {6, "d"}});
    at("d").revision.entry.kind = EntryKind::Directory;
    for (const char* path : {"d/a", "d/z", "d/e/f", "dd", "c/a"})
    {
        queue.postpone(at(path), 5min);
    }
    CHECK(queue.nextToDecide() == &at("d"));
    queue.finish(pathOf("d"));

    CHECK(queue.nextToDecide() == &at("d/a"));
    CHECK(queue.nextToDecide() == &at("d/z"));
    CHECK(queue.nextToDecide() == nullptr);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: what failed in a folder and waits in the index comes up with it",
                 "[revisionqueue]")
{
    constexpr Seq kCount = ShareOptions::kMaxRevisions;
    queue.add(itemFor(1, "d"));
    at("d").revision.entry.kind = EntryKind::Directory;
    for (Seq seq = 2; seq <= kCount; ++seq)
    {
        queue.add(itemFor(seq, "d/f" + std::to_string(seq)));
        queue.postpone(at("d/f" + std::to_string(seq)), 5min);
    }
    queue.refill(0s);
    REQUIRE(queue.size() < kCount / 4);

    queue.finish(pathOf("d"));

    CHECK(finishAll(queue).size() == kCount - 1);
    CHECK(queue.isEmpty());
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: what is on its way to the disk is neither put off nor waits",
                 "[revisionqueue]")
{
    message(2, {{1, "a"}, {2, "b"}});
    queue.postpone(at("a"), 5s);
    queue.wait(at("b"));
    queue.apply(at("a"));
    queue.apply(at("b"));
    CHECK_FALSE(queue.nextDue());
    CHECK(queue.recall(pathOf("b")) == nullptr);

    queue.finish(pathOf("a"));
    queue.finish(pathOf("b"));
    queue.refill(9s);
    queue.recallAll();
    CHECK(queue.nextToDecide() == nullptr);
    CHECK(queue.isEmpty());
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: what follows a download stands in the index until that is done",
                 "[revisionqueue]")
{
    const auto large = [](Seq seq) {
        RevisionQueue::Item item = itemFor(seq, "a");
        item.revision.entry.size = RevisionQueue::kLargeBytes + 1;
        return item;
    };
    queue.beginMessage(1, 10);
    queue.add(large(1));
    queue.endMessage();
    for (const Seq seq : {Seq{2}, Seq{4}, Seq{3}})
    {
        queue.beginMessage(4, 40);
        queue.follow(at("a"), large(seq));
        queue.endMessage();
    }
    CHECK(cursor() == 4);
    CHECK(at("a").revision.seq == 1);

    const bool restarts = GENERATE(false, true);
    CAPTURE(restarts);
    RevisionQueue restarted(share);
    RevisionQueue& used = restarts ? restarted : queue;
    used.refill(0s);
    REQUIRE(used.nextToDecide()->revision.seq == 1);
    auto next = used.finish(pathOf("a"));
    REQUIRE(next);
    CHECK(next->revision.seq == 4);
    CHECK(pendingSeqs() == std::vector<Seq>{4});
    used.add(std::move(*next));
    CHECK(pendingSeqs() == std::vector<Seq>{4});
    CHECK(finishAll(used) == std::vector<Seq>{4});
    CHECK(pendingSeqs().empty());
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: what replaces a download replaces what follows it, too",
                 "[revisionqueue]")
{
    RevisionQueue::Item first = itemFor(1, "a");
    first.revision.entry.size = RevisionQueue::kLargeBytes + 1;
    queue.add(std::move(first));
    queue.follow(at("a"), itemFor(2, "a"));
    queue.add(itemFor(3, "a"));
    CHECK(finishAll(queue) == std::vector<Seq>{3});

    RevisionQueue restarted(share);
    CHECK(finishAll(restarted).empty());
    CHECK(restarted.isEmpty());
}
