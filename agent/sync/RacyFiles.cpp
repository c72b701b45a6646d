#include "agent/sync/RacyFiles.h"

namespace tidewire {

void RacyFiles::note(const RelativePath& path, const FileStat& stat)
{
    const SteadyTime now = _clock.steady();
    const std::int64_t age = _clock.wallSeconds() - stat.mtime.seconds;
    if (age < -kGrainSeconds || age > kGrainSeconds)
    {
        return;
    }
    if (_until.size() >= kMax && now >= _nextPurge)
    {
        // Not for each of many: a look at all of them takes its time.
        _nextPurge = now + std::chrono::seconds(1);
        purge();
    }
    if (_until.size() < kMax)
    {
        _until[path] = now + std::chrono::seconds(kGrainSeconds + 1);
    }
}

void RacyFiles::purge()
{
    const SteadyTime now = _clock.steady();
    std::erase_if(_until, [&](const auto& item) { return item.second < now; });
}

bool RacyFiles::take(const RelativePath& path)
{
    const auto node = _until.extract(path);
    return !node.empty() && node.mapped() >= _clock.steady();
}

} // namespace tidewire
