#include "agent/sync/ShareSync.h"

#include "agent/sync/TemporarySweep.h"
#include "shared/base/Errors.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

namespace tidewire {

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
    _share{ShareLog(Poco::Logger::get("agent.sync"), options.name),
           std::move(options),
           files,
           index,
           clock,
           _jobs,
           _log,
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
    _hooks(std::move(hooks)),
    _changes(_share,
             _paths,
             _uplink,
             _downlink,
             {[this] { return _running; },
              [this] { return rootIsSound(); },
              [this] { loadRules(); },
              [this](SteadyTime duration) {
                  _hooks.onScanned(duration);
              }})
{
}

ShareSync::~ShareSync() = default;

// --- start and end -------------------------------------------------------------------------------

bool ShareSync::start()
{
    try
    {
        _share.record = _share.index.share(_share.options.name);
        const auto root = _share.files.stat(RelativePath());
        if (!root || root->kind != FileKind::Directory)
        {
            halt("the folder is missing");
            return false;
        }
        if (!takeFolder())
        {
            return false;
        }
        _private.prepare();
        _share.device = root->device;
        if (wasEmptied())
        {
            _share.log.warning(
                _share.options.name +
                    ": the folder is empty, which it was not; it is filled again, nothing "
                    "is deleted elsewhere",
                {.event = LogEvent::ShareCompared});
            _share.index.forgetShare(_share.record);
        }
        loadRules();
        _durable.start(_share.options.boot);
        _log.load(_share.record.id);
        _share.index.putShare(_share.record);
        _downlink.start();
        sweepTemporaries(_share);
    }
    catch (const DatabaseError&)
    {
        throw;
    }
    catch (const Error& error)
    {
        halt(error.what());
        return false;
    }
    _running = true;
    _problem.clear();
    _changes.start();
    return true;
}

/// False, and stopped, when the folder is not this share's; true, too, when it is nobody's yet.
bool ShareSync::markerFits(const std::optional<Marker>& marker)
{
    const bool known = _share.record.marker != MarkerId{};
    if (!marker && known)
    {
        halt("the folder has lost its marker (.tidewire/marker); is its disk mounted?");
        return false;
    }
    if (marker &&
        (marker->share != _share.options.name || (known && marker->id != _share.record.marker)))
    {
        halt("the folder has the marker of another share or of another time");
        return false;
    }
    return true;
}

/// False when the folder is not this share's, or in doubt.
bool ShareSync::takeFolder()
{
    if (!markerFits(_private.readMarker()))
    {
        return false;
    }
    _lock = _private.lock();
    if (!_lock)
    {
        _share.log.warning(_share.options.name + ": the filesystem has no locks; nothing keeps a "
                                                 "second agent from this folder",
                           {.event = LogEvent::FolderUnlocked});
    }
    // Whoever had the folder a moment ago may have made one.
    const auto marker = _private.readMarker();
    if (!markerFits(marker))
    {
        return false;
    }
    if (marker)
    {
        _share.record.marker = marker->id;
        return true;
    }
    Marker fresh{_share.options.name, {}};
    ::randombytes_buf(fresh.id.data(), fresh.id.size());
    _private.writeMarker(fresh);
    _share.record.marker = fresh.id;
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
                             "; nothing is touched, the share goes on when that is mended",
                         {.event = LogEvent::ShareStopped});
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
        _share.log.warning(_share.options.name + ": .tidewireignore is too large and not used",
                           {.event = LogEvent::PathLeftAlone, .path = kIgnoreFile});
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
        _changes.markAll();
        _hooks.reconnect("the ignore rules of " + _share.options.name + " changed");
    }
}

void ShareSync::stop()
{
    if (_running)
    {
        _downlink.checkDisplaced(true);
        _durable.stop();
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
                             ": the relay does not know this share, or not for us",
                         {.event = LogEvent::ShareRefused});
        return;
    }
    const bool reset = welcome.status == ShareStatus::Reset;
    if (reset && !welcome.sameStore)
    {
        _share.log.warning(
            _share.options.name +
                ": the relay's store is another one; both sides are compared, nothing is "
                "deleted",
            {.event = LogEvent::ShareCompared});
        _share.index.forgetRevisions(_share.record.id);
        _share.record.durable = 0;
        _share.unsynced = {};
    }
    if (reset)
    {
        // All heads come again; what is not among them is no longer to be applied.
        _downlink.forgetReceived();
    }
    if (reset && _share.options.mode != ShareMode::Send)
    {
        _share.comparison = ShareContext::Comparison{};
        _share.comparison->incarnation = welcome.incarnation;
    }
    else if (reset)
    {
        _share.record.incarnation = welcome.incarnation;
        _share.record.cursor = 0;
        _share.record.tag = 0;
        _share.index.putShare(_share.record);
        _changes.markAll();
    }
    else
    {
        _share.record.incarnation = welcome.incarnation;
        _share.index.putShare(_share.record);
    }
    _share.online = true;
    if (std::exchange(_share.readOnly, welcome.readOnly) != welcome.readOnly)
    {
        _share.log.information(
            _share.options.name +
                (welcome.readOnly ? ": the relay takes no changes of this agent; it only receives"
                                  : ": the relay takes changes of this agent again"),
            {.event = welcome.readOnly ? LogEvent::ShareRefused : LogEvent::Other});
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
                                   std::to_string(_share.record.cursor),
                               {.event = LogEvent::ShareUpToDate, .seq = _share.record.cursor});
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
    _stubborn.clear();
    _log.onDisconnected();
    _uplink.onDisconnected();
    _downlink.onDisconnected();
    _changes.onDisconnected();
}

// --- what others ask for -------------------------------------------------------------------------

void ShareSync::lookAgain(const RelativePath& path, HintScope scope, SteadyTime delay)
{
    _changes.lookAgain(path, scope, delay);
}

void ShareSync::stillWriting(const RelativePath& path)
{
    _changes.mark(path, HintScope::Entry, HintTiming::Writing);
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
    // Jobs that come back must not record how far it had come.
    _downlink.forgetCursor();
    halt(problem);
}

void ShareSync::onRootLost()
{
    if (_running)
    {
        halt("the folder was moved, deleted or unmounted");
    }
}

void ShareSync::onHint(const Hint& hint)
{
    if (!hint.path.isPrivate())
    {
        _changes.mark(hint.path, hint.scope, hint.timing);
    }
}

void ShareSync::onlyReceiving()
{
    _downlink.reconsiderAll();
}

// --- turns ---------------------------------------------------------------------------------------

bool ShareSync::run()
{
    if (!_running)
    {
        return false;
    }
    bool more = false;
    try
    {
        more = _changes.run();
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
    _durable.run();
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
    if (const auto sync = _durable.nextDue())
    {
        due = std::min(due.value_or(*sync), *sync);
    }
    if (const auto look = _changes.nextDue())
    {
        due = std::min(due.value_or(*look), *look);
    }
    return due;
}

bool ShareSync::isSettled() const
{
    // Where nothing is proposed nobody looks at what changed here.
    return _share.live && _uplink.isIdle() && _downlink.isIdle() &&
           (_share.onlyReceives() || _changes.isIdle());
}

void ShareSync::unreadable(const RelativePath& path, const StorageError& error)
{
    _changes.unreadable(path, error);
}

void ShareSync::grown(const RelativePath& path)
{
    _changes.grown(path);
}

void ShareSync::report()
{
    const SteadyTime now = _share.clock.steady();
    const ProposalBatcher::Sent sent = _uplink.takeSent();
    _report.add(sent.proposals, sent.bytes, _downlink.takeApplied(), now);
    if (const auto line = _report.take(now))
    {
        _share.log.information(_share.options.name + ": " + *line, {.event = LogEvent::BatchDone});
    }
}

} // namespace tidewire
