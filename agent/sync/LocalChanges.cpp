#include "agent/sync/LocalChanges.h"

#include "agent/sync/DiskState.h"
#include "shared/base/Errors.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

namespace tidewire {

namespace {

constexpr SteadyTime kSecondLook = std::chrono::milliseconds(2500);
constexpr SteadyTime kVerifyDelay = std::chrono::minutes(1);
constexpr std::size_t kMaxToVerify = 1024;
constexpr std::size_t kMaxLinks = 64;
constexpr unsigned kPortion = 64; // paths between looks at the messages that came

} // namespace

LocalChanges::LocalChanges(
    ShareContext& share, PathTable& paths, Uplink& uplink, Downlink& downlink, Callbacks callbacks):
    _share(share),
    _paths(paths),
    _uplink(uplink),
    _downlink(downlink),
    _callbacks(std::move(callbacks))
{
}

void LocalChanges::start()
{
    _nextRescan = _share.clock.steady() + kRescan;
    markAll();
}

void LocalChanges::mark(const RelativePath& path, HintScope scope, HintTiming timing)
{
    _dirty.mark(path, scope, timing, _share.clock.steady());
}

void LocalChanges::markAll()
{
    mark(RelativePath(), HintScope::Subtree, HintTiming::Settled);
}

void LocalChanges::lookAgain(const RelativePath& path, HintScope scope, SteadyTime delay)
{
    _dirty.markLater(path, scope, _share.clock.steady(), delay);
}

void LocalChanges::onDisconnected()
{
    if (!_folders.empty() || _scanStart || !_found.empty())
    {
        _found.clear();
        _folders.clear();
        _scanStart.reset();
        _scanAgain = false;
        markAll();
    }
}

bool LocalChanges::isIdle() const
{
    return _dirty.empty() && _folders.empty() && _found.empty() && _vanished.empty() &&
           _crowded.empty();
}

bool LocalChanges::run()
{
    const SteadyTime now = _share.clock.steady();
    if (now >= _nextRescan)
    {
        // A quarter either way keeps many boards from scanning in step.
        const auto jitter = SteadyTime(::randombytes_uniform(1U << 30U)) * (kRescan.count() >> 31U);
        _nextRescan = now + kRescan * 3 / 4 + jitter;
        markAll();
    }
    unsigned portion = kPortion;
    while (mayLook() && _uplink.hasRoom() && portion > 0 && lookAtNext(now))
    {
        --portion;
    }
    if (mayLook())
    {
        confirmVanished();
        verifyGrown();
    }
    return portion == 0;
}

/// While the uplink is full its answers wake the engine, not the time.
std::optional<SteadyTime> LocalChanges::nextDue() const
{
    if (!_share.mayPropose() || !_uplink.hasRoom())
    {
        return std::nullopt;
    }
    SteadyTime due = _nextRescan;
    if (const auto dirty = _dirty.nextDue())
    {
        due = std::min(due, *dirty);
    }
    if (_folders.empty() && _found.empty())
    {
        for (const auto& [path, when] : _vanished)
        {
            due = std::min(due, when);
        }
    }
    if (_uplink.isIdle())
    {
        for (const auto& [path, when] : _toVerify)
        {
            due = std::min(due, when);
        }
    }
    return due;
}

/// The next thing to look at on the disk; false when there is none.
bool LocalChanges::lookAtNext(SteadyTime now)
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
            if (path.text() == kIgnoreFile)
            {
                _callbacks.loadRules();
            }
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

void LocalChanges::examine(const DirtyPath& dirty)
{
    const RelativePath& path = dirty.path;
    if (path.isRoot())
    {
        if (_scanStart || !_vanished.empty())
        {
            // To begin again and again would never come to the last folders, nor to the deletions.
            _scanAgain = true;
        }
        else if (_callbacks.rootIsSound())
        {
            _scanStart = _share.clock.steady();
            _folders.assign(1, path);
        }
        return;
    }
    if (path.text() == kIgnoreFile)
    {
        _callbacks.loadRules();
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
        noteVanished(path);
    }
    if (!row || row->seq == 0 || _downlink.isJudged(path))
    {
        // For the others the answer to the deletion decides: until then both would go round in circles.
        _downlink.reconsider(path);
    }
}

void LocalChanges::examinePresent(const DirtyPath& dirty, const FileStat& stat)
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

bool LocalChanges::isFilledFolder(const std::optional<IndexEntry>& row)
{
    return row && row->entry.kind == EntryKind::Directory &&
           _share.index.hasChildren(_share.record.id, row->path);
}

/// A write through one name of a file shows at the others, of which nobody tells.
void LocalChanges::lookAtLinks(const RelativePath& path, const FileStat& stat)
{
    for (const IndexEntry& other : _share.index.withInode(_share.record.id, stat.inode, kMaxLinks))
    {
        if (other.path != path && !hasIdentity(other, stat, _share.options.modes.mask()))
        {
            lookAgain(other.path, HintScope::Entry, SteadyTime(0));
        }
    }
}

void LocalChanges::grown(const RelativePath& path)
{
    if (_toVerify.size() < kMaxToVerify || _toVerify.contains(path))
    {
        _toVerify[path] = _share.clock.steady() + kVerifyDelay;
    }
}

/// The whole of a file that was taken for grown is read once it has rested: an edit in its old part becomes a revision then.
void LocalChanges::verifyGrown()
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
