// Which filesystems tell inotify of every writer.

#pragma once

#include "agent/Modes.h"

#include <cstdint>
#include <string>

namespace tidewire {

/// Name of a filesystem on which others than this kernel write, by its magic number in statfs(2);
/// null when inotify sees every writer.
///
/// A write of our own would be seen on all of them, so trying proves nothing. overlayfs is not
/// among them: changing its layers while it is mounted is undefined anyway (kernel,
/// Documentation/filesystems/overlayfs.rst), and what goes through it is seen.
[[nodiscard]] const char* blindFilesystem(std::uint32_t magic);

/// The magic number of the filesystem that holds `path`. StorageError when it cannot be had.
[[nodiscard]] std::uint32_t filesystemMagic(const std::string& path);

} // namespace tidewire
