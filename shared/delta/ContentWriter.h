// Makes a new content in a file from operations, and proves it by its hash.

#pragma once

#include "shared/delta/Signature.h"
#include "shared/fs/FileSystem.h"

#include <memory>
#include <optional>
#include <utility>

namespace tidewire {

/// Contents from this size on are not kept in the page cache.
inline constexpr std::uint64_t kUncachedBytes = 64 << 20;

/// Writes a content from front to back, hashing as it goes.
///
/// Writing to the medium is begun every few MiB, so that the sync at the end has little left to
/// wait for. A content of kUncachedBytes or more leaves the page cache as it reaches the medium: on
/// a board it would push out everything else, and new pages cost more than used ones.
///
/// Memory: a buffer of 256 KiB (for a shorter content its size) and the signature.
/// Errors: StorageError from the files; CorruptError when an operation reaches beyond the base or
/// the announced size.
/// Thread: one at a time.
class ContentWriter
{
public:
    /// `out` is empty, or holds the first `resumeAt` bytes of the content from an earlier attempt:
    /// readBack() comes first then. Whatever it holds behind them is cut off. `base` may be null
    /// when no Copy will come. Both must outlive this.
    ContentWriter(File& out, std::uint64_t size, File* base, std::uint64_t resumeAt = 0);
    ~ContentWriter();

    /// Reads the next part, up to 1 MiB, of the first `resumeAt` bytes back and hashes it. True
    /// while there is more; nothing may be written before it is false.
    [[nodiscard]] bool readBack();

    /// Bytes of the content that have come.
    [[nodiscard]] std::uint64_t position() const;

    void copy(std::uint64_t offset, std::uint64_t length); ///< holes of the base stay holes
    void data(ByteView bytes);
    void zero(std::uint64_t length); ///< leaves a hole

    /// Hands what is buffered to the file: after it, and a sync of the file, a later attempt can
    /// resume at position().
    void flush();

    /// Sets the file's size, and returns the hash and signature of what was written. Nothing when
    /// fewer bytes than `size` have come. To be called once.
    [[nodiscard]] std::optional<std::pair<Hash, Signature>> finish();

private:
    class Impl;
    std::unique_ptr<Impl> _impl;
};

} // namespace tidewire
