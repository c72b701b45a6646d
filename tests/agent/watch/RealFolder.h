// A folder on the disk and a mirror of it that is fed by a real watcher.

#pragma once

#include "agent/watch/Watcher.h"
#include "shared/base/BoundedQueue.h"
#include "shared/base/Clock.h"
#include "tests/agent/watch/Mirror.h"
#include "tests/support/TempFolder.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire {

/// Where a watcher puts its hints for a test to take them out.
class HintQueue
{
public:
    [[nodiscard]] HintSink sink()
    {
        return [this](const Hint& hint) {
            _hints.pushNow(hint);
        };
    }

    /// The next hint; nothing when none came for far longer than it can take.
    [[nodiscard]] std::optional<Hint> next() { return _hints.pop(std::chrono::seconds(20)); }

    [[nodiscard]] std::optional<Hint> tryNext() { return _hints.tryPop(); }

private:
    BoundedQueue<Hint> _hints{1};
};

/// What lies in `root`: kind, mode, size, times and link targets.
[[nodiscard]] Mirror::Look lookAtDisk(const std::string& root);

/// Applies hints until the mirror equals the disk. The time is a bound for failure alone.
[[nodiscard]] bool catchesUp(Mirror& mirror, HintQueue& hints);

// What programs do to files; all throw when it does not work.
void writeText(const std::string& path, std::string_view text);
void appendText(const std::string& path, std::string_view text);
void makeFolder(const std::string& path);
void makeFolders(const std::string& path);
void renamePath(const std::string& from, const std::string& to);
void removePath(const std::string& path);
void removeTree(const std::string& path);

} // namespace tidewire
