#include "agent/sync/Downlink.h"

#include "agent/sync/ConflictName.h"
#include "agent/sync/DiskState.h"
#include "agent/sync/PrivateFolder.h"
#include "shared/base/Errors.h"
#include "shared/delta/Recipe.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tidewire {

namespace {

constexpr SteadyTime kDisplacedDelay = std::chrono::seconds(2);
constexpr SteadyTime kMinRetry = std::chrono::seconds(1);
constexpr SteadyTime kMaxRetry = std::chrono::minutes(5);
constexpr unsigned kMaxWrongContents = 3;
constexpr unsigned kPortion = 128; // decisions between looks at the messages that came
constexpr std::size_t kMaxHeldBytes = 4 << 20;
constexpr std::size_t kMessageBytes = 1 << 20; // that one message brings, about
constexpr std::uint64_t kMaxInlineBytes = 2 << 20;

RelativePath partialPath(Seq seq)
{
    return PrivateFolder::temporary(std::string(kPartialPrefix).append(std::to_string(seq)));
}

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

void removeIfThere(FileSystem& files, const RelativePath& path)
{
    try
    {
        files.removeFile(path);
    }
    catch (const StorageError&)
    {
        // What cannot be removed now is swept at the next start.
        return;
    }
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
                  onChunk(path, seq, std::move(chunk));
              },
              [this](const RelativePath& path, Seq seq) {
                  Item* item = _queue.find(path);
                  if (item != nullptr && item->revision.seq == seq)
                  {
                      dropDownload(path);
                      retryLater(*item, "the relay no longer has this version");
                  }
              }}),
    _queue(share)
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

void Downlink::forgetStore()
{
    _tasks.clear();
    _queue.clear();
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
    if (Item* known = _queue.find(fresh.revision.path); known != nullptr)
    {
        if (known->revision.seq >= fresh.revision.seq)
        {
            return;
        }
        if (known->state != RevisionQueue::State::Applying)
        {
            dropDownload(fresh.revision.path);
            _tasks.erase(fresh.revision.path);
            removePartial(known->revision);
        }
    }
    else if (_queue.hasUnloaded())
    {
        if (const auto older = _share.index.pending(_share.record.id, fresh.revision.path))
        {
            removePartial(older->revision);
        }
    }
    _queue.add(std::move(fresh));
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
        dropDownload(path);
        _queue.toDecide(*_queue.find(path));
    }
}

void Downlink::reconsider(const RelativePath& path)
{
    Item* item = _queue.find(path);
    if (item != nullptr && item->state == RevisionQueue::State::Waiting)
    {
        _queue.toDecide(*item);
    }
}

void Downlink::reconsiderAll()
{
    _queue.forEach([this](Item& item) {
        if (item.state == RevisionQueue::State::Waiting)
        {
            _queue.toDecide(item);
        }
    });
}

std::optional<Revision> Downlink::awaited(const RelativePath& path) const
{
    const Item* item = _queue.find(path);
    return item == nullptr ? std::nullopt : std::optional(item->revision);
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
        item.state = RevisionQueue::State::Waiting;
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
        item.state = RevisionQueue::State::Waiting;
        _queue.setContent(item, std::nullopt);
        _queue.detach(item);
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

void Downlink::makeReady(Item& item,
                         const std::optional<FileStat>& stat,
                         const std::optional<IndexEntry>& row)
{
    const RelativePath path = item.revision.path;
    const Entry& entry = item.revision.entry;
    const bool clean = stat && row && hasIdentity(*row, *stat, _share.options.modes.mask());
    ApplyTask task;
    task.seq = item.revision.seq;
    task.path = item.beside ? namer()(path, 0) : path;
    task.entry = entry;
    task.keepLocal = item.keepLocal;
    if (stat && !item.beside)
    {
        task.expectPresent = true;
        task.expectedKind = stat->kind;
        task.expected = LocalIdentity::of(*stat);
        if (item.keepLocal)
        {
            // Only what the relay has, too, may be let go.
            task.expectPresent = row && row->seq != 0;
            task.expected = row ? row->local : LocalIdentity();
        }
    }
    const bool sameLink = stat && stat->kind == FileKind::Symlink &&
                          entry.kind == EntryKind::Symlink &&
                          _share.files.readSymlink(path) == entry.target;
    const bool sameFile = clean && entry.kind == EntryKind::File && row->entry.sameContent(entry);
    task.metadataOnly = !item.beside && !item.keepLocal && (sameLink || sameFile);
    if (entry.kind == EntryKind::File && !task.metadataOnly && !findContent(item, task, row))
    {
        return;
    }
    item.state = RevisionQueue::State::Ready;
    _tasks.insert_or_assign(path, std::move(task));
}

/// The entry of the index when the disk still holds just that.
std::optional<IndexEntry> Downlink::unchangedEntry(std::optional<IndexEntry> row) const
{
    if (row && row->entry.kind == EntryKind::File && !_paths.isHeld(row->path))
    {
        const auto stat = _share.files.stat(row->path);
        if (stat && hasIdentity(*row, *stat, _share.options.modes.mask()))
        {
            return row;
        }
    }
    return std::nullopt;
}

/// Settles where the content comes from; false when it has to come from elsewhere first.
bool Downlink::findContent(Item& item, ApplyTask& task, const std::optional<IndexEntry>& row)
{
    if (item.downloaded)
    {
        task.source = ContentSource::Temporary;
        task.temporary = partialPath(item.revision.seq);
        task.signature = item.signature;
        return true;
    }
    if (item.revision.entry.size == 0)
    {
        task.source = ContentSource::Inline;
        return true;
    }
    if (!item.noTwin && useTwin(item, task))
    {
        return item.state == RevisionQueue::State::New;
    }
    if (item.content && useInline(item, task, row))
    {
        return item.state == RevisionQueue::State::New;
    }
    fetch(item, row);
    return false;
}

/// A local file with the same content: moved when it is to vanish anyway, else copied.
bool Downlink::useTwin(Item& item, ApplyTask& task)
{
    const Entry& entry = item.revision.entry;
    for (IndexEntry& row : _share.index.withContent(_share.record.id, entry.size, entry.hash, 8))
    {
        if (row.path == item.revision.path)
        {
            continue;
        }
        const auto twin = unchangedEntry(std::move(row));
        if (!twin)
        {
            continue;
        }
        task.sourcePath = twin->path;
        task.sourceIdentity = twin->local;
        const Item* other = _queue.find(twin->path);
        const bool vanishing = other != nullptr && twin->seq != 0 &&
                               other->revision.entry.kind == EntryKind::Tombstone &&
                               other->state != RevisionQueue::State::Applying;
        if (vanishing)
        {
            task.source = ContentSource::MoveOf;
        }
        else if (entry.size > RevisionQueue::kLargeBytes)
        {
            ContentChunk whole;
            whole.ops.push_back({OpKind::Copy, 0, 0, entry.size});
            startDownload(item, twin->path, twin->local, std::move(whole), 0);
        }
        else
        {
            task.source = ContentSource::CopyOf;
        }
        return true;
    }
    return false;
}

bool Downlink::useInline(Item& item, ApplyTask& task, const std::optional<IndexEntry>& row)
{
    const InlineContent& content = *item.content;
    const bool copies = std::any_of(content.ops.begin(), content.ops.end(), [](const Op& op) {
        return op.kind == OpKind::Copy;
    });
    std::optional<IndexEntry> base;
    if (copies)
    {
        base = unchangedEntry(row && row->seq == item.source
                                  ? row
                                  : _share.index.withSeq(_share.record.id, item.source));
        if (!base)
        {
            _queue.setContent(item, std::nullopt);
            return false;
        }
        task.sourcePath = base->path;
        task.sourceIdentity = base->local;
    }
    if (item.revision.entry.size > RevisionQueue::kLargeBytes)
    {
        ContentChunk chunk;
        chunk.ops = content.ops;
        for (Op& op : chunk.ops)
        {
            op.frame = op.kind == OpKind::Data ? kLiteralFrame : 0;
        }
        chunk.literal = content.bytes;
        startDownload(item, task.sourcePath, task.sourceIdentity, std::move(chunk), 0);
        return true;
    }
    task.source = ContentSource::Inline;
    task.ops = content.ops;
    task.bytes = content.bytes;
    return true;
}

void Downlink::fetch(Item& item, const std::optional<IndexEntry>& row)
{
    if (!_share.online)
    {
        _queue.delay(item);
        return;
    }
    const auto base = item.noBase || !row || row->seq == 0 ? std::nullopt : unchangedEntry(row);
    const Entry& entry = item.revision.entry;
    Fetcher::Wanted wanted;
    wanted.path = item.revision.path;
    wanted.seq = item.revision.seq;
    wanted.base = base ? base->seq : 0;
    wanted.size = entry.size;
    wanted.large = entry.size > RevisionQueue::kLargeBytes;
    item.source = wanted.base;
    _queue.setContent(item, std::nullopt);
    if (!wanted.large)
    {
        item.state = RevisionQueue::State::Fetching;
        _fetcher.want(std::move(wanted));
        return;
    }
    const auto partial = _share.files.stat(partialPath(item.revision.seq));
    if (partial && partial->kind == FileKind::File && partial->size <= entry.size)
    {
        wanted.offset = partial->size;
    }
    startDownload(item,
                  base ? base->path : RelativePath(),
                  base ? base->local : LocalIdentity(),
                  {},
                  wanted.offset);
    // What is whole has only to be verified.
    if (item.state == RevisionQueue::State::Fetching && wanted.offset < entry.size)
    {
        _fetcher.want(std::move(wanted));
    }
}

Placement::ConflictNamer Downlink::namer() const
{
    const std::int64_t now = _share.clock.wallSeconds();
    return [now, agent = _share.options.agent](const RelativePath& path, unsigned attempt) {
        return conflictName(path, now, agent, attempt);
    };
}

void Downlink::retryLater(Item& item, const std::string& problem)
{
    if (item.failures == 0 && !problem.empty())
    {
        _share.log.warning(_share.options.name + ": cannot apply " +
                           printable(item.revision.path.text()) + ": " + problem +
                           "; trying again");
    }
    _queue.setContent(item, std::nullopt);
    const unsigned doublings = std::min(item.failures, 16U);
    ++item.failures;
    _queue.postpone(item,
                    _share.clock.steady() +
                        std::min<SteadyTime>(kMinRetry * (1U << doublings), kMaxRetry));
}

/// What was downloaded of a revision that is no longer wanted, or is in its place.
void Downlink::removePartial(const Revision& revision)
{
    if (revision.entry.size > RevisionQueue::kLargeBytes)
    {
        removeIfThere(_share.files, partialPath(revision.seq));
    }
}

void Downlink::finish(const RelativePath& path)
{
    _tasks.erase(path);
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
    checkDisplaced(false);
    return portion == 0 || _queue.canLoad();
}

/// What waits for a download to end, as far as there is room now.
void Downlink::startDelayed()
{
    while (_share.online && _downloads.size() < kMaxDownloads)
    {
        Item* item = _queue.wakeFirstDelayed();
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
    if (!_displaced.empty())
    {
        due = std::min(due.value_or(_displacedDue), _displacedDue);
    }
    return due;
}

void Downlink::startApply()
{
    if (_applying || _tasks.empty())
    {
        return;
    }
    std::set<RelativePath> moving; // their deletions come with the task that moves them
    for (const auto& [path, task] : _tasks)
    {
        if (task.source == ContentSource::MoveOf)
        {
            moving.insert(task.sourcePath);
        }
    }
    std::vector<std::pair<Seq, RelativePath>> order;
    order.reserve(_tasks.size());
    for (const auto& [path, task] : _tasks)
    {
        if (!moving.contains(path))
        {
            order.emplace_back(task.seq, path);
        }
    }
    // Tombstones of a comparison share one seq: what lies deeper goes first then.
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : b.second.text() < a.second.text();
    });
    std::vector<ApplyTask> batch;
    std::vector<RelativePath> paths;
    std::size_t bytes = 0;
    for (const auto& [seq, path] : order)
    {
        Item* item = _queue.find(path);
        if (batch.size() == kMaxTasks || bytes >= kMaxTaskBytes)
        {
            break;
        }
        // A twin that is moved takes its own task with it.
        if (item != nullptr && item->state == RevisionQueue::State::Ready &&
            addToBatch(*item, batch, paths))
        {
            bytes += batch.back().bytes.size();
        }
    }
    if (batch.empty())
    {
        return;
    }
    _applying = true;
    _share.jobs.submit(std::make_unique<ApplyJob>(
        _share.files,
        _share.options.modes,
        namer(),
        std::move(batch),
        [this, paths](std::unique_ptr<ApplyJob> job) { onApplied(*job, paths); }));
}

bool Downlink::addToBatch(Item& item,
                          std::vector<ApplyTask>& batch,
                          std::vector<RelativePath>& held)
{
    const RelativePath path = item.revision.path;
    const auto task = _tasks.find(path);
    const bool moves = task->second.source == ContentSource::MoveOf;
    const RelativePath source = task->second.sourcePath;
    const auto row = _share.index.get(_share.record.id, path);
    const bool isOld = row && row->seq >= item.revision.seq;
    if (isOld)
    {
        _tasks.erase(task);
        _queue.toDecide(item);
        return false;
    }
    if (_paths.isHeld(path))
    {
        item.state = RevisionQueue::State::Waiting;
        _tasks.erase(task);
        return false;
    }
    if (moves && _paths.isHeld(source))
    {
        // It may be gone when it is free again: get the content another way.
        item.noTwin = true;
        _tasks.erase(task);
        _queue.toDecide(item);
        return false;
    }
    static_cast<void>(_paths.tryHold(path));
    if (moves)
    {
        static_cast<void>(_paths.tryHold(source));
        if (Item* other = _queue.find(source); other != nullptr)
        {
            other->state = RevisionQueue::State::Applying;
            _tasks.erase(source);
        }
    }
    item.state = RevisionQueue::State::Applying;
    batch.push_back(std::move(task->second));
    held.push_back(path);
    _tasks.erase(path);
    return true;
}

void Downlink::onApplied(ApplyJob& job, const std::vector<RelativePath>& paths)
{
    _applying = false;
    for (std::size_t i = 0; i < paths.size(); ++i)
    {
        ApplyTask& task = job.tasks[i];
        const RelativePath path = paths[i];
        if (task.source == ContentSource::MoveOf)
        {
            const bool changed = _paths.release(task.sourcePath);
            Item* other = _queue.find(task.sourcePath);
            const bool isMoved = other != nullptr && other->state == RevisionQueue::State::Applying;
            if (isMoved && task.outcome == ApplyOutcome::Done)
            {
                finish(task.sourcePath);
            }
            else if (isMoved)
            {
                _queue.toDecide(*other);
            }
            if (changed)
            {
                _host.lookAgain(task.sourcePath, HintScope::Entry, SteadyTime(0));
            }
        }
        if (_paths.release(path))
        {
            _host.lookAgain(path, HintScope::Entry, SteadyTime(0));
        }
        if (task.conflictCopy)
        {
            _share.log.warning(_share.options.name + ": " + printable(path.text()) +
                               " was changed here and elsewhere; what was here is kept as " +
                               printable(task.conflictCopy->text()));
            _host.lookAgain(*task.conflictCopy, HintScope::Entry, SteadyTime(0));
        }
        if (task.displaced)
        {
            _displaced.push_back(*task.displaced);
            _displacedDue = _share.clock.steady() + kDisplacedDelay;
        }
        Item* item = _queue.find(path);
        if (item == nullptr || item->state != RevisionQueue::State::Applying ||
            item->revision.seq != task.seq)
        {
            // The relay's store was replaced in between: the disk is looked at for what it is.
            _host.lookAgain(path, HintScope::Subtree, SteadyTime(0));
        }
        else if (task.outcome == ApplyOutcome::Done)
        {
            onTaskDone(*item, task);
        }
        else
        {
            onTaskFailed(*item, task);
        }
    }
}

void Downlink::onTaskDone(Item& item, ApplyTask& task)
{
    const ShareId share = _share.record.id;
    const RelativePath path = item.revision.path;
    Entry entry = task.entry;
    entry.mode &= _share.options.modes.mask();
    ++_applied;
    std::optional<IndexEntry> row;
    if (item.beside)
    {
        // The directory is what the relay has still to learn of, made on the revision that stood against it.
        row = IndexEntry{path, item.revision.seq, entry, {}};
        _share.index.put(share, *row);
        _host.lookAgain(path, HintScope::Subtree, SteadyTime(0));
        _host.lookAgain(task.path, HintScope::Entry, SteadyTime(0));
        _share.log.warning(_share.options.name + ": " + printable(path.text()) +
                           " is a folder here and a file elsewhere; the file is kept as " +
                           printable(task.path.text()));
    }
    else if (entry.kind == EntryKind::Tombstone)
    {
        _share.index.remove(share, path);
    }
    else
    {
        row = IndexEntry{path, item.revision.seq, entry, LocalIdentity::of(task.stat)};
        _share.index.put(share, *row);
        if (task.source == ContentSource::MoveOf)
        {
            _share.index.moveSignature(share, task.sourcePath, path);
        }
        else if (task.signature)
        {
            _share.index.putSignature(share, path, *task.signature);
        }
    }
    if (task.source == ContentSource::MoveOf)
    {
        _share.index.remove(share, task.sourcePath);
    }
    if (_share.log.debug())
    {
        _share.log.debug(_share.options.name + ": applied revision " +
                         std::to_string(item.revision.seq) + " of " + printable(path.text()));
    }
    // As for accepted proposals: a folder that was moved meanwhile took the entry along.
    if (path.text() == kIgnoreFile ||
        !isAsRecorded(_share.files, path, row, _share.options.modes.mask()))
    {
        _host.lookAgain(path, HintScope::Entry, SteadyTime(0));
    }
    finish(path);
}

void Downlink::onTaskFailed(Item& item, ApplyTask& task)
{
    // What came while this one was being applied takes its place.
    if (item.next)
    {
        finish(item.revision.path);
        return;
    }
    switch (task.outcome)
    {
    case ApplyOutcome::SourceChanged:
        item.noTwin = true;
        item.downloaded = false;
        _queue.setContent(item, std::nullopt);
        break;
    case ApplyOutcome::WrongContent:
        item.noTwin = true;
        item.noBase = true;
        _queue.setContent(item, std::nullopt);
        if (++item.failures >= kMaxWrongContents)
        {
            _share.log.error(_share.options.name + ": " + printable(item.revision.path.text()) +
                             ": " + task.error);
            retryLater(item, {});
            return;
        }
        break;
    case ApplyOutcome::NotEmpty:
        onNotEmpty(item);
        return;
    case ApplyOutcome::Failed:
        if (item.revision.entry.kind == EntryKind::Symlink &&
            (task.code == EPERM || task.code == EOPNOTSUPP))
        {
            // FAT and its like: the link lives on elsewhere.
            _share.log.warning(_share.options.name + ": " + printable(item.revision.path.text()) +
                               " is a symbolic link, which this filesystem cannot hold; left out");
            finish(item.revision.path);
            return;
        }
        // A parent that has still to come is no news.
        retryLater(item, task.code == ENOENT ? std::string() : task.error);
        return;
    case ApplyOutcome::LocalChanged:
        // A finished download went back to its place; anything else is made again.
        if (++item.failures > 3)
        {
            retryLater(item, {});
            return;
        }
        break;
    case ApplyOutcome::Done:
        break;
    }
    _queue.toDecide(item);
}

/// A directory that should go has entries: they go first, or there is something new inside.
void Downlink::onNotEmpty(Item& item)
{
    const RelativePath path = item.revision.path;
    if (_share.index.hasChildren(_share.record.id, path))
    {
        retryLater(item, {});
        return;
    }
    if (item.revision.entry.kind == EntryKind::Tombstone)
    {
        _share.index.remove(_share.record.id, path);
        finish(path);
        _host.lookAgain(path, HintScope::Subtree, SteadyTime(0));
        return;
    }
    item.beside = true;
    _queue.toDecide(item);
}

// --- large contents ------------------------------------------------------------------------------

void Downlink::startDownload(Item& item,
                             const RelativePath& base,
                             const LocalIdentity& identity,
                             ContentChunk first,
                             std::uint64_t resumeAt)
{
    const RelativePath path = item.revision.path;
    _queue.detach(item);
    // A job of an earlier attempt may still be writing to the same file.
    if (_downloads.size() >= kMaxDownloads || _downloads.contains(path) || _atWork.contains(path))
    {
        _queue.delay(item);
        return;
    }
    item.state = RevisionQueue::State::Fetching;
    DownloadRequest request;
    request.path = path;
    request.seq = item.revision.seq;
    request.entry = item.revision.entry;
    request.temporary = partialPath(item.revision.seq);
    request.resumeAt = resumeAt;
    request.basePath = base;
    request.baseIdentity = identity;
    if (resumeAt == 0 && _share.files.stat(request.temporary))
    {
        removeIfThere(_share.files, request.temporary);
    }
    auto job = std::make_unique<DownloadJob>(
        _share.files,
        _share.options.modes,
        std::move(request),
        [this](std::unique_ptr<DownloadJob> done) { onDownload(std::move(done)); });
    if (!first.ops.empty())
    {
        job->add(std::move(first));
    }
    _downloads.emplace(path, Download{item.revision.seq, nullptr, {}});
    _atWork.insert(path);
    _share.jobs.submit(std::move(job));
}

void Downlink::onChunk(const RelativePath& path, Seq seq, ContentChunk chunk)
{
    const auto found = _downloads.find(path);
    if (found == _downloads.end() || found->second.seq != seq)
    {
        _fetcher.grant(chunk.credit);
        return;
    }
    Download& download = found->second;
    if (!download.waiting)
    {
        download.chunks.push_back(std::move(chunk));
        return;
    }
    download.waiting->add(std::move(chunk));
    _atWork.insert(path);
    _share.jobs.submit(std::move(download.waiting));
}

void Downlink::onDownload(std::unique_ptr<DownloadJob> job)
{
    const RelativePath path = job->request().path;
    _fetcher.grant(std::exchange(job->digested, 0));
    _atWork.erase(path);
    const auto found = _downloads.find(path);
    Item* item = _queue.find(path);
    const bool wanted = found != _downloads.end() && found->second.seq == job->request().seq &&
                        item != nullptr && item->revision.seq == job->request().seq &&
                        item->state == RevisionQueue::State::Fetching;
    if (wanted && job->status == DownloadStatus::Hungry)
    {
        Download& download = found->second;
        for (ContentChunk& chunk : std::exchange(download.chunks, {}))
        {
            job->add(std::move(chunk));
        }
        if (job->hasChunks())
        {
            _atWork.insert(path);
            _share.jobs.submit(std::move(job));
        }
        else
        {
            download.waiting = std::move(job);
        }
        return;
    }
    _fetcher.grant(job->undigested());
    dropDownload(path);
    if (item == nullptr || item->revision.seq != job->request().seq)
    {
        removeIfThere(_share.files, job->request().temporary);
    }
    if (wanted && job->status == DownloadStatus::Finished)
    {
        item->downloaded = true;
        item->signature = std::move(job->signature);
        _queue.toDecide(*item);
    }
    else if (wanted)
    {
        onDownloadFailed(*item, *job);
    }
}

void Downlink::onDownloadFailed(Item& item, const DownloadJob& job)
{
    _fetcher.cancel(item.revision.path);
    _queue.setContent(item, std::nullopt);
    item.noTwin = true;
    if (job.status == DownloadStatus::WrongContent)
    {
        item.noBase = true;
        removeIfThere(_share.files, job.request().temporary);
        if (++item.failures >= kMaxWrongContents)
        {
            retryLater(item, job.error);
            return;
        }
    }
    else if (job.status == DownloadStatus::Failed)
    {
        retryLater(item, job.error);
        return;
    }
    _queue.toDecide(item);
}

/// Ends the making of a large content; what is on the disk of it stays for the next try.
void Downlink::dropDownload(const RelativePath& path)
{
    _fetcher.cancel(path);
    const auto found = _downloads.find(path);
    if (found != _downloads.end())
    {
        for (const ContentChunk& chunk : found->second.chunks)
        {
            _fetcher.grant(chunk.credit);
        }
        _downloads.erase(found);
    }
}

void Downlink::checkDisplaced(bool last)
{
    const SteadyTime now = _share.clock.steady();
    if (_displaced.empty() || (now < _displacedDue && !last))
    {
        return;
    }
    std::vector<Displaced> open;
    for (const Displaced& item : std::exchange(_displaced, {}))
    {
        try
        {
            if (!settleDisplaced(item, last))
            {
                open.push_back(item);
            }
        }
        catch (const StorageError& error)
        {
            _share.log.warning(_share.options.name + ": " + error.what() + "; trying again");
            open.push_back(item);
        }
    }
    _displaced = std::move(open);
    _displacedDue = now + kDisplacedDelay;
}

/// True when the file can be let go, or is kept as a conflict copy.
bool Downlink::settleDisplaced(const Displaced& item, bool last)
{
    bool isOpen = false;
    if (_share.files.stat(item.temporary))
    {
        try
        {
            // Before the stat: a write between the two shows in it.
            isOpen = _share.files.openRead(item.temporary)->isOpenForWriting();
        }
        catch (const StorageError& error)
        {
            if (error.code() != EACCES && error.code() != ENOENT)
            {
                throw;
            }
        }
    }
    const auto stat = _share.files.stat(item.temporary);
    if (!stat)
    {
        return true;
    }
    if (stat->size != item.identity.size || stat->mtime != item.identity.mtime)
    {
        Placement placement(_share.files, _share.options.modes, namer());
        if (const auto copy = placement.keepAsConflict(item.temporary, item.path))
        {
            _share.log.warning(_share.options.name + ": " + printable(item.path.text()) +
                               " was still written to after it was replaced; that is kept as " +
                               printable(copy->text()));
            _host.lookAgain(*copy, HintScope::Entry, SteadyTime(0));
        }
        return true;
    }
    if (isOpen || last)
    {
        return false;
    }
    removeIfThere(_share.files, item.temporary);
    return true;
}

} // namespace tidewire
