// Opens entries below a root such that no symbolic link and no mount can lead outside.

#pragma once

#include "shared/base/UniqueFd.h"

#include <cstdint>
#include <string>

namespace tidewire {

/// Which interfaces of the kernel are used.
enum class KernelCalls : std::uint8_t
{
    Newest, ///< the best one that works here
    Basic,  ///< as if openat2(2), RENAME_NOREPLACE and /proc were missing; for tests
};

/// A descriptor, or the errno that says why there is none.
struct OpenResult
{
    UniqueFd fd;
    int error = 0;
};

/// Resolves paths below one directory with openat2(2) and RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
/// RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV.
///
/// Where there is no openat2(2) (Linux before 5.6, qemu-user) or a seccomp filter refuses it, one
/// openat(2) with O_NOFOLLOW per component does the same, held at each step by a descriptor. That
/// walk compares st_dev, so it alone does not notice a bind mount of the same filesystem.
///
/// Thread:  all methods may be called from any thread.
class BeneathOpen
{
public:
    /// `root` may be given through symbolic links.
    ///
    /// Errors: StorageError when it cannot be opened as a folder.
    BeneathOpen(const std::string& root, KernelCalls calls);

    /// The root, opened with O_PATH.
    [[nodiscard]] int root() const { return _root.get(); }

    /// Opens the folder at `path` (checked, relative; empty for the root) with O_DIRECTORY and
    /// `flags`. ELOOP for a link on the way or at the end, EXDEV for a mount, ENOTDIR, ENOENT.
    [[nodiscard]] OpenResult folder(const std::string& path, int flags) const;

    /// Opens the entry `name` of an open folder with O_NOFOLLOW and `flags` (none that creates).
    /// ELOOP for a link unless `flags` has O_PATH; EXDEV for a mount.
    [[nodiscard]] OpenResult entry(int folder, const std::string& name, int flags) const;

    /// True when openat2(2) is in use.
    [[nodiscard]] bool usesOpenat2() const { return _usesOpenat2; }

private:
    [[nodiscard]] OpenResult walk(const std::string& path) const;
    [[nodiscard]] OpenResult step(int folder, const std::string& name) const;

    // Constant after construction.
    const UniqueFd _root;
    std::uint64_t _device = 0;
    bool _usesOpenat2 = false;
};

} // namespace tidewire
