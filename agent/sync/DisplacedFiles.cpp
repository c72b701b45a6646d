#include "agent/sync/DisplacedFiles.h"

#include "agent/sync/ConflictName.h"
#include "agent/sync/DiskState.h"
#include "shared/base/Errors.h"

#include <cerrno>
#include <utility>

namespace tidewire {

namespace {

constexpr SteadyTime kDelay = std::chrono::seconds(2);

} // namespace

DisplacedFiles::DisplacedFiles(ShareContext& share, OnCopy onCopy):
    _share(share),
    _onCopy(std::move(onCopy))
{
}

void DisplacedFiles::add(const Displaced& item)
{
    _items.push_back(item);
    _due = _share.clock.steady() + kDelay;
}

std::optional<SteadyTime> DisplacedFiles::nextDue() const
{
    return _items.empty() ? std::nullopt : std::optional(_due);
}

void DisplacedFiles::check(bool last)
{
    const SteadyTime now = _share.clock.steady();
    if (_items.empty() || (now < _due && !last))
    {
        return;
    }
    std::vector<Displaced> open;
    for (const Displaced& item : std::exchange(_items, {}))
    {
        try
        {
            if (!settle(item, last))
            {
                open.push_back(item);
            }
        }
        catch (const StorageError& error)
        {
            if (std::exchange(_problem, error.what()) != error.what())
            {
                _share.log.warning(_share.options.name + ": " + error.what() + "; trying again");
            }
            open.push_back(item);
        }
    }
    _items = std::move(open);
    _due = now + kDelay;
}

/// True when the file can be let go, or is kept as a conflict copy.
bool DisplacedFiles::settle(const Displaced& item, bool last)
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
        Placement placement(_share.files, _share.options.modes, conflictNamer(_share));
        if (const auto copy = placement.keepAsConflict(item.temporary, item.path))
        {
            _share.log.warning(_share.options.name + ": " + printable(item.path.text()) +
                                   " was still written to after it was replaced; that is kept as " +
                                   printable(copy->text()),
                               {.event = LogEvent::ConflictKept, .path = item.path.text()});
            _onCopy(*copy);
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

Placement::ConflictNamer conflictNamer(const ShareContext& share)
{
    const std::int64_t now = share.clock.wallSeconds();
    return [now, agent = share.options.agent](const RelativePath& path, unsigned attempt) {
        return conflictName(path, now, agent, attempt);
    };
}

} // namespace tidewire
