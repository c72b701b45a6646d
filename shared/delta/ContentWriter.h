// Makes a new content in a file from operations, and proves it by its hash.

#pragma once

#include "shared/delta/Signature.h"
#include "shared/fs/FileSystem.h"

#include <optional>

namespace tidewire {

/// Writes a content from front to back, hashing as it goes.
///
/// Errors: StorageError from the files; CorruptError when an operation reaches beyond the base or the announced size.
class ContentWriter
{
public:
    /// `out` is empty, or holds the first `resumeAt` bytes of the content from an earlier attempt (they are read back and
    /// hashed here). `base` may be null when no Copy will come. Both must outlive this.
    ContentWriter(File& out, std::uint64_t size, File* base, std::uint64_t resumeAt = 0);
    ~ContentWriter();

    [[nodiscard]] std::uint64_t position() const;

    void copy(std::uint64_t offset, std::uint64_t length);
    void data(ByteView bytes);
    void zero(std::uint64_t length); ///< leaves a hole

    /// Sets the file's size, and returns the hash and signature of what was written. Nothing when fewer bytes than `size` have come.
    [[nodiscard]] std::optional<std::pair<Hash, Signature>> finish();

    // private part: yours to design
};

} // namespace tidewire
