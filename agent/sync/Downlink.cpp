#include "agent/sync/Downlink.h"

#include "agent/sync/DiskState.h"
#include "agent/sync/PrivateFolder.h"
#include "shared/base/Errors.h"
#include "shared/delta/Recipe.h"

#include <algorithm>
#include <utility>

namespace tidewire {

namespace {

constexpr SteadyTime kMinRetry = std::chrono::seconds(1);
constexpr SteadyTime kMaxRetry = std::chrono::minutes(5);
constexpr unsigned kPortion = 128; // decisions between looks at the messages that came
constexpr std::size_t kMaxHeldBytes = 4 << 20;
constexpr std::size_t kMessageBytes = 1 << 20; // that one message brings, about
constexpr std::uint64_t kMaxInlineBytes = 2 << 20;

/// Bytes that operations take from frames: what they cost in memory.
std::uint64_t dataLength(const Delta& delta)
{
    std::uint64_t length = 0;
    for (const Op& op : delta)
    {
        length += op.kind == OpKind::Data ? op.length : 0;
    }
    return length;
}

} // namespace

Downlink::Downlink(ShareContext& share,
                   PathTable& paths,
                   ConnectionState& connection,
                   DownlinkHost& host):
    _share(share),
    _paths(paths),
    _host(host),
    _connection(connection),
    _fetcher(share,
             connection,
             {[this](const RelativePath& path, Seq seq, InlineContent content) {
                  Item* item = _queue.find(path);
                  if (item != nullptr && item->revision.seq == seq)
                  {
                      _queue.setContent(*item, std::move(content));
                      _queue.toDecide(*item);
                  }
              },
              [this](const RelativePath& path, Seq seq, ContentChunk chunk) {
                  _downloads.onChunk(path, seq, std::move(chunk));
              },
              [this](const RelativePath& path, Seq seq) {
                  Item* item = _queue.find(path);
                  if (item != nullptr && item->revision.seq == seq)
                  {
                      _downloads.drop(path);
                      giveUp(*item, "the relay no longer has this version");
                  }
              }}),
    _queue(share),
    _downloads(share,
               _fetcher,
               {[this](const RelativePath& path, Seq seq) {
                    const Item* item = _queue.find(path);
                    return item != nullptr && item->revision.seq == seq &&
                           item->state == RevisionQueue::State::Fetching;
                },
                [this](DownloadJob& job, bool wanted) {
                    onDownload(job, wanted);
                }}),
    _displaced(share,
               [this](const RelativePath& copy) {
                   _host.lookAgain(copy, HintScope::Entry, SteadyTime(0));
               }),
    _applyLog(share.index)
{
}

Downlink::~Downlink() = default;

void Downlink::onWelcome()
{
    _queue.wakeAllDelayed();
    if (_share.comparison)
    {
        _share.index.clearListed(_share.record.id);
    }
}

void Downlink::forgetReceived()
{
    _tasks.clear();
    _queue.clear();
    _applyLog.clear();
}

// --- what comes ----------------------------------------------------------------------------------

void Downlink::onRevisions(RevisionsMessage& message)
{
    _queue.beginMessage(message.cursor, message.tag);
    for (RevisionsMessage::Item& item : message.items)
    {
        accept(item);
    }
    _queue.endMessage();
    if (message.live)
    {
        if (_share.comparison)
        {
            finishComparison(message.cursor);
        }
        _host.onLive();
    }
}

void Downlink::accept(RevisionsMessage::Item& item)
{
    const Revision& revision = item.revision;
    const RelativePath& path = revision.path;
    if (path.isRoot() || path.isPrivate())
    {
        return;
    }
    if (_share.comparison)
    {
        _share.index.markListed(_share.record.id, path);
    }
    const bool isDirectory = revision.entry.kind == EntryKind::Directory;
    const auto row = _share.index.get(_share.record.id, path);
    if (_share.rules.isIgnored(path, isDirectory) || (row && row->seq >= revision.seq))
    {
        return;
    }
    if (revision.agent == _share.options.agent && _host.takeOwn(revision))
    {
        return;
    }
    Item fresh;
    fresh.revision = std::move(item.revision);
    // When much is waiting already, the content is fetched once its turn has come.
    if (item.hasDelta && _queue.heldBytes() < kMaxHeldBytes &&
        totalLength(item.delta) == fresh.revision.entry.size &&
        dataLength(item.delta) <= kMaxInlineBytes)
    {
        fresh.source = item.source;
        fresh.content.emplace();
        appendInline(*fresh.content, item.delta, _share.number, _connection.live, {});
    }
    if (Item* known = knownFor(fresh.revision); known != nullptr)
    {
        if (known->revision.seq >= fresh.revision.seq)
        {
            _queue.rejoin(*known);
            return;
        }
        if (RevisionQueue::isLarge(fresh.revision) && isBegun(known->revision, known))
        {
            _queue.follow(*known, std::move(fresh));
            return;
        }
        adopt(row, known->revision);
        if (known->state != RevisionQueue::State::Applying)
        {
            _downloads.drop(fresh.revision.path);
            _tasks.erase(fresh.revision.path);
            removePartial(known->revision);
        }
    }
    else if (_queue.hasUnloaded())
    {
        if (const auto older = _share.index.pending(_share.record.id, fresh.revision.path))
        {
            adopt(row, older->revision);
            removePartial(older->revision);
        }
    }
    _queue.add(std::move(fresh));
}

/// The item of the path. One that is in the index alone is loaded when its download has been begun.
Downlink::Item* Downlink::knownFor(const Revision& newer)
{
    Item* known = _queue.find(newer.path);
    if (known == nullptr && _queue.hasUnloaded() && RevisionQueue::isLarge(newer))
    {
        const auto older = _share.index.pending(_share.record.id, newer.path);
        known =
            older && isBegun(older->revision, nullptr) ? _queue.findOrLoad(newer.path) : nullptr;
    }
    return known;
}

/// A download that was begun is finished, and what it brings is applied, before a newer revision's begins: otherwise a file that
/// changes more often than its download takes would never arrive.
bool Downlink::isBegun(const Revision& revision, const Item* item)
{
    if (!RevisionQueue::isLarge(revision))
    {
        return false;
    }
    const bool isInHand =
        item != nullptr && (item->downloaded || item->state == RevisionQueue::State::Fetching);
    return isInHand || statIfPossible(_share.files, PrivateFolder::partial(revision.seq));
}

/// What is here was found to be the content of a revision that is about to be replaced: the newer one was made of it.
void Downlink::adopt(std::optional<IndexEntry> row, const Revision& older)
{
    if (row && row->seq == 0 && row->entry.sameContent(older.entry))
    {
        row->seq = older.seq;
        _share.index.put(_share.record.id, *row);
    }
}

bool Downlink::onContent(ContentMessage& message, std::uint32_t bodyBytes)
{
    return _fetcher.onContent(message, bodyBytes);
}

void Downlink::onJudged(const RelativePath& path, const Revision& head)
{
    const auto row = _share.index.get(_share.record.id, path);
    if (row && row->seq >= head.seq)
    {
        _host.lookAgain(path, HintScope::Entry, SteadyTime(0));
        return;
    }
    Item* item = _queue.find(path);
    if (item == nullptr)
    {
        Item fresh;
        fresh.revision = head;
        fresh.judged = true;
        _queue.add(std::move(fresh));
        item = _queue.find(path);
    }
    item->judged = true;
    _queue.detach(*item);
    reconsider(path);
}

void Downlink::onNews(const Revision& revision)
{
    Item* known = _queue.find(revision.path);
    if (known == nullptr)
    {
        Item fresh;
        fresh.revision = revision;
        _queue.add(std::move(fresh));
        known = _queue.find(revision.path);
    }
    if (known != nullptr)
    {
        _queue.detach(*known);
    }
}

void Downlink::onDisconnected()
{
    _queue.restart();
    _fetcher.onDisconnected();
    std::vector<RelativePath> lost;
    _queue.forEach([&](Item& item) {
        if (item.state == RevisionQueue::State::Fetching)
        {
            lost.push_back(item.revision.path);
        }
    });
    for (const RelativePath& path : lost)
    {
        _downloads.drop(path);
        _queue.toDecide(*_queue.find(path));
    }
}

void Downlink::reconsider(const RelativePath& path)
{
    if (Item* item = _queue.recall(path); item != nullptr)
    {
        _queue.toDecide(*item);
    }
}

void Downlink::reconsiderAll()
{
    _queue.recallAll();
}

std::optional<Revision> Downlink::awaited(const RelativePath& path) const
{
    if (const Item* item = _queue.find(path); item != nullptr)
    {
        return item->revision;
    }
    const auto pending =
        _queue.hasUnloaded() ? _share.index.pending(_share.record.id, path) : std::nullopt;
    return pending ? std::optional(pending->revision) : std::nullopt;
}

bool Downlink::isJudged(const RelativePath& path) const
{
    const Item* item = _queue.find(path);
    return item != nullptr && item->judged;
}

bool Downlink::isFull() const
{
    const std::size_t local = _queue.size() - std::min(_queue.size(), _fetcher.size());
    return (_applying || _queue.hasDecisions()) &&
           (_queue.heldBytes() >= kMaxHeldBytes - kMessageBytes ||
            local + kMaxBatch >= _share.options.maxRevisions);
}

bool Downlink::awaitsBelow(const RelativePath& folder) const
{
    return _queue.hasBelow(folder);
}

/// What the full list did not name: gone, when this store knew it; else it is ours to propose.
void Downlink::finishComparison(Seq head)
{
    RelativePath after;
    const ShareId share = _share.record.id;
    for (;;)
    {
        const auto page = _share.index.unlisted(share, after, 256);
        for (const IndexEntry& entry : page)
        {
            after = entry.path;
            if (entry.seq == 0 || _queue.find(entry.path) != nullptr)
            {
                continue;
            }
            Item item;
            item.revision.seq = std::max(head, entry.seq + 1);
            item.revision.path = entry.path;
            _queue.add(std::move(item));
            if (Item* made = _queue.find(entry.path); made != nullptr)
            {
                // The cursor goes past them now.
                _queue.detach(*made);
            }
        }
        if (page.size() < 256)
        {
            break;
        }
    }
    _share.index.clearListed(share);
    _share.record.incarnation = _share.comparison->incarnation;
    _share.record.cursor = _share.comparison->cursor;
    _share.record.tag = _share.comparison->tag;
    _share.comparison.reset();
    _share.index.putShare(_share.record);
    _host.lookAgain(RelativePath(), HintScope::Subtree, SteadyTime(0));
}

// --- decisions -----------------------------------------------------------------------------------

LocalView Downlink::localView(const Item& item,
                              const std::optional<FileStat>& stat,
                              const std::optional<IndexEntry>& row) const
{
    LocalView view;
    view.present = stat.has_value();
    view.kind = stat ? stat->kind : FileKind::Other;
    view.indexed = row && row->seq != 0;
    view.clean = stat && row && hasIdentity(*row, *stat, _share.options.modes.mask());
    view.equal = view.clean && row->entry.sameContent(item.revision.entry);
    if (stat && stat->kind == FileKind::Symlink && item.revision.entry.kind == EntryKind::Symlink)
    {
        view.equal = _share.files.readSymlink(item.revision.path) == item.revision.entry.target;
    }
    return view;
}

/// A path that the disk does not let us look at is another try later.
void Downlink::tryDecide(Item& item)
{
    const RelativePath path = item.revision.path;
    try
    {
        decide(item);
    }
    catch (const DatabaseError&)
    {
        throw;
    }
    catch (const StorageError& error)
    {
        if (Item* known = _queue.find(path); known != nullptr)
        {
            retryLater(*known, error.what());
        }
    }
}

void Downlink::decide(Item& item)
{
    const RelativePath path = item.revision.path;
    if (_share.rules.isIgnored(path, item.revision.entry.kind == EntryKind::Directory))
    {
        finish(path);
        return;
    }
    if (_paths.isHeld(path))
    {
        _queue.wait(item);
        return;
    }
    const auto stat = _share.files.stat(path);
    const auto row = _share.index.get(_share.record.id, path);
    if (row && row->seq >= item.revision.seq)
    {
        // Our own next revision was accepted while this one waited.
        finish(path);
        return;
    }
    const LocalView view = localView(item, stat, row);
    switch (reconcile(view, item.revision.entry.kind, item.judged || _share.onlyReceives()))
    {
    case Action::Drop:
        _share.index.remove(_share.record.id, path);
        finish(path);
        break;
    case Action::ProposeFirst:
        _queue.setContent(item, std::nullopt);
        _queue.wait(item);
        _host.lookAgain(path, HintScope::Entry, SteadyTime(0));
        break;
    case Action::KeepAsNew:
        _share.index.remove(_share.record.id, path);
        finish(path);
        _host.lookAgain(path, HintScope::Subtree, SteadyTime(0));
        break;
    case Action::Apply:
        makeReady(item, stat, row);
        break;
    case Action::ApplyKeepingLocal:
        item.keepLocal = true;
        makeReady(item, stat, row);
        break;
    case Action::DirectoryKeepsName:
        item.beside = true;
        makeReady(item, stat, row);
        break;
    }
}

void Downlink::retryLater(Item& item, const std::string& problem)
{
    if (item.failures == 0 && !problem.empty())
    {
        _share.log.warning(_share.options.name + ": cannot apply " +
                               printable(item.revision.path.text()) + ": " + problem +
                               "; trying again",
                           {.event = LogEvent::PathDelayed,
                            .path = item.revision.path.text(),
                            .seq = item.revision.seq});
    }
    _queue.setContent(item, std::nullopt);
    const unsigned doublings = std::min(item.failures, 16U);
    ++item.failures;
    _queue.postpone(item,
                    _share.clock.steady() +
                        std::min<SteadyTime>(kMinRetry * (1U << doublings), kMaxRetry));
}

/// What follows takes the item's place; when nothing does it is tried again.
void Downlink::giveUp(Item& item, const std::string& problem)
{
    if (item.next)
    {
        finish(RelativePath(item.revision.path));
    }
    else
    {
        retryLater(item, problem);
    }
}

/// What was downloaded of a revision that is no longer wanted, or is in its place.
void Downlink::removePartial(const Revision& revision)
{
    if (revision.entry.size > RevisionQueue::kLargeBytes)
    {
        removeIfThere(_share.files, PrivateFolder::partial(revision.seq));
    }
}

void Downlink::finish(const RelativePath& path)
{
    _tasks.erase(path);
    _applyLog.settle(path);
    removePartial(_queue.find(path)->revision);
    if (auto next = _queue.finish(path))
    {
        _queue.add(std::move(*next));
    }
}

// --- on to the disk ------------------------------------------------------------------------------

bool Downlink::pump()
{
    _queue.refill(_share.clock.steady());
    unsigned portion = kPortion;
    Item* item = nullptr;
    while (portion > 0 && (item = _queue.nextToDecide()) != nullptr)
    {
        --portion;
        tryDecide(*item);
    }
    startDelayed();
    if (_queue.heldBytes() < kMaxHeldBytes)
    {
        _fetcher.pump();
    }
    startApply();
    _displaced.check(false);
    return portion == 0 || _queue.canLoad();
}

void Downlink::onCommitted()
{
    if (_nextBatch)
    {
        _share.jobs.submit(std::move(_nextBatch));
    }
}

/// What waits for a download to end, as far as there is room now.
void Downlink::startDelayed()
{
    while (_share.online)
    {
        Item* item = _queue.wakeDelayed(
            [this](const Revision& revision) { return _downloads.hasRoom(revision.entry.size); });
        if (item == nullptr)
        {
            return;
        }
        const RelativePath path = item->revision.path;
        tryDecide(*item);
        item = _queue.find(path);
        if (item != nullptr && item->state == RevisionQueue::State::Delayed)
        {
            // A job of an earlier attempt has still to come back.
            return;
        }
    }
}

std::optional<SteadyTime> Downlink::nextDue() const
{
    std::optional<SteadyTime> due = _queue.nextDue();
    if (const auto displaced = _displaced.nextDue())
    {
        due = std::min(due.value_or(*displaced), *displaced);
    }
    return due;
}

} // namespace tidewire
