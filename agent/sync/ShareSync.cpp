#include "agent/sync/ShareSync.h"

#include "agent/sync/ConflictName.h"
#include "agent/sync/DiskState.h"
#include "shared/base/Errors.h"

#include <sodium.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

namespace tidewire {

namespace {

// A deletion is believed after this: editors delete and make anew, and moves are seen in two parts.
constexpr SteadyTime kVanishDelay = std::chrono::milliseconds(100);
constexpr SteadyTime kUnreadableDelay = std::chrono::minutes(1);
constexpr SteadyTime kSecondLook = std::chrono::milliseconds(2500);
constexpr SteadyTime kVerifyDelay = std::chrono::minutes(1);
constexpr std::size_t kMaxToVerify = 1024;
constexpr std::size_t kMaxLinks = 64;
constexpr std::size_t kMaxSkippedNames = 1024;
constexpr unsigned kMaxStubborn = 3;
constexpr unsigned kPortion = 64; // paths between looks at the messages that came

} // namespace

ShareSync::ShareSync(ShareOptions options,
                     FileSystem& files,
                     Index& index,
                     const Clock& clock,
                     JobRunner& jobs,
                     RelayLink& relay,
                     ConnectionState& connection,
                     ShareHooks hooks):
    _jobs(jobs),
    _log(index, relay),
    _share{std::move(options),
           files,
           index,
           clock,
           _jobs,
           _log,
           Poco::Logger::get("agent.sync"),
           {},
           {},
           0,
           0,
           false,
           false,
           false,
           {}},
    _uplink(_share, _paths, _log, *this),
    _downlink(_share, _paths, connection, *this),
    _private(files),
    _hooks(std::move(hooks))
{
}

ShareSync::~ShareSync() = default;

// --- start and end -------------------------------------------------------------------------------

bool ShareSync::start()
{
    try
    {
        _share.record = _share.index.share(_share.options.name);
        _log.load(_share.record.id);
        const auto root = _share.files.stat(RelativePath());
        if (!root || root->kind != FileKind::Directory)
        {
            halt("the folder is missing");
            return false;
        }
        const bool known = _share.record.marker != MarkerId{};
        const auto marker = _private.readMarker();
        const bool right = marker && marker->share == _share.options.name &&
                           (!known || marker->id == _share.record.marker);
        if (!right && (known || marker))
        {
            halt(marker
                     ? "the folder has the marker of another share or of another time"
                     : "the folder has lost its marker (.tidewire/marker); is its disk mounted?");
            return false;
        }
        if (right)
        {
            _share.record.marker = marker->id;
        }
        else
        {
            Marker fresh{_share.options.name, {}};
            ::randombytes_buf(fresh.id.data(), fresh.id.size());
            _private.writeMarker(fresh);
            _share.record.marker = fresh.id;
        }
        _private.prepare();
        _share.device = root->device;
        _share.record.device = root->device;
        if (wasEmptied())
        {
            _share.log.warning(
                _share.options.name +
                ": the folder is empty, which it was not; it is filled again, nothing "
                "is deleted elsewhere");
            _share.index.forgetShare(_share.record);
        }
        loadRules();
        _share.index.putShare(_share.record);
        sweepTemporaries();
    }
    catch (const Error& error)
    {
        halt(error.what());
        return false;
    }
    _running = true;
    _problem.clear();
    const SteadyTime now = _share.clock.steady();
    _nextRescan = now + kRescan;
    _dirty.mark(RelativePath(), HintScope::Subtree, HintTiming::Settled, now);
    return true;
}

/// True when nothing is left of what the index knows: rather a disk that was changed than somebody's wish.
bool ShareSync::wasEmptied()
{
    if (!_share.index.hasChildren(_share.record.id, RelativePath()))
    {
        return false;
    }
    bool empty = true;
    _share.files.list(RelativePath(), [&](std::string_view name, FileKind) {
        empty = name == kPrivateFolder;
        return empty;
    });
    return empty;
}

void ShareSync::halt(const std::string& problem)
{
    if (_running)
    {
        _share.log.error(_share.options.name + ": " + problem +
                         "; nothing is touched, the share goes on when that is mended");
    }
    _problem = problem;
    if (std::exchange(_running, false))
    {
        _hooks.reconnect("share " + _share.options.name + " stopped");
    }
}

void ShareSync::loadRules()
{
    IgnoreRules rules;
    for (const std::string& pattern : _share.options.ignore)
    {
        rules.addPattern(pattern);
    }
    const RelativePath path = *RelativePath::parse(kIgnoreFile);
    const auto stat = _share.files.stat(path);
    if (stat && stat->kind == FileKind::File && stat->size <= kMaxIgnoreFileBytes)
    {
        Bytes content(static_cast<std::size_t>(stat->size));
        content.resize(_share.files.openRead(path)->read(0, content));
        rules.addFile(asText(content));
    }
    else if (stat && stat->kind == FileKind::File)
    {
        _share.log.warning(_share.options.name + ": .tidewireignore is too large and not used");
    }
    const Hash fingerprint = rules.fingerprint();
    const bool changed = fingerprint != _share.record.ignoreRules;
    _share.rules = std::move(rules);
    if (!changed)
    {
        return;
    }
    _share.record.ignoreRules = fingerprint;
    if (_share.record.cursor != 0)
    {
        // Revisions of paths that were ignored have been passed over: hear of everything again.
        _share.record.cursor = 0;
        _share.record.tag = 0;
        _downlink.forgetCursor();
    }
    _share.index.putShare(_share.record);
    if (_running)
    {
        _hooks.onRules(_share.rules);
        _downlink.reconsiderAll();
        _dirty.mark(RelativePath(), HintScope::Subtree, HintTiming::Settled, _share.clock.steady());
        _hooks.reconnect("the ignore rules of " + _share.options.name + " changed");
    }
}

void ShareSync::sweepTemporaries()
{
    for (const std::string& name : _private.temporaries())
    {
        sweep(name);
    }
}

/// A file that an earlier run left: a content under way is kept for as long as it is awaited; what may be somebody's
/// only copy is never deleted.
void ShareSync::sweep(const std::string& name)
{
    const auto path = PrivateFolder::temporary(name);
    const auto stat = _share.files.stat(path);
    Seq seq = 0;
    const std::size_t dash = name.find('-');
    if (dash != std::string::npos)
    {
        std::from_chars(name.data() + dash + 1, name.data() + name.size(), seq);
    }
    if (!stat || stat->kind == FileKind::Directory)
    {
        return;
    }
    const auto pending = seq > 0 ? _share.index.pendingAfter(_share.record.id, {seq, {}}, 1)
                                 : std::vector<Index::Pending>();
    const bool isAwaited = !pending.empty() && pending.front().revision.seq == seq;
    const bool partial = name.starts_with(kPartialPrefix);
    if (partial && isAwaited && pending.front().revision.entry.size > RevisionQueue::kLargeBytes)
    {
        return;
    }
    const auto row = _share.index.withSeq(_share.record.id, seq);
    bool known = partial;
    if (!known && stat->kind == FileKind::File)
    {
        ReadRequest request;
        request.path = path;
        request.expected = *stat;
        request.hashOnly = true;
        request.forced = true;
        ReadJob job(_share.files, std::move(request), {});
        while (job.step())
        {
        }
        const bool isWhole = job.status == ReadStatus::Complete;
        const bool isWanted =
            isWhole && isAwaited && pending.front().revision.entry.hash == job.hash;
        const auto asDownload =
            PrivateFolder::temporary(std::string(kPartialPrefix).append(std::to_string(seq)));
        if (isWanted && stat->size > RevisionQueue::kLargeBytes &&
            _share.files.renameNoReplace(path, asDownload) == RenameOutcome::Done)
        {
            // A download that had ended: it is not made a second time.
            return;
        }
        known = isWanted ||
                (isWhole &&
                 !_share.index.withContent(_share.record.id, stat->size, job.hash, 1).empty());
    }
    else if (!known && stat->kind == FileKind::Symlink)
    {
        known = row && row->entry.target == _share.files.readSymlink(path);
    }
    if (known)
    {
        _share.files.removeFile(path);
        return;
    }
    const RelativePath owner = row ? row->path
                               : isAwaited
                                   ? pending.front().revision.path
                                   : *RelativePath::parse("recovered-" + std::to_string(seq));
    Placement placement(
        _share.files, _share.options.modes, [this](const RelativePath& of, unsigned attempt) {
            return conflictName(of, _share.clock.wallSeconds(), _share.options.agent, attempt);
        });
    if (const auto copy = placement.keepAsConflict(path, owner))
    {
        _share.log.warning(_share.options.name +
                           ": an interrupted change was found; it is kept as " +
                           printable(copy->text()));
    }
}

void ShareSync::stop()
{
    if (_running)
    {
        _downlink.checkDisplaced(true);
    }
}

// --- the connection ------------------------------------------------------------------------------

HelloMessage::Share ShareSync::hello() const
{
    HelloMessage::Share share;
    share.name = _share.options.name;
    share.incarnation = _share.record.incarnation;
    share.cursor = _share.record.cursor;
    share.tag = _share.record.tag;
    share.wantsFeed = _share.options.mode != ShareMode::Send;
    return share;
}

void ShareSync::onWelcome(const WelcomeMessage::Share& welcome, ShareNumber number)
{
    _share.number = number;
    if (welcome.status == ShareStatus::Unknown)
    {
        _share.log.error(_share.options.name +
                         ": the relay does not know this share, or not for us");
        return;
    }
    const bool reset = welcome.status == ShareStatus::Reset;
    if (reset && !welcome.sameStore)
    {
        _share.log.warning(
            _share.options.name +
            ": the relay's store is another one; both sides are compared, nothing is "
            "deleted");
        _share.index.forgetRevisions(_share.record.id);
        _downlink.forgetStore();
    }
    if (reset)
    {
        _share.comparison.emplace();
        _share.comparison->incarnation = welcome.incarnation;
    }
    else
    {
        _share.record.incarnation = welcome.incarnation;
        _share.index.putShare(_share.record);
    }
    _share.online = true;
    if (std::exchange(_share.readOnly, welcome.readOnly) != welcome.readOnly)
    {
        _downlink.reconsiderAll();
    }
    _downlink.onWelcome();
    if (_share.options.mode == ShareMode::Send)
    {
        onLive();
    }
}

void ShareSync::onLive()
{
    if (!std::exchange(_share.live, true))
    {
        _log.onLive();
        _share.log.information(_share.options.name + ": up to date with the relay at revision " +
                               std::to_string(_share.record.cursor));
    }
}

void ShareSync::onRevisions(RevisionsMessage& message)
{
    if (_running)
    {
        _downlink.onRevisions(message);
    }
}

void ShareSync::onResult(ResultMessage& message)
{
    if (_running)
    {
        _uplink.onResult(message);
    }
}

void ShareSync::onUploadState(const UploadStateMessage& message)
{
    if (_running)
    {
        _uplink.onUploadState(message);
    }
}

bool ShareSync::onContent(ContentMessage& message, std::uint32_t bodyBytes)
{
    return _downlink.onContent(message, bodyBytes);
}

void ShareSync::onDisconnected()
{
    _share.online = false;
    _share.live = false;
    _share.comparison.reset();
    _log.onDisconnected();
    _uplink.onDisconnected();
    _downlink.onDisconnected();
    if (!_folders.empty() || _scanStart || !_found.empty())
    {
        _found.clear();
        _folders.clear();
        _scanStart.reset();
        _scanAgain = false;
        _dirty.mark(RelativePath(), HintScope::Subtree, HintTiming::Settled, _share.clock.steady());
    }
}

// --- what others ask for -------------------------------------------------------------------------

void ShareSync::lookAgain(const RelativePath& path, HintScope scope, SteadyTime delay)
{
    _dirty.markLater(path, scope, _share.clock.steady(), delay);
}

void ShareSync::stillWriting(const RelativePath& path)
{
    _dirty.mark(path, HintScope::Entry, HintTiming::Writing, _share.clock.steady());
}

void ShareSync::released(const RelativePath& path)
{
    _downlink.reconsider(path);
}

std::optional<Revision> ShareSync::awaited(const RelativePath& path)
{
    return _downlink.awaited(path);
}

bool ShareSync::takeOwn(const Revision& revision)
{
    return _uplink.takeLost(revision);
}

void ShareSync::refused(const RelativePath& path, const std::optional<Revision>& head)
{
    if (head)
    {
        const bool sendOnly = _share.options.mode == ShareMode::Send;
        if (!sendOnly)
        {
            _downlink.onJudged(path, *head);
            return;
        }
        // What this agent has is what counts: propose again on what stands there.
        IndexEntry entry;
        entry.path = path;
        entry.seq = head->seq;
        entry.entry = head->entry;
        if (head->entry.kind == EntryKind::Tombstone)
        {
            _share.index.remove(_share.record.id, path);
        }
        else
        {
            _share.index.put(_share.record.id, entry);
        }
    }
    else
    {
        _share.index.remove(_share.record.id, path);
    }
    lookAgain(path, HintScope::Entry, SteadyTime(0));
}

void ShareSync::superseded(const Revision& head)
{
    if (_share.options.mode == ShareMode::Send)
    {
        refused(head.path, head);
        return;
    }
    _downlink.onNews(head);
}

void ShareSync::cannotVanish(const RelativePath& path)
{
    const auto row = _share.index.get(_share.record.id, path);
    if (!row || _share.files.stat(path))
    {
        lookAgain(path, HintScope::Entry, SteadyTime(0));
        return;
    }
    // Our own last changes below it may just be on their way.
    if (!_downlink.awaitsBelow(path) && ++_stubborn[path] < kMaxStubborn)
    {
        lookAgain(path, HintScope::Entry, std::chrono::seconds(1));
        return;
    }
    _stubborn.erase(path);
    folderStays(*row);
}

void ShareSync::cannotReplace(const RelativePath& path)
{
    const auto row = _share.index.get(_share.record.id, path);
    if (row && row->entry.kind == EntryKind::Directory)
    {
        folderStays(*row);
    }
    else
    {
        lookAgain(path, HintScope::Entry, SteadyTime(0));
    }
}

/// The relay's folder, which this agent had given up, is news again.
void ShareSync::folderStays(const IndexEntry& folder)
{
    Revision revision;
    revision.seq = folder.seq;
    revision.path = folder.path;
    revision.entry = folder.entry;
    _share.index.remove(_share.record.id, folder.path);
    _downlink.onJudged(folder.path, revision);
}

bool ShareSync::rootIsSound()
{
    try
    {
        const auto marker = _private.readMarker();
        if (marker && marker->id == _share.record.marker)
        {
            return true;
        }
        halt("the folder has lost its marker (.tidewire/marker); is its disk mounted?");
    }
    catch (const Error& error)
    {
        halt(error.what());
    }
    return false;
}

void ShareSync::fail(const std::string& problem)
{
    if (_running)
    {
        halt(problem);
    }
}

void ShareSync::onRootLost()
{
    if (_running)
    {
        halt("the folder was moved, deleted or unmounted");
    }
}

// --- looking at the disk -------------------------------------------------------------------------

void ShareSync::onHint(const Hint& hint)
{
    if (!hint.path.isPrivate())
    {
        _dirty.mark(hint.path, hint.scope, hint.timing, _share.clock.steady());
    }
}

void ShareSync::onFinding(const Finding& finding)
{
    if (finding.kind == Finding::Kind::Vanished)
    {
        _vanished.try_emplace(finding.path, _share.clock.steady() + kVanishDelay);
    }
    else
    {
        _found.push_back(finding);
    }
}

void ShareSync::onFolder(const RelativePath& folder)
{
    _folders.push_back(folder);
}

void ShareSync::onSkipped(const Skipped& skipped)
{
    if (_skipped.size() >= kMaxSkippedNames || !_skipped.insert(skipped.path).second)
    {
        return;
    }
    const char* reason = "";
    switch (skipped.reason)
    {
    case Skipped::Reason::Special:
        reason = "is no file, folder or link";
        break;
    case Skipped::Reason::OtherDevice:
        reason = "is another filesystem; make it a share of its own";
        break;
    case Skipped::Reason::PathTooLong:
        reason = "has too long a path";
        break;
    case Skipped::Reason::Unreadable:
        reason = "cannot be read";
        break;
    }
    _share.log.warning(_share.options.name + ": " + printable(skipped.path) + " " + reason +
                       "; left alone");
}

/// What permissions or the layout of the disk forbid is told of once and looked at again when a hint or the hourly scan
/// says so; what may pass by itself, soon.
void ShareSync::unreadable(const RelativePath& path, const StorageError& error)
{
    if (error.code() == ENOENT || error.code() == ENOTDIR)
    {
        lookAgain(path, HintScope::Entry, kVanishDelay);
        return;
    }
    const bool lasts = !error.transient();
    if (_skipped.size() < kMaxSkippedNames && _skipped.insert(path.text()).second)
    {
        _share.log.warning(_share.options.name + ": " + error.what() +
                           (lasts ? "; left alone" : "; trying again"));
    }
    if (!lasts)
    {
        lookAgain(path, HintScope::Subtree, kUnreadableDelay);
    }
}

void ShareSync::onlyReceiving()
{
    _downlink.reconsiderAll();
}

void ShareSync::examine(const DirtyPath& dirty)
{
    const RelativePath& path = dirty.path;
    if (path.isRoot())
    {
        if (_scanStart)
        {
            // To begin again and again would never come to the last folders.
            _scanAgain = true;
        }
        else if (rootIsSound())
        {
            _scanStart = _share.clock.steady();
            _folders.assign(1, path);
        }
        return;
    }
    if (path.text() == kIgnoreFile)
    {
        loadRules();
    }
    const auto stat = _share.files.stat(path);
    if (_share.rules.isIgnored(path, stat && stat->kind == FileKind::Directory))
    {
        return;
    }
    if (_paths.touch(path))
    {
        // Whoever has it in hand looks again afterwards; what is below it need not wait.
        if (stat && stat->kind == FileKind::Directory)
        {
            _folders.push_back(path);
        }
        return;
    }
    if (stat)
    {
        _vanished.erase(path);
        examinePresent(dirty, *stat);
        return;
    }
    const auto row = _share.index.get(_share.record.id, path);
    if (row)
    {
        _vanished.try_emplace(path, _share.clock.steady() + kVanishDelay);
    }
    _downlink.reconsider(path);
}

void ShareSync::examinePresent(const DirtyPath& dirty, const FileStat& stat)
{
    const RelativePath& path = dirty.path;
    const RelativePath parent = path.parent();
    if (stat.device != _share.device || stat.kind == FileKind::Other)
    {
        onSkipped(
            {stat.kind == FileKind::Other ? Skipped::Reason::Special : Skipped::Reason::OtherDevice,
             path.text(),
             0});
        return;
    }
    const auto row = _share.index.get(_share.record.id, path);
    const bool clean = row && row->seq != 0 && hasIdentity(*row, stat, _share.options.modes.mask());
    if (!clean && !parent.isRoot() && !_paths.isHeld(parent) &&
        !_share.index.get(_share.record.id, parent))
    {
        // The folder is new as well: it goes first, and its scan finds this one.
        _dirty.mark(parent, HintScope::Subtree, HintTiming::Settled, _share.clock.steady());
        return;
    }
    if (stat.kind == FileKind::File && stat.links > 1)
    {
        lookAtLinks(path, stat);
    }
    const bool wasFolder = stat.kind != FileKind::Directory && isFilledFolder(row);
    if (_downlink.isJudged(path))
    {
        _downlink.reconsider(path);
    }
    else if (wasFolder)
    {
        _uplink.emptied(path);
    }
    else if (!clean)
    {
        _uplink.changed(path, stat, dirty.forced);
        if (_polled && stat.kind == FileKind::File)
        {
            lookAgain(path, HintScope::Entry, kSecondLook);
        }
    }
    else if (stat.kind == FileKind::File && _uplink.takeRacy(path))
    {
        _uplink.verify(path, stat);
    }
    else
    {
        _downlink.reconsider(path);
    }
    if (stat.kind == FileKind::Directory && (dirty.scope == HintScope::Subtree || !row))
    {
        _folders.push_back(path);
    }
}

bool ShareSync::isFilledFolder(const std::optional<IndexEntry>& row)
{
    return row && row->entry.kind == EntryKind::Directory &&
           _share.index.hasChildren(_share.record.id, row->path);
}

/// A write through one name of a file shows at the others, of which nobody tells.
void ShareSync::lookAtLinks(const RelativePath& path, const FileStat& stat)
{
    for (const IndexEntry& other : _share.index.withInode(_share.record.id, stat.inode, kMaxLinks))
    {
        if (other.path != path && !hasIdentity(other, stat, _share.options.modes.mask()))
        {
            lookAgain(other.path, HintScope::Entry, SteadyTime(0));
        }
    }
}

void ShareSync::scanNext()
{
    const RelativePath folder = std::move(_folders.back());
    _folders.pop_back();
    scanFolder(
        _share.files, _share.index, _share.record.id, _share.rules, folder, _share.device, *this);
    if (_folders.empty() && _scanStart)
    {
        const SteadyTime duration = _share.clock.steady() - *_scanStart;
        _scanStart.reset();
        _hooks.onScanned(duration);
        if (std::exchange(_scanAgain, false))
        {
            _dirty.mark(
                RelativePath(), HintScope::Subtree, HintTiming::Settled, _share.clock.steady());
        }
    }
}

/// Deletions come last: by then a file that only moved has been found at its new place.
void ShareSync::confirmVanished()
{
    if (_vanished.empty() || !_folders.empty() || !_found.empty())
    {
        return;
    }
    const SteadyTime now = _share.clock.steady();
    bool sound = false;
    for (auto item = _vanished.begin(); item != _vanished.end() && _uplink.hasRoom();)
    {
        if (item->second > now)
        {
            ++item;
            continue;
        }
        const RelativePath path = item->first;
        if (isBeingReadElsewhere(path))
        {
            // A file of that size is new and being read: this may be where it came from.
            item->second = now + kVanishDelay;
            ++item;
            continue;
        }
        item = _vanished.erase(item);
        if (_share.files.stat(path))
        {
            _dirty.mark(path, HintScope::Subtree, HintTiming::Settled, now);
            continue;
        }
        if (!sound && !(sound = rootIsSound()))
        {
            return;
        }
        _uplink.vanished(path);
    }
}

bool ShareSync::isBeingReadElsewhere(const RelativePath& path)
{
    const auto row = _share.index.get(_share.record.id, path);
    return row && row->entry.kind == EntryKind::File && _uplink.isReading(row->entry.size);
}

// --- turns ---------------------------------------------------------------------------------------

/// The next thing to look at on the disk; false when there is none.
bool ShareSync::lookAtNext(SteadyTime now)
{
    RelativePath path;
    try
    {
        if (const auto dirty = _dirty.take(now))
        {
            path = dirty->path;
            examine(*dirty);
        }
        else if (!_found.empty())
        {
            const Finding finding = std::move(_found.front());
            _found.pop_front();
            path = finding.path;
            const bool tookItsPlace = finding.kind == Finding::Kind::Changed &&
                                      finding.stat.kind != FileKind::Directory &&
                                      isFilledFolder(_share.index.get(_share.record.id, path));
            if (_downlink.isJudged(path))
            {
                _downlink.reconsider(path);
            }
            else if (tookItsPlace)
            {
                _uplink.emptied(path);
            }
            else
            {
                _uplink.changed(path, finding.stat, false);
            }
        }
        else if (!_folders.empty())
        {
            path = _folders.back();
            scanNext();
        }
        else
        {
            return false;
        }
    }
    catch (const DatabaseError&)
    {
        throw;
    }
    catch (const StorageError& error)
    {
        unreadable(path, error);
    }
    return true;
}

bool ShareSync::run()
{
    if (!_running)
    {
        return false;
    }
    const SteadyTime now = _share.clock.steady();
    if (now >= _nextRescan)
    {
        // A quarter either way keeps many boards from scanning in step.
        const auto jitter = SteadyTime(::randombytes_uniform(1U << 30U)) * (kRescan.count() >> 31U);
        _nextRescan = now + kRescan * 3 / 4 + jitter;
        _dirty.mark(RelativePath(), HintScope::Subtree, HintTiming::Settled, now);
    }
    unsigned portion = kPortion;
    bool more = false;
    try
    {
        while (_share.mayPropose() && _running && _uplink.hasRoom() && portion > 0 &&
               lookAtNext(now))
        {
            --portion;
        }
        more = portion == 0;
        if (_share.mayPropose())
        {
            confirmVanished();
            verifyGrown();
        }
    }
    catch (const DatabaseError&)
    {
        throw;
    }
    catch (const StorageError& error)
    {
        _share.log.warning(_share.options.name + ": " + error.what());
    }
    _uplink.pump();
    more = _downlink.pump() || more;
    report();
    return more && _running;
}

std::optional<SteadyTime> ShareSync::nextDue() const
{
    if (!_running)
    {
        return std::nullopt;
    }
    std::optional<SteadyTime> due = _downlink.nextDue();
    if (const auto line = _report.nextDue())
    {
        due = std::min(due.value_or(*line), *line);
    }
    const auto consider = [&](std::optional<SteadyTime> other) {
        if (other)
        {
            due = std::min(due.value_or(*other), *other);
        }
    };
    // While the uplink is full its answers wake the engine, not the time.
    if (_share.mayPropose() && _uplink.hasRoom())
    {
        consider(_dirty.nextDue());
        consider(_nextRescan);
        if (_folders.empty() && _found.empty())
        {
            for (const auto& [path, when] : _vanished)
            {
                consider(when);
            }
        }
        if (_uplink.isIdle())
        {
            for (const auto& [path, when] : _toVerify)
            {
                consider(when);
            }
        }
    }
    return due;
}

bool ShareSync::isSettled() const
{
    return _share.live && _uplink.isIdle() && _downlink.isIdle() && _dirty.empty() &&
           _folders.empty() && _found.empty() && _vanished.empty();
}

void ShareSync::report()
{
    const SteadyTime now = _share.clock.steady();
    const ProposalBatcher::Sent sent = _uplink.takeSent();
    _report.add(sent.proposals, sent.bytes, _downlink.takeApplied(), now);
    if (const auto line = _report.take(now))
    {
        _share.log.information(_share.options.name + ": " + *line);
    }
}

void ShareSync::grown(const RelativePath& path)
{
    if (_toVerify.size() < kMaxToVerify || _toVerify.contains(path))
    {
        _toVerify[path] = _share.clock.steady() + kVerifyDelay;
    }
}

/// The whole of a file that was taken for grown is read once it has rested: an edit in its old part becomes a revision then.
void ShareSync::verifyGrown()
{
    const SteadyTime now = _share.clock.steady();
    for (auto item = _toVerify.begin(); item != _toVerify.end() && _uplink.isIdle();)
    {
        if (item->second > now)
        {
            ++item;
            continue;
        }
        const RelativePath path = item->first;
        item = _toVerify.erase(item);
        const auto stat = _share.files.stat(path);
        const auto row = _share.index.get(_share.record.id, path);
        if (stat && row && hasIdentity(*row, *stat, _share.options.modes.mask()))
        {
            _uplink.verify(path, *stat);
        }
    }
}

} // namespace tidewire
