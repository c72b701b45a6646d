// RevisionQueue: more revisions than it has room for go to the index and come back.

#include "tests/agent/sync/RevisionQueueFixture.h"

#include <algorithm>

using namespace tidewire;
using namespace std::chrono_literals;

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: beyond its room revisions go to the index and come back",
                 "[revisionqueue]")
{
    constexpr Seq kCount = ShareOptions::kMaxRevisions + 700;
    queue.beginMessage(kCount, 1);
    for (Seq seq = 1; seq <= kCount; ++seq)
    {
        queue.add(itemFor(seq, "f" + std::to_string(seq)));
    }
    queue.endMessage();
    CHECK(queue.size() == ShareOptions::kMaxRevisions);
    CHECK(pendingSeqs().size() == 700);
    CHECK(cursor() == 0);

    const auto order = finishAll(queue);

    CHECK(order.size() == kCount);
    CHECK(std::is_sorted(order.begin(), order.end()));
    CHECK(pendingSeqs().empty());
    CHECK(queue.isEmpty());
    CHECK(cursor() == kCount);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: spilled revisions of one number all come back (a comparison's)",
                 "[revisionqueue]")
{
    constexpr std::size_t kCount = ShareOptions::kMaxRevisions + 1000;
    for (std::size_t i = 0; i < kCount; ++i)
    {
        RevisionQueue::Item item = itemFor(77, "f" + std::to_string(i));
        item.revision.entry = Entry();
        queue.add(std::move(item));
    }

    CHECK(finishAll(queue).size() == kCount);
    CHECK(pendingSeqs().empty());
    CHECK(queue.isEmpty());
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: a folder that is told of late is loaded as well",
                 "[revisionqueue]")
{
    for (Seq seq = 100; seq < 100 + ShareOptions::kMaxRevisions + 900; ++seq)
    {
        queue.add(itemFor(seq, "f" + std::to_string(seq)));
    }
    // Some are finished, others loaded, and it is full again.
    std::size_t finished = 0;
    while (queue.size() >= ShareOptions::kMaxRevisions / 2)
    {
        queue.finish(RelativePath(queue.nextToDecide()->revision.path));
        ++finished;
    }
    queue.refill(0s);
    for (Seq seq = 10000; queue.size() < ShareOptions::kMaxRevisions; ++seq)
    {
        queue.add(itemFor(seq, "g" + std::to_string(seq)));
        ++finished;
    }

    queue.add(itemFor(3, "folder"));

    const auto rest = finishAll(queue);
    CHECK(std::count(rest.begin(), rest.end(), 3) == 1);
    CHECK(pendingSeqs().empty());
    CHECK(queue.isEmpty());
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: a newer revision replaces a spilled one in the index",
                 "[revisionqueue]")
{
    for (Seq seq = 1; seq <= ShareOptions::kMaxRevisions + 1; ++seq)
    {
        queue.add(itemFor(seq, "f" + std::to_string(seq)));
    }
    const Seq spilled = ShareOptions::kMaxRevisions + 1;

    queue.add(itemFor(9999, "f" + std::to_string(spilled)));

    CHECK(pendingSeqs() == std::vector<Seq>{9999});
    const auto order = finishAll(queue);
    CHECK(order.back() == 9999);
    CHECK(std::count(order.begin(), order.end(), spilled) == 0);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: what keeps failing leaves room for the folder that it needs",
                 "[revisionqueue]")
{
    constexpr Seq kCount = ShareOptions::kMaxRevisions;
    for (Seq seq = 1; seq <= kCount; ++seq)
    {
        queue.add(itemFor(seq + 1, "folder/f" + std::to_string(seq)));
    }
    queue.add(itemFor(1, "folder"));
    while (RevisionQueue::Item* item = queue.nextToDecide())
    {
        queue.postpone(*item, 5s);
    }

    queue.refill(0s);
    while (queue.canLoad())
    {
        queue.refill(0s);
    }

    const RevisionQueue::Item* folder = queue.nextToDecide();
    REQUIRE(folder != nullptr);
    CHECK(folder->revision.seq == 1);
    queue.finish(pathOf("folder"));
    REQUIRE(queue.nextDue() == SteadyTime(5s));
    clock.advance(5s);
    CHECK(finishAll(queue).size() == kCount);
    CHECK(queue.isEmpty());
    CHECK(pendingSeqs().empty());
}

TEST_CASE_METHOD(
    QueueFixture,
    "RevisionQueue: while the index holds some, only what has its folder goes past them",
    "[revisionqueue]")
{
    for (Seq seq = 1; seq <= ShareOptions::kMaxRevisions + 1; ++seq)
    {
        queue.add(itemFor(seq, "f" + std::to_string(seq)));
    }
    queue.finish(pathOf("f1"));

    queue.add(itemFor(9001, "folder/early"));
    CHECK(queue.find(pathOf("folder/early")) == nullptr);
    RevisionQueue::Item gone = itemFor(9002, "gone");
    gone.revision.entry = Entry();
    queue.add(std::move(gone));
    CHECK(queue.find(pathOf("gone")) == nullptr);
    queue.add(itemFor(9003, "live"));
    CHECK(queue.find(pathOf("live")) != nullptr);
}

TEST_CASE_METHOD(QueueFixture,
                 "RevisionQueue: large contents that wait leave room for small ones behind them",
                 "[revisionqueue]")
{
    constexpr Seq kLarge = ShareOptions::kMaxRevisions;
    const auto large = [](Seq seq) {
        RevisionQueue::Item item = itemFor(seq, "large" + std::to_string(seq));
        item.revision.entry.size = RevisionQueue::kLargeBytes + 1;
        return item;
    };
    for (Seq seq = 1; seq <= kLarge; ++seq)
    {
        queue.add(large(seq));
        while (RevisionQueue::Item* item = queue.nextToDecide())
        {
            queue.delay(*item);
        }
    }
    queue.add(itemFor(9000, "small"));
    CHECK(queue.size() < ShareOptions::kMaxRevisions / 2);

    std::vector<Seq> order;
    for (;;)
    {
        queue.refill(0s);
        RevisionQueue::Item* item = queue.nextToDecide();
        if (item == nullptr && queue.canLoad())
        {
            continue;
        }
        item = item == nullptr ? queue.wakeDelayed([](const Revision&) { return true; }) : item;
        if (item == nullptr)
        {
            break;
        }
        order.push_back(item->revision.seq);
        queue.finish(RelativePath(item->revision.path));
    }

    CHECK(order.front() == 9000);
    CHECK(order.size() == kLarge + 1);
    CHECK(queue.isEmpty());
    CHECK(pendingSeqs().empty());
}
