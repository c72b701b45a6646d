#include "agent/sync/DirtySet.h"

#include <algorithm>

namespace tidewire {

void DirtySet::mark(const RelativePath& path, HintScope scope, HintTiming timing, SteadyTime now)
{
    State wanted{scope, now, now, false};
    if (timing == HintTiming::Writing)
    {
        const auto known = _paths.find(path);
        if (known != _paths.end() && !known->second.writing && known->second.due <= now)
        {
            known->second.scope = std::max(known->second.scope, scope);
            return;
        }
        wanted.writing = true;
        if (known != _paths.end() && known->second.writing)
        {
            wanted.firstWrite = known->second.firstWrite;
        }
        wanted.due = std::min(now + kQuiet, wanted.firstWrite + kMaxHold);
    }
    schedule(path, scope, wanted);
    if (_paths.size() > kMaxDirtyPaths)
    {
        collapse(now);
    }
}

void DirtySet::markLater(const RelativePath& path,
                         HintScope scope,
                         SteadyTime now,
                         SteadyTime delay)
{
    const auto known = _paths.find(path);
    if (known != _paths.end() && known->second.due <= now + delay)
    {
        known->second.scope = std::max(known->second.scope, scope);
        return;
    }
    schedule(path, scope, {scope, now + delay, now, false});
    if (_paths.size() > kMaxDirtyPaths)
    {
        collapse(now);
    }
}

std::optional<DirtyPath> DirtySet::take(SteadyTime now)
{
    if (_byDue.empty() || _byDue.begin()->first > now)
    {
        return std::nullopt;
    }
    const auto first = _paths.find(_byDue.begin()->second);
    _byDue.erase(_byDue.begin());
    // A path that is being written falls due when it has been quiet, or held for long enough.
    DirtyPath result{first->first, first->second.scope, first->second.writing};
    _paths.erase(first);
    return result;
}

std::optional<SteadyTime> DirtySet::nextDue() const
{
    return _byDue.empty() ? std::nullopt : std::optional(_byDue.begin()->first);
}

void DirtySet::schedule(const RelativePath& path, HintScope scope, const State& wanted)
{
    const auto [place, isNew] = _paths.try_emplace(path, wanted);
    if (!isNew)
    {
        _byDue.erase({place->second.due, path});
        const HintScope widest = std::max(place->second.scope, scope);
        place->second = wanted;
        place->second.scope = widest;
    }
    _byDue.emplace(wanted.due, path);
}

void DirtySet::collapse(SteadyTime now)
{
    _paths.clear();
    _byDue.clear();
    schedule(RelativePath(), HintScope::Subtree, {HintScope::Subtree, now, now, false});
}

} // namespace tidewire
