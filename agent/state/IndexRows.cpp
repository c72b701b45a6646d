// Columns to values, checked: the file may be damaged.

#include "agent/state/IndexRows.h"

namespace tidewire {

namespace {

constexpr std::uint32_t kMaxMode = 07777;
constexpr std::uint32_t kNanosecondsInSecond = 1000000000;

} // namespace

RelativePath readPath(const Query& row)
{
    const auto folder = RelativePath::parse(row.text(0));
    const std::string_view name = row.text(1);
    if (folder && name.empty() && folder->isRoot())
    {
        return {};
    }
    auto path = folder ? RelativePath::join(*folder, name) : std::nullopt;
    if (!path)
    {
        row.corrupt("a path is not valid");
    }
    return *std::move(path);
}

FileTime readTime(const Query& row, int column)
{
    const FileTime time{row.i64(column), row.u32(column + 1)};
    if (time.nanoseconds >= kNanosecondsInSecond)
    {
        row.corrupt("a time is not valid");
    }
    return time;
}

Entry readEntry(const Query& row)
{
    const std::uint32_t kind = row.u32(3);
    if (kind > static_cast<std::uint32_t>(EntryKind::Symlink))
    {
        row.corrupt("a kind of entry is not known");
    }
    Entry entry;
    entry.kind = static_cast<EntryKind>(kind);
    entry.mode = row.u32(4);
    entry.mtime = readTime(row, 5);
    entry.size = row.u64(7);
    entry.hash = {readPacked<32>(row, 8)};
    entry.target = row.text(9);
    if (entry.mode > kMaxMode || entry.size > kMaxContentBytes ||
        entry.target.size() > kMaxTargetBytes)
    {
        row.corrupt("an entry is not valid");
    }
    return entry;
}

} // namespace tidewire
