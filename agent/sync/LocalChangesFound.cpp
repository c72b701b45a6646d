// LocalChanges: what scans find, and deletions until they are believed.

#include "agent/sync/LocalChanges.h"
#include "shared/base/Errors.h"

#include <cerrno>
#include <utility>

namespace tidewire {

namespace {

// A deletion is believed after this: editors delete and make anew, and moves are seen in two parts.
constexpr SteadyTime kVanishDelay = std::chrono::milliseconds(100);
constexpr SteadyTime kUnreadableDelay = std::chrono::minutes(1);
constexpr std::size_t kMaxCrowded = 256;
constexpr std::size_t kMaxSkippedNames = 1024;

} // namespace

void LocalChanges::scanNext()
{
    const RelativePath folder = std::move(_folders.back());
    _folders.pop_back();
    scanFolder(_share.files,
               _share.index,
               _share.record.id,
               _share.rules,
               folder,
               _share.device,
               *this,
               _share.options.modes.mask());
    if (_folders.empty() && _scanStart)
    {
        const SteadyTime duration = _share.clock.steady() - *_scanStart;
        _scanStart.reset();
        _callbacks.onScanned(duration);
        scanOnceMore();
    }
}

/// Another scan was asked for while one was under way, or deletions had still to be believed.
void LocalChanges::scanOnceMore()
{
    if (!_vanished.empty() || _scanStart)
    {
        return;
    }
    const std::set<RelativePath> folders = std::exchange(_crowded, {});
    if (std::exchange(_scanAgain, false))
    {
        markAll();
        return;
    }
    for (const RelativePath& folder : folders)
    {
        mark(folder, HintScope::Subtree, HintTiming::Settled);
    }
}

void LocalChanges::noteVanished(const RelativePath& path)
{
    if (_vanished.size() < kMaxVanished || _vanished.contains(path))
    {
        _vanished.try_emplace(path, _share.clock.steady() + kVanishDelay);
    }
    else if (_crowded.size() < kMaxCrowded)
    {
        _crowded.insert(path.parent());
    }
    else
    {
        _scanAgain = true;
    }
}

/// Deletions come last: by then a file that only moved has been found at its new place.
void LocalChanges::confirmVanished()
{
    if (!_folders.empty() || !_found.empty())
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
        if (!sound && !(sound = _callbacks.rootIsSound()))
        {
            return;
        }
        if (path.text() == kIgnoreFile)
        {
            _callbacks.loadRules();
        }
        _uplink.vanished(path);
    }
    scanOnceMore();
}

bool LocalChanges::isBeingReadElsewhere(const RelativePath& path)
{
    const auto row = _share.index.get(_share.record.id, path);
    return row && row->entry.kind == EntryKind::File && _uplink.isReading(row->entry.size);
}

void LocalChanges::onFinding(const Finding& finding)
{
    if (finding.kind == Finding::Kind::Vanished)
    {
        noteVanished(finding.path);
    }
    else
    {
        _found.push_back(finding);
    }
}

void LocalChanges::onFolder(const RelativePath& folder)
{
    _folders.push_back(folder);
}

bool LocalChanges::isToldFirst(const std::string& path)
{
    return _skipped.size() < kMaxSkippedNames && _skipped.insert(path).second;
}

void LocalChanges::onSkipped(const Skipped& skipped)
{
    if (!isToldFirst(skipped.path))
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
                           "; left alone",
                       {.event = LogEvent::PathLeftAlone, .path = skipped.path});
}

/// What permissions or the layout of the disk forbid is told of once and looked at again when a hint or the hourly scan
/// says so; what may pass by itself, soon.
void LocalChanges::unreadable(const RelativePath& path, const StorageError& error)
{
    if (error.code() == ENOENT || error.code() == ENOTDIR)
    {
        lookAgain(path, HintScope::Entry, kVanishDelay);
        return;
    }
    const bool lasts = !error.transient();
    if (isToldFirst(path.text()))
    {
        _share.log.warning(_share.options.name + ": " + error.what() +
                               (lasts ? "; left alone" : "; trying again"),
                           {.event = lasts ? LogEvent::PathLeftAlone : LogEvent::PathDelayed,
                            .path = path.text()});
    }
    if (!lasts)
    {
        lookAgain(path, HintScope::Subtree, kUnreadableDelay);
    }
}

} // namespace tidewire
