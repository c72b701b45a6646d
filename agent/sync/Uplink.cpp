#include "agent/sync/Uplink.h"

#include "shared/base/Errors.h"
#include "shared/delta/Recipe.h"

#include <algorithm>
#include <utility>

namespace tidewire {

namespace {

constexpr SteadyTime kRetryDelay = std::chrono::seconds(1);
constexpr SteadyTime kStorageDelay = std::chrono::seconds(30);
constexpr std::size_t kAppendSamples = 16;
constexpr std::uint64_t kAppendFrom = 4 << 20;
constexpr std::uint64_t kMaxAppend = 8 << 20;
constexpr std::size_t kVanishingPage = 64;
constexpr std::int64_t kRacySeconds = 2; // the coarsest grain in use is that of FAT
constexpr std::size_t kMaxRacy = 4096;

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

Uplink::Uplink(ShareContext& share, PathTable& paths, UplinkHost& host):
    _share(share),
    _paths(paths),
    _host(host),
    _batcher(share)
{
}

Uplink::~Uplink() = default;

bool Uplink::hasRoom() const
{
    return _flights.size() < kMaxFlights && _flightBytes < kMaxFlightBytes &&
           _lightReads < kMaxReads && _batcher.hasRoom();
}

bool Uplink::isIdle() const
{
    return _flights.empty() && _lightReads == 0 && _heavyReads == 0 && _uploads.empty() &&
           _vanishing.empty() && _waitingLarge.empty();
}

ProposalBatcher::Sent Uplink::takeSent()
{
    return _batcher.takeSent();
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
    _held.erase(path);
    if (_paths.release(path))
    {
        _host.lookAgain(path, HintScope::Entry, SteadyTime(0));
    }
    _host.released(path);
}

void Uplink::tryAgainLater(const RelativePath& path, HintScope scope)
{
    _host.lookAgain(path, scope, kRetryDelay);
    release(path);
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
        fileChanged(path, stat, forced);
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
        catch (const StorageError&)
        {
            tryAgainLater(path, HintScope::Entry);
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
    propose(std::move(flight), 0, {}, {});
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
    _share.index.put(_share.record.id, fresh);
    return true;
}

void Uplink::fileChanged(const RelativePath& path, const FileStat& stat, bool forced)
{
    const auto row = _share.index.get(_share.record.id, path);
    if (row && row->seq != 0 && row->entry.kind == EntryKind::File)
    {
        // chmod, a rename or a new link move the ctime and leave the content alone.
        const bool sameContent = row->local.inode == stat.inode && row->local.size == stat.size &&
                                 row->local.mtime == stat.mtime && row->entry.mtime == stat.mtime;
        if (sameContent)
        {
            Entry entry = row->entry;
            entry.mode = stat.mode & _share.options.modes.mask();
            if (onlyIdentityChanged(row, entry, stat))
            {
                release(path);
                return;
            }
            Flight flight{path, entry, LocalIdentity::of(stat), row->seq, {}, {}, {}};
            propose(std::move(flight), entry.size > 0 ? row->seq : 0, wholeCopy(entry.size), {});
            return;
        }
    }
    else if (knownByInode(path, stat))
    {
        return;
    }
    ReadPlan plan;
    plan.forced = forced;
    read(path, stat, plan);
}

/// A file that the index has under another name: renamed when that name is gone, else a hard link.
bool Uplink::knownByInode(const RelativePath& path, const FileStat& stat)
{
    for (const IndexEntry& other : _share.index.withInode(_share.record.id, stat.inode, 8))
    {
        const bool same = other.seq != 0 && other.entry.kind == EntryKind::File &&
                          other.local.size == stat.size && other.local.mtime == stat.mtime &&
                          other.path != path;
        if (!same || _paths.isHeld(other.path))
        {
            continue;
        }
        const auto there = _share.files.stat(other.path);
        if (there && there->inode != stat.inode)
        {
            continue;
        }
        const auto row = _share.index.get(_share.record.id, path);
        Flight flight;
        flight.path = path;
        flight.entry = other.entry;
        flight.entry.mode = stat.mode & _share.options.modes.mask();
        flight.entry.mtime = stat.mtime;
        flight.local = LocalIdentity::of(stat);
        flight.base = row ? row->seq : 0;
        proposeLike(std::move(flight), other);
        if (!there && _host.rootIsSound() && hold(other.path))
        {
            proposeDeletion(other);
        }
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
}

void Uplink::propose(Flight flight, Seq source, Delta delta, ByteView literal)
{
    if (!_share.mayPropose())
    {
        release(flight.path);
        return;
    }
    Proposal proposal;
    proposal.id = _nextProposal++;
    proposal.path = flight.path;
    proposal.base = flight.base;
    proposal.seen = _share.record.cursor;
    proposal.entry = flight.entry;
    proposal.source = source;
    proposal.delta = std::move(delta);
    flight.bytes = literal.size();
    _flightBytes += literal.size();
    _flights.emplace(proposal.id, std::move(flight));
    _batcher.add(std::move(proposal), literal);
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
    _vanishing.push_back({path, {}, false});
    stepVanishing();
}

/// Goes depth first through the index below what has vanished: entries before their folder.
void Uplink::stepVanishing()
{
    while (!_vanishing.empty() && hasRoom())
    {
        Vanishing& top = _vanishing.back();
        const auto children =
            _share.index.children(_share.record.id, top.folder, top.after, kVanishingPage);
        bool descended = false;
        for (const IndexEntry& child : children)
        {
            top.after = std::string(child.path.name());
            if (child.entry.kind == EntryKind::Directory)
            {
                _vanishing.push_back({child.path, {}, false});
                descended = true;
                break;
            }
            if (child.seq == 0)
            {
                _share.index.remove(_share.record.id, child.path);
            }
            else if (hold(child.path))
            {
                proposeDeletion(child);
            }
            else if (!_deletions.contains(child.path))
            {
                top.waits = true;
            }
        }
        if (!descended && children.empty())
        {
            finishVanishing();
        }
    }
}

/// All below the topmost folder is on its way: now the folder itself.
void Uplink::finishVanishing()
{
    const Vanishing done = std::move(_vanishing.back());
    _vanishing.pop_back();
    if (done.waits)
    {
        if (_vanishing.empty())
        {
            _host.lookAgain(done.folder, HintScope::Entry, kRetryDelay);
        }
        else
        {
            _vanishing.back().waits = true;
        }
        return;
    }
    const auto row = _share.index.get(_share.record.id, done.folder);
    if (row && row->seq == 0)
    {
        _share.index.remove(_share.record.id, done.folder);
    }
    else if (row && hold(done.folder))
    {
        proposeDeletion(*row);
    }
}

// --- reading -------------------------------------------------------------------------------------

void Uplink::read(const RelativePath& path, const FileStat& stat, ReadPlan plan)
{
    if (stat.size < ReadJob::kHeavyBytes || _heavyReads < kMaxLarge)
    {
        submitRead(path, stat, plan);
    }
    else if (_waitingLarge.size() < kMaxWaitingLarge)
    {
        _waitingLarge.push_back({path, stat, plan});
    }
    else
    {
        tryAgainLater(path, HintScope::Entry);
    }
}

void Uplink::submitRead(const RelativePath& path, const FileStat& stat, ReadPlan plan)
{
    ReadRequest request;
    request.path = path;
    request.expected = stat;
    request.forced = plan.forced;
    const ShareId share = _share.record.id;
    const auto row = _share.index.get(share, path);
    const bool hasBase = row && row->seq != 0 && row->entry.kind == EntryKind::File;
    if (hasBase && plan.withBase)
    {
        const bool grown = stat.size > row->entry.size && row->entry.size >= kAppendFrom &&
                           stat.size - row->entry.size <= kMaxAppend &&
                           stat.inode == row->local.inode;
        if (plan.withAppend && grown)
        {
            request.append = _share.index.appendBase(share, path, kAppendSamples);
        }
        if (!request.append)
        {
            request.base = _share.index.signature(share, path);
        }
    }
    const auto awaited = _host.awaited(path);
    const bool twinLikely = _share.index.hasFileOfSize(share, stat.size) ||
                            (awaited && awaited->entry.size == stat.size);
    request.hashOnly =
        plan.hashFirst && !hasBase && twinLikely && stat.size > ReadJob::kInlineLiteral;

    const bool heavy = stat.size >= ReadJob::kHeavyBytes;
    ++(heavy ? _heavyReads : _lightReads);
    _share.jobs.submit(std::make_unique<ReadJob>(
        _share.files,
        std::move(request),
        [this, plan, connection = _connection](std::unique_ptr<ReadJob> job) {
            if (connection == _connection)
            {
                onRead(std::move(job), plan);
            }
        }));
}

void Uplink::readEnded(const ReadJob& job)
{
    --(job.weight() == JobWeight::Heavy ? _heavyReads : _lightReads);
}

void Uplink::onRead(std::unique_ptr<ReadJob> job, ReadPlan plan)
{
    if (job->status == ReadStatus::Frames)
    {
        onFrames(std::move(job), plan);
        return;
    }
    readEnded(*job);
    const RelativePath path = job->request().path;
    switch (job->status)
    {
    case ReadStatus::Complete:
        onContent(std::move(job), plan);
        return;
    case ReadStatus::NotAppended:
        plan.withBase = plan.withBase && !job->request().base;
        plan.withAppend = false;
        read(path, job->request().expected, plan);
        return;
    case ReadStatus::Missing:
        _host.lookAgain(path, HintScope::Entry, SteadyTime(0));
        break;
    case ReadStatus::Changed:
    case ReadStatus::Writing:
        _host.stillWriting(path);
        break;
    case ReadStatus::Failed:
        _share.log.warning(_share.options.name + ": cannot read " + printable(path.text()) + ": " +
                           job->error + "; trying again later");
        _host.lookAgain(path, HintScope::Entry, std::chrono::minutes(1));
        break;
    case ReadStatus::Frames:
        break;
    }
    _uploads.erase(path);
    release(path);
}

void Uplink::onFrames(std::unique_ptr<ReadJob> job, ReadPlan plan)
{
    const RelativePath path = job->request().path;
    std::unique_ptr<Upload>& upload = _uploads[path];
    if (upload && upload->outcome() != Upload::Outcome::Going)
    {
        readEnded(*job);
        restartUpload(path);
        return;
    }
    if (!upload)
    {
        const auto row = _share.index.get(_share.record.id, path);
        upload =
            std::make_unique<Upload>(_share,
                                     uploadToken(path, job->request().expected, row ? row->seq : 0),
                                     job->request().expected.size,
                                     plan.restartUpload);
    }
    upload->add(std::exchange(job->frames, {}));
    checkUpload(path, upload->park(std::move(job)));
}

void Uplink::checkUpload(const RelativePath& path, Upload::Outcome outcome)
{
    const auto upload = _uploads.find(path);
    if (outcome == Upload::Outcome::Going)
    {
        if (upload->second->isSent())
        {
            _uploads.erase(upload);
        }
        return;
    }
    const auto flight = std::find_if(_flights.begin(), _flights.end(), [&](const auto& item) {
        return item.second.path == path;
    });
    if (flight != _flights.end())
    {
        _flights.erase(flight);
    }
    else if (upload->second->isReading())
    {
        --_heavyReads;
    }
    else
    {
        // The job is with a worker: onFrames() or onContent() begins anew when it comes back.
        return;
    }
    restartUpload(path);
}

/// Begins anew when what an earlier attempt left at the relay is of another content, later when the relay's disk is full.
void Uplink::restartUpload(const RelativePath& path)
{
    const bool failed = _uploads.at(path)->outcome() == Upload::Outcome::Failed;
    _uploads.erase(path);
    if (failed)
    {
        _share.log.warning(_share.options.name + ": the relay cannot store " +
                           printable(path.text()) + " now; trying again in 30 s");
        _host.lookAgain(path, HintScope::Entry, kStorageDelay);
        release(path);
        return;
    }
    const auto stat = _share.files.stat(path);
    if (!stat || stat->kind != FileKind::File)
    {
        tryAgainLater(path, HintScope::Entry);
        return;
    }
    ReadPlan plan;
    plan.restartUpload = true;
    plan.hashFirst = false;
    read(path, *stat, plan);
}

void Uplink::onContent(std::unique_ptr<ReadJob> job, ReadPlan plan)
{
    const ReadRequest& request = job->request();
    const RelativePath path = request.path;
    const ShareId share = _share.record.id;
    if (const auto upload = _uploads.find(path);
        upload != _uploads.end() && upload->second->outcome() != Upload::Outcome::Going)
    {
        restartUpload(path);
        return;
    }
    noteRacy(path, request.expected);
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
    if (const auto awaited = _host.awaited(path);
        awaited && awaited->entry.sameContent(flight.entry))
    {
        // The same content was made on both sides: what is left is to take the relay's word for the metadata.
        _uploads.erase(path);
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
        _uploads.erase(path);
        release(path);
        return;
    }
    if (row && row->seq != 0 && row->entry.sameContent(flight.entry))
    {
        _uploads.erase(path);
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
        read(path, request.expected, plan);
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
    std::unique_ptr<Upload>& upload = _uploads[path];
    if (!upload)
    {
        upload = std::make_unique<Upload>(_share,
                                          uploadToken(path, request.expected, flight.base),
                                          request.expected.size,
                                          plan.restartUpload);
    }
    Proposal proposal;
    proposal.id = _nextProposal++;
    proposal.path = path;
    proposal.base = flight.base;
    proposal.seen = _share.record.cursor;
    proposal.entry = flight.entry;
    proposal.source = source;
    proposal.upload = upload->token();
    proposal.delta = std::move(job->delta);
    upload->add(std::exchange(job->frames, {}));
    _flights.emplace(proposal.id, std::move(flight));
    checkUpload(path, upload->complete(std::move(proposal)));
}

void Uplink::onUploadState(const UploadStateMessage& message)
{
    for (const auto& [path, upload] : _uploads)
    {
        if (upload->token() == message.token)
        {
            const RelativePath held = path;
            checkUpload(held, upload->onState(message));
            return;
        }
    }
}

// --- answers -------------------------------------------------------------------------------------

void Uplink::onResult(ResultMessage& message)
{
    for (ProposalResult& result : message.results)
    {
        auto node = _flights.extract(result.id);
        if (!node.empty())
        {
            _deletions.erase(node.mapped().path);
            _flightBytes -= node.mapped().bytes;
        }
        if (node.empty())
        {
            throw ProtocolError("a result for proposal " + std::to_string(result.id) +
                                ", which was not made");
        }
        onVerdict(result, std::move(node.mapped()));
    }
}

void Uplink::onVerdict(ProposalResult& result, Flight flight)
{
    switch (result.verdict)
    {
    case Verdict::Accepted:
    case Verdict::Repeated:
        accepted(flight, result.seq);
        release(flight.path);
        break;
    case Verdict::Same:
        if (flight.entry.kind == EntryKind::Tombstone)
        {
            _share.index.remove(_share.record.id, flight.path);
        }
        else
        {
            // Seq 0: our content, whose metadata the head's revision has still to settle.
            accepted(flight, 0);
            _host.refused(flight.path, result.head);
        }
        release(flight.path);
        break;
    case Verdict::Refused:
        onRefusal(result, flight);
        break;
    }
}

void Uplink::accepted(const Flight& flight, Seq seq)
{
    const ShareId share = _share.record.id;
    if (flight.entry.kind == EntryKind::Tombstone)
    {
        _share.index.remove(share, flight.path);
        return;
    }
    _share.index.put(share, {flight.path, seq, flight.entry, flight.local});
    if (flight.signature)
    {
        _share.index.putSignature(share, flight.path, *flight.signature);
    }
    else if (flight.appended)
    {
        _share.index.appendSignature(share, flight.path, flight.entry.size, *flight.appended);
    }
    else if (flight.like)
    {
        _share.index.copySignature(share, *flight.like, flight.path);
    }
}

void Uplink::onRefusal(ProposalResult& result, const Flight& flight)
{
    const RelativePath path = flight.path;
    switch (result.refusal)
    {
    case Refusal::BaseChanged:
        if (const auto row = _share.index.get(_share.record.id, path);
            row && row->entry.sameContent(flight.entry))
        {
            // Only its metadata was changed here: that is no content that could be lost.
            _share.index.put(_share.record.id, {path, row->seq, row->entry, flight.local});
        }
        _host.refused(path, result.head);
        release(path);
        return;
    case Refusal::ParentMissing:
        _host.lookAgain(path.parent(), HintScope::Entry, SteadyTime(0));
        tryAgainLater(path, HintScope::Entry);
        return;
    case Refusal::NotEmpty:
        if (flight.entry.kind == EntryKind::Tombstone)
        {
            _host.cannotVanish(path);
        }
        else
        {
            _host.refused(path, result.head);
        }
        release(path);
        return;
    case Refusal::SourceUnknown:
        if (auto row = _share.index.get(_share.record.id, path); row && row->seq != 0)
        {
            row->local = {};
            _share.index.put(_share.record.id, *row);
        }
        if (const auto stat = _share.files.stat(path); stat && stat->kind == FileKind::File)
        {
            ReadPlan plan;
            plan.withBase = false;
            plan.hashFirst = false;
            read(path, *stat, plan);
            return;
        }
        tryAgainLater(path, HintScope::Entry);
        return;
    case Refusal::NotAllowed:
        if (!_share.readOnly)
        {
            _share.readOnly = true;
            _share.log.warning(_share.options.name +
                               ": the relay takes no changes of this agent; it only receives now");
        }
        release(path);
        return;
    case Refusal::StorageFull:
        _host.lookAgain(path, HintScope::Entry, kStorageDelay);
        release(path);
        return;
    case Refusal::Malformed:
    case Refusal::None:
        _share.log.error(_share.options.name + ": the relay does not take " +
                         printable(path.text()) + " (refusal " +
                         std::to_string(static_cast<int>(result.refusal)) +
                         "); it stays as it is here");
        release(path);
        return;
    }
}

void Uplink::onDisconnected()
{
    ++_connection;
    _batcher.reset();
    _uploads.clear();
    _lightReads = 0;
    _heavyReads = 0;
    _waitingLarge.clear();
    for (const Vanishing& level : std::exchange(_vanishing, {}))
    {
        _host.lookAgain(level.folder, HintScope::Entry, SteadyTime(0));
    }
    _flights.clear();
    _flightBytes = 0;
    _deletions.clear();
    for (const RelativePath& path : std::exchange(_held, {}))
    {
        _paths.release(path);
        _host.lookAgain(path, HintScope::Entry, SteadyTime(0));
        _host.released(path);
    }
}

// --- writes within one tick of the filesystem's clock --------------------------------------------

/// A write within the grain of the mtime leaves the identity as it was: such a file is not trusted
/// at the next hint. The wall clock decides here only whether something is read once more.
void Uplink::noteRacy(const RelativePath& path, const FileStat& stat)
{
    const SteadyTime now = _share.clock.steady();
    const std::int64_t age = _share.clock.wallSeconds() - stat.mtime.seconds;
    if (age < -kRacySeconds || age > kRacySeconds)
    {
        return;
    }
    if (_racy.size() >= kMaxRacy)
    {
        std::erase_if(_racy, [&](const auto& item) { return item.second < now; });
    }
    if (_racy.size() < kMaxRacy)
    {
        _racy[path] = now + std::chrono::seconds(kRacySeconds + 1);
    }
}

bool Uplink::takeRacy(const RelativePath& path)
{
    const auto node = _racy.extract(path);
    return !node.empty() && node.mapped() >= _share.clock.steady();
}

void Uplink::verify(const RelativePath& path, const FileStat& stat)
{
    if (hold(path))
    {
        ReadPlan plan;
        plan.withAppend = false;
        read(path, stat, plan);
    }
}

void Uplink::pump()
{
    while (!_waitingLarge.empty() && _heavyReads < kMaxLarge)
    {
        const WaitingRead next = std::move(_waitingLarge.front());
        _waitingLarge.pop_front();
        submitRead(next.path, next.stat, next.plan);
    }
    stepVanishing();
    if (_lightReads == 0 || !_batcher.hasRoom())
    {
        _batcher.flush();
    }
}

} // namespace tidewire
