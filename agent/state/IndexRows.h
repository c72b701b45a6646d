// What the tables of the index have in common: paths, entries and fixed-size values as columns.

#pragma once

#include "shared/db/Statement.h"
#include "shared/model/Entry.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace tidewire {

/// The columns that readPath() and readEntry() expect first, in this order.
inline constexpr std::string_view kEntryColumns =
    "folder, name, seq, kind, mode, mtime_s, mtime_ns, size, hash, target";
inline constexpr int kEntryColumnCount = 10;
inline constexpr int kSeqColumn = 2;

/// The path in the columns 0 and 1. CorruptError when it is no valid path.
[[nodiscard]] RelativePath readPath(const Query& row);

/// The entry in the columns 3 to 9. CorruptError for values that no entry has.
[[nodiscard]] Entry readEntry(const Query& row);

/// A time in the columns `column` and `column + 1`.
[[nodiscard]] FileTime readTime(const Query& row, int column);

/// Bytes for the file: zeros as an empty BLOB.
template <std::size_t N>
[[nodiscard]] ByteView packed(const std::array<std::uint8_t, N>& value)
{
    const bool isZero = std::ranges::all_of(value, [](std::uint8_t byte) { return byte == 0; });
    return isZero ? ByteView() : ByteView(value);
}

/// The reverse of packed().
template <std::size_t N>
[[nodiscard]] std::array<std::uint8_t, N> readPacked(const Query& row, int column)
{
    std::array<std::uint8_t, N> value{};
    const ByteView bytes = row.blob(column);
    if (!bytes.empty() && bytes.size() != N)
    {
        row.corrupt("a value has the wrong length");
    }
    std::ranges::copy(bytes, value.begin());
    return value;
}

/// Name and folder of a path as they are bound; borrowed from the path.
[[nodiscard]] inline ByteView nameBytes(const RelativePath& path)
{
    return asBytes(path.name());
}
[[nodiscard]] inline ByteView folderBytes(const RelativePath& path)
{
    return asBytes(path.folder());
}

} // namespace tidewire
