#include "agent/sync/Uplink.h"

#include "agent/sync/DiskState.h"
#include "shared/base/Errors.h"
#include "shared/delta/Recipe.h"

#include <algorithm>
#include <utility>

namespace tidewire {

namespace {

constexpr SteadyTime kRetryDelay = std::chrono::seconds(1);
constexpr SteadyTime kClosingDelay = std::chrono::milliseconds(10);
constexpr std::size_t kMaxReading = 1024;

Delta wholeCopy(std::uint64_t size)
{
    Delta delta;
    if (size > 0)
    {
        delta.push_back({OpKind::Copy, 0, 0, size});
    }
    return delta;
}

} // namespace

Uplink::Uplink(ShareContext& share, PathTable& paths, ProposalLog& log, UplinkHost& host):
    _share(share),
    _paths(paths),
    _log(log),
    _host(host),
    _batcher(share),
    _reads(
        share,
        {[this](std::unique_ptr<ReadJob> job, ReadPlan plan) { onContent(std::move(job), plan); },
         [this](const ReadJob& job) { onReadFailed(job); },
         [this](const RelativePath& path, SteadyTime delay) {
             _host.lookAgain(path, HintScope::Entry, delay);
             putDown(path);
         },
         [this](const RelativePath& path) { forgetFlight(path); },
         [this](const RelativePath& path, std::uint64_t size) {
             const auto awaited = _host.awaited(path);
             return awaited && awaited->entry.size == size;
         }}),
    _walk(
        share,
        [this](const IndexEntry& entry) { return deleteEntry(entry); },
        [this](const RelativePath& path) { cleared(path); },
        [this](const RelativePath& path) { _host.lookAgain(path, HintScope::Entry, kRetryDelay); })
{
}

Uplink::~Uplink() = default;

bool Uplink::hasRoom() const
{
    return _flights.size() < kMaxFlights && _flightBytes < kMaxFlightBytes && _reads.hasRoom() &&
           _batcher.hasRoom();
}

bool Uplink::isIdle() const
{
    return _flights.empty() && _reads.isIdle() && _walk.isIdle();
}

bool Uplink::isReading(std::uint64_t size) const
{
    return std::any_of(
        _unknown.begin(), _unknown.end(), [&](const auto& file) { return file.second == size; });
}

ProposalBatcher::Sent Uplink::takeSent()
{
    ProposalBatcher::Sent sent = _batcher.takeSent();
    const FileReads::Sent uploads = _reads.takeSent();
    sent.proposals += uploads.files;
    sent.bytes += uploads.bytes;
    return sent;
}

bool Uplink::hold(const RelativePath& path)
{
    if (!_paths.tryHold(path))
    {
        return false;
    }
    _held.insert(path);
    return true;
}

void Uplink::release(const RelativePath& path)
{
    putDown(path);
    _host.released(path);
}

/// Lets go of a path about which nothing was settled: whoever waits for that goes on waiting, or both would go round in
/// circles.
void Uplink::putDown(const RelativePath& path)
{
    _held.erase(path);
    _unknown.erase(path);
    if (_paths.release(path))
    {
        _host.lookAgain(path, HintScope::Entry, SteadyTime(0));
    }
}

void Uplink::tryAgainLater(const RelativePath& path, HintScope scope)
{
    _host.lookAgain(path, scope, kRetryDelay);
    putDown(path);
}

void Uplink::changed(const RelativePath& path, const FileStat& stat, bool forced)
{
    if (!hold(path))
    {
        return;
    }
    const auto row = _share.index.get(_share.record.id, path);
    Entry entry;
    entry.mode = stat.mode & _share.options.modes.mask();
    switch (stat.kind)
    {
    case FileKind::File:
        fileChanged(path, row, stat, forced);
        return;
    case FileKind::Directory:
        entry.kind = EntryKind::Directory;
        break;
    case FileKind::Symlink:
        entry.kind = EntryKind::Symlink;
        entry.mode = 0;
        entry.mtime = stat.mtime;
        try
        {
            entry.target = _share.files.readSymlink(path);
        }
        catch (const StorageError& error)
        {
            _host.unreadable(path, error);
            putDown(path);
            return;
        }
        break;
    case FileKind::Other:
        release(path);
        return;
    }
    if (onlyIdentityChanged(row, entry, stat))
    {
        release(path);
        return;
    }
    Flight flight;
    flight.path = path;
    flight.entry = std::move(entry);
    flight.local = LocalIdentity::of(stat);
    flight.base = row ? row->seq : 0;
    if (wasApplied(row, flight))
    {
        release(path);
        return;
    }
    propose(std::move(flight), 0, {}, {});
}

/// What is here is not news: this agent put it there, and ended before the index knew.
bool Uplink::wasApplied(const std::optional<IndexEntry>& row, const Flight& flight)
{
    const auto seq = _host.takeApplied(flight.path, flight.entry);
    if (!seq || (row && row->seq >= *seq))
    {
        return false;
    }
    accepted(flight, *seq);
    return true;
}

/// Takes a new identity over when nothing else is new.
bool Uplink::onlyIdentityChanged(const std::optional<IndexEntry>& row,
                                 const Entry& entry,
                                 const FileStat& stat)
{
    if (!row || row->seq == 0 || row->entry != entry)
    {
        return false;
    }
    IndexEntry fresh = *row;
    fresh.local = LocalIdentity::of(stat);
    // A ctime alone (chown, another link) says nothing of the data.
    LocalIdentity recorded = row->local;
    recorded.ctime = fresh.local.ctime;
    if (fresh.local != recorded && fresh.entry.kind != EntryKind::Directory)
    {
        _share.noteUnsynced(fresh.seq);
    }
    _share.index.put(_share.record.id, fresh);
    return true;
}

void Uplink::fileChanged(const RelativePath& path,
                         const std::optional<IndexEntry>& row,
                         const FileStat& stat,
                         bool forced)
{
    if ((!row || row->seq == 0 || row->entry.kind != EntryKind::File) && knownByInode(path, stat))
    {
        return;
    }
    _unknown[path] = stat.size;
    ReadPlan plan;
    plan.forced = forced;
    _reads.read(path, stat, plan);
}

/// A file that the index has under another name, untouched: it came here with its folder. (A rename of the file itself moves its
/// ctime, as a write whose mtime was put back does: such a file is read.)
bool Uplink::knownByInode(const RelativePath& path, const FileStat& stat)
{
    for (const IndexEntry& other : _share.index.withInode(_share.record.id, stat.inode, 8))
    {
        const bool same = other.seq != 0 && other.entry.kind == EntryKind::File &&
                          other.local == LocalIdentity::of(stat) && other.path != path;
        if (!same || _paths.isHeld(other.path))
        {
            continue;
        }
        const auto row = _share.index.get(_share.record.id, path);
        Flight flight;
        flight.path = path;
        flight.entry = other.entry;
        flight.entry.mode = stat.mode & _share.options.modes.mask();
        flight.local = LocalIdentity::of(stat);
        flight.base = row ? row->seq : 0;
        proposeLike(std::move(flight), other);
        return true;
    }
    return false;
}

void Uplink::proposeLike(Flight flight, const IndexEntry& like)
{
    flight.like = like.path;
    Delta delta = wholeCopy(flight.entry.size);
    const Seq source = delta.empty() ? 0 : like.seq;
    propose(std::move(flight), source, std::move(delta), {});
    // When the other name is gone this is a rename: both ways go together, so that others rename, too.
    if (!_share.rules.isIgnored(like.path, false) && isSurelyAbsent(_share.files, like.path) &&
        _host.rootIsSound() && hold(like.path))
    {
        proposeDeletion(like);
    }
}

void Uplink::propose(Flight flight, Seq source, Delta delta, ByteView literal)
{
    if (!_share.mayPropose())
    {
        _deletions.erase(flight.path);
        putDown(flight.path);
        return;
    }
    Proposal proposal;
    proposal.id = _nextProposal++;
    proposal.path = flight.path;
    proposal.base = flight.base;
    proposal.seen = seen(flight.path, flight.base);
    proposal.entry = flight.entry;
    proposal.source = source;
    proposal.delta = std::move(delta);
    flight.bytes = literal.size();
    _flightBytes += literal.size();
    _flights.emplace(proposal.id, std::move(flight));
    _batcher.add(std::move(proposal), literal);
}

/// What waits for the path here has not been acted on, although the cursor may be past it, and it may stand for others
/// before it that were left out.
Seq Uplink::seen(const RelativePath& path, Seq base)
{
    return _host.awaited(path) ? base : _share.record.cursor;
}

void Uplink::proposeDeletion(const IndexEntry& entry)
{
    Flight flight;
    flight.path = entry.path;
    flight.base = entry.seq;
    _deletions.insert(entry.path);
    propose(std::move(flight), 0, {}, {});
}

// --- deletions -----------------------------------------------------------------------------------

void Uplink::vanished(const RelativePath& path)
{
    _walk.begin(path);
    _walk.run([this] { return hasRoom(); });
}

void Uplink::emptied(const RelativePath& path)
{
    _walk.begin(path, DeletionWalk::Top::Stays);
    _walk.run([this] { return hasRoom(); });
}

/// What was in the folder is on its way; now for what took its place.
void Uplink::cleared(const RelativePath& path)
{
    const auto stat = statIfPossible(_share.files, path);
    if (stat && stat->kind != FileKind::Directory)
    {
        changed(path, *stat, false);
    }
    else
    {
        _host.lookAgain(path, HintScope::Subtree, SteadyTime(0));
    }
}

DeletionStep Uplink::deleteEntry(const IndexEntry& entry)
{
    if (entry.seq == 0)
    {
        _share.index.remove(_share.record.id, entry.path);
        return DeletionStep::Done;
    }
    if (_share.rules.isIgnored(entry.path, entry.entry.kind == EntryKind::Directory))
    {
        return DeletionStep::Done;
    }
    if (!isSurelyAbsent(_share.files, entry.path))
    {
        // It has come back while the walk was on its way.
        return DeletionStep::Busy;
    }
    if (hold(entry.path))
    {
        proposeDeletion(entry);
        return DeletionStep::Done;
    }
    return _deletions.contains(entry.path) ? DeletionStep::Done : DeletionStep::Busy;
}

// --- contents ------------------------------------------------------------------------------------

void Uplink::onReadFailed(const ReadJob& job)
{
    const RelativePath& path = job.request().path;
    switch (job.status)
    {
    case ReadStatus::Missing:
        _host.lookAgain(path, HintScope::Entry, SteadyTime(0));
        release(path);
        return;
    case ReadStatus::Failed:
        _host.unreadable(path, *job.failure);
        break;
    case ReadStatus::Writing:
        // Linux tells of a close a moment before it lets go of the file.
        if (_closing.size() < kMaxReading && _closing.insert(path).second)
        {
            _host.lookAgain(path, HintScope::Entry, kClosingDelay);
            putDown(path);
            return;
        }
        _host.stillWriting(path);
        break;
    default:
        _host.stillWriting(path);
        break;
    }
    _closing.erase(path);
    putDown(path);
}

void Uplink::onContent(std::unique_ptr<ReadJob> job, ReadPlan plan)
{
    const ReadRequest& request = job->request();
    _unknown.erase(request.path);
    _closing.erase(request.path);
    const RelativePath path = request.path;
    const ShareId share = _share.record.id;
    _racy.note(path, request.expected);
    Flight flight;
    flight.path = path;
    flight.entry.kind = EntryKind::File;
    flight.entry.mode = request.expected.mode & _share.options.modes.mask();
    flight.entry.mtime = request.expected.mtime;
    flight.entry.size = request.expected.size;
    flight.entry.hash = job->hash;
    flight.local = LocalIdentity::of(request.expected);
    flight.signature = std::move(job->signature);
    flight.appended = std::move(job->appended);

    const auto row = _share.index.get(share, path);
    flight.base = row ? row->seq : 0;
    if (wasApplied(row, flight))
    {
        _reads.drop(path);
        release(path);
        return;
    }
    if (const auto awaited = _host.awaited(path);
        awaited && awaited->entry.sameContent(flight.entry))
    {
        // The same content was made on both sides: what is left is to take the relay's word for the metadata.
        _reads.drop(path);
        _share.index.put(share, {path, 0, flight.entry, flight.local});
        if (flight.signature)
        {
            _share.index.putSignature(share, path, *flight.signature);
        }
        release(path);
        return;
    }
    if (onlyIdentityChanged(row, flight.entry, request.expected))
    {
        if (flight.signature)
        {
            _share.index.putSignature(share, path, *flight.signature);
        }
        _reads.drop(path);
        release(path);
        return;
    }
    if (row && row->seq != 0 && row->entry.sameContent(flight.entry))
    {
        _reads.drop(path);
        Delta delta = wholeCopy(flight.entry.size);
        const Seq source = delta.empty() ? 0 : row->seq;
        propose(std::move(flight), source, std::move(delta), {});
        return;
    }
    if (!job->streaming && flight.entry.size > 0)
    {
        for (const IndexEntry& like :
             _share.index.withContent(share, flight.entry.size, job->hash, 4))
        {
            if (like.seq != 0)
            {
                proposeLike(std::move(flight), like);
                return;
            }
        }
    }
    if (request.hashOnly)
    {
        plan.hashFirst = false;
        _reads.read(path, request.expected, plan);
        return;
    }
    const bool copies = std::any_of(
        job->delta.begin(), job->delta.end(), [](const Op& op) { return op.kind == OpKind::Copy; });
    const Seq source = copies ? flight.base : 0;
    if (!job->streaming)
    {
        propose(std::move(flight), source, std::move(job->delta), job->literal);
        return;
    }
    Proposal proposal;
    proposal.id = _nextProposal++;
    proposal.path = path;
    proposal.base = flight.base;
    proposal.seen = seen(path, flight.base);
    proposal.entry = flight.entry;
    proposal.source = source;
    proposal.upload = _reads.uploadOf(*job, plan);
    proposal.delta = std::move(job->delta);
    _flights.emplace(proposal.id, std::move(flight));
    _reads.finish(path, std::move(proposal));
}

void Uplink::onUploadState(const UploadStateMessage& message)
{
    _reads.onUploadState(message);
}

void Uplink::verify(const RelativePath& path, const FileStat& stat)
{
    if (hold(path))
    {
        ReadPlan plan;
        plan.withAppend = false;
        _reads.read(path, stat, plan);
    }
}

void Uplink::pump()
{
    _reads.pump();
    _walk.run([this] { return hasRoom(); });
    if (_reads.isLull() || !_batcher.hasRoom())
    {
        _batcher.flush();
    }
}

} // namespace tidewire
