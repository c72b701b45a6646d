// Where a file holds data and where it has holes.

#pragma once

#include "shared/fs/FileSystem.h"

#include <cstdint>

namespace tidewire {

/// Bytes [begin, end) of a file.
struct Extent
{
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

/// The data of `file` that begins at or after `offset`, cut off at `limit`; begin and end are
/// `limit` when only a hole follows.
///
/// Errors: StorageError; Error when the file is changed at this very moment.
[[nodiscard]] Extent nextExtent(File& file, std::uint64_t offset, std::uint64_t limit);

/// Fills `buffer` from `offset`.
///
/// Errors: StorageError; Error "changed while it was read" when the file ends before.
void readFully(File& file, std::uint64_t offset, MutableByteView buffer);

/// Throws the Error of readFully() when the file is shorter than `size`.
void checkNotShorter(File& file, std::uint64_t size);

} // namespace tidewire
