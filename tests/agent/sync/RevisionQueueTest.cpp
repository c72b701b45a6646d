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
