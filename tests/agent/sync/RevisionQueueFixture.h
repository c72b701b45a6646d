// A queue of revisions over an index in memory.

#pragma once

#include "agent/sync/RevisionQueue.h"
#include "tests/agent/sync/SyncFixture.h"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidewire {

class QueueFixture: public SyncFixture
{
protected:
    QueueFixture() { queue.refill(SteadyTime::zero()); }

    static RevisionQueue::Item itemFor(Seq seq, std::string_view path)
    {
        RevisionQueue::Item item;
        item.revision.seq = seq;
        item.revision.path = pathOf(path);
        item.revision.entry = fileEntry("content " + std::to_string(seq));
        item.revision.agent = "other";
        return item;
    }

    /// One REVISIONS message with these revisions, up to `cursor`.
    void message(Seq cursor, std::vector<std::pair<Seq, std::string>> revisions)
    {
        queue.beginMessage(cursor, cursor * 10);
        for (const auto& [seq, path] : revisions)
        {
            queue.add(itemFor(seq, path));
        }
        queue.endMessage();
    }

    RevisionQueue::Item& at(std::string_view path) { return *queue.find(pathOf(path)); }

    Seq cursor() { return index.share("photos").cursor; }

    std::vector<Seq> pendingSeqs()
    {
        std::vector<Seq> result;
        for (const auto& pending : index.pendingAfter(share.record.id, {}, 100000))
        {
            result.push_back(pending.revision.seq);
        }
        return result;
    }

    /// Takes up all there is to decide on and finishes it; gives the sequence numbers.
    std::vector<Seq> finishAll(RevisionQueue& from)
    {
        std::vector<Seq> result;
        for (;;)
        {
            from.refill(clock.steady());
            RevisionQueue::Item* item = from.nextToDecide();
            if (item == nullptr)
            {
                return result;
            }
            result.push_back(item->revision.seq);
            from.finish(RelativePath(item->revision.path));
        }
    }

    RevisionQueue queue{share};
};

} // namespace tidewire
