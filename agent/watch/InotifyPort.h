// The watch tree's access to the kernel: inotify and openat.

#pragma once

#include "agent/watch/WatchPort.h"
#include "shared/base/Bytes.h"
#include "shared/base/UniqueFd.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tidewire {

/// One inotify instance (of the 128 that a user has) for all watched folders.
///
/// Folders are opened step by step from the root with O_NOFOLLOW, and watched through their
/// descriptor (/proc/self/fd), so no link that appears meanwhile leads a watch astray and no path
/// is too long.
class InotifyPort: public WatchPort
{
public:
    /// Takes at most `budget` watches, or half of fs.inotify.max_user_watches.
    ///
    /// StorageError when the user has no instance left.
    explicit InotifyPort(std::optional<std::uint64_t> budget);

    /// Readable when there are events; does not block.
    [[nodiscard]] int fd() const { return _inotify.get(); }

    /// Fills `buffer` with whole events. Empty when there are none.
    ///
    /// The buffer needs room for one event: sizeof(inotify_event) + NAME_MAX + 1.
    [[nodiscard]] ByteView read(MutableByteView buffer);

    [[nodiscard]] OpenedFolder
    open(const std::string& root, const RelativePath& path, std::uint64_t holder) override;
    [[nodiscard]] LookResult look(const std::string& root,
                                  const RelativePath& path,
                                  std::uint64_t holder,
                                  FolderInfo& info) override;
    [[nodiscard]] bool willBeClosed(const std::string& root, const RelativePath& path) override;
    void unwatch(int wd) override;
    [[nodiscard]] std::uint64_t budget() override;

private:
    const std::optional<std::uint64_t> _budget;
    UniqueFd _inotify;
};

} // namespace tidewire
