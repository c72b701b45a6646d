// The merge of a folder's sorted names with its rows in the index.

#include "agent/scan/FolderScanner.h"

#include "agent/scan/NameList.h"
#include "shared/base/Errors.h"

#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

namespace tidewire {

namespace {

constexpr std::size_t kBatchRows = 256;

EntryKind entryKindOf(FileKind kind)
{
    switch (kind)
    {
    case FileKind::File:
        return EntryKind::File;
    case FileKind::Directory:
        return EntryKind::Directory;
    case FileKind::Symlink:
        return EntryKind::Symlink;
    case FileKind::Other:
        break;
    }
    return EntryKind::Tombstone;
}

/// The rows of one folder, a batch at a time.
class RowCursor
{
public:
    RowCursor(Index& index, ShareId share, const RelativePath& folder):
        _index(index),
        _share(share),
        _folder(folder)
    {
        load({});
    }

    /// The row at hand; null behind the last one.
    [[nodiscard]] const IndexEntry* row() const
    {
        return _next < _batch.size() ? &_batch[_next] : nullptr;
    }

    void advance()
    {
        ++_next;
        if (_next == _batch.size() && _next == kBatchRows)
        {
            load(std::string(_batch.back().path.name()));
        }
    }

private:
    void load(const std::string& after)
    {
        _batch = _index.children(_share, _folder, after, kBatchRows);
        _next = 0;
    }

    Index& _index;
    const ShareId _share;
    const RelativePath& _folder;
    std::vector<IndexEntry> _batch;
    std::size_t _next = 0;
};

class Scan
{
public:
    Scan(FileSystem& files,
         const IgnoreRules& rules,
         const RelativePath& folder,
         std::uint64_t device,
         std::uint32_t modeMask,
         ScanSink& sink):
        _files(files),
        _rules(rules),
        _folder(folder),
        _device(device),
        _modeMask(modeMask),
        _sink(sink)
    {
    }

    void run(Index& index, ShareId share);

private:
    bool list(NameList& names);
    void onName(std::string_view name, FileKind hint, const IndexEntry* row);
    void onEntry(const RelativePath& path, const FileStat& stat, const IndexEntry* row);
    void onMissing(const IndexEntry& row);
    void skip(Skipped::Reason reason, std::string path, int code = 0);
    [[nodiscard]] bool isSameFolder() const;

    FileSystem& _files;
    const IgnoreRules& _rules;
    const RelativePath& _folder;
    const std::uint64_t _device;
    const std::uint32_t _modeMask;
    ScanSink& _sink;
    std::uint64_t _inode = 0; ///< of the folder
    bool _isProved = false;   ///< the folder was there still after the listing
    bool _isGone = false;     ///< it was not: whatever is seen from now on means nothing
};

void Scan::run(Index& index, ShareId share)
{
    NameList names;
    if (!list(names))
    {
        return;
    }
    names.sort();
    RowCursor cursor(index, share, _folder);
    std::size_t next = 0;
    while (!_isGone && (next < names.size() || cursor.row() != nullptr))
    {
        const IndexEntry* row = cursor.row();
        const bool hasName = next < names.size();
        const int order = !hasName         ? 1
                          : row == nullptr ? -1
                                           : names.name(next).compare(row->path.name());
        if (order > 0)
        {
            onMissing(*row);
        }
        else
        {
            onName(names.name(next), names.hint(next), order == 0 ? row : nullptr);
            ++next;
        }
        if (order >= 0)
        {
            cursor.advance();
        }
    }
}

/// False when there is nothing to compare with.
bool Scan::list(NameList& names)
{
    try
    {
        const auto stat = _files.stat(_folder);
        if (!stat || stat->kind != FileKind::Directory)
        {
            return false;
        }
        if (stat->device != _device)
        {
            skip(Skipped::Reason::OtherDevice, _folder.text());
            return false;
        }
        _inode = stat->inode;
        _files.list(_folder, [&](std::string_view name, FileKind hint) {
            names.add(name, hint);
            return true;
        });
        return true;
    }
    catch (const StorageError& error)
    {
        switch (error.code())
        {
        case ENOENT:
        case ENOTDIR:
        case ELOOP: // a link has taken its place
            break;
        case EXDEV:
            skip(Skipped::Reason::OtherDevice, _folder.text());
            break;
        default:
            skip(Skipped::Reason::Unreadable, _folder.text(), error.code());
        }
        return false;
    }
}

void Scan::onName(std::string_view name, FileKind hint, const IndexEntry* row)
{
    if (_folder.isRoot() && name == kPrivateFolder)
    {
        return;
    }
    const auto path = RelativePath::join(_folder, name);
    if (!path)
    {
        skip(Skipped::Reason::PathTooLong, _folder.text() + "/" + std::string(name));
        return;
    }
    // Spares ignored files the stat.
    if (hint != FileKind::Other && _rules.isEntryIgnored(*path, hint == FileKind::Directory))
    {
        return;
    }
    std::optional<FileStat> stat;
    try
    {
        stat = _files.stat(*path);
    }
    catch (const StorageError& error)
    {
        skip(Skipped::Reason::Unreadable, path->text(), error.code());
        return;
    }
    if (stat)
    {
        onEntry(*path, *stat, row);
    }
    else if (row != nullptr)
    {
        _isProved = false; // that it is missing may mean that the folder is
        onMissing(*row);
    }
}

void Scan::onEntry(const RelativePath& path, const FileStat& stat, const IndexEntry* row)
{
    const bool isFolder = stat.kind == FileKind::Directory;
    if (_rules.isEntryIgnored(path, isFolder))
    {
        return;
    }
    if (stat.device != _device)
    {
        skip(Skipped::Reason::OtherDevice, path.text());
        return;
    }
    if (stat.kind == FileKind::Other)
    {
        skip(Skipped::Reason::Special, path.text());
        return;
    }
    if (row == nullptr || !isUnchanged(*row, stat, _modeMask))
    {
        _sink.onFinding({row == nullptr ? Finding::Kind::New : Finding::Kind::Changed, path, stat});
    }
    if (isFolder)
    {
        _sink.onFolder(path);
    }
}

void Scan::onMissing(const IndexEntry& row)
{
    const EntryKind kind = row.entry.kind;
    if (kind == EntryKind::Tombstone || row.path.isPrivate() ||
        _rules.isEntryIgnored(row.path, kind == EntryKind::Directory))
    {
        return;
    }
    if (!_isProved)
    {
        _isGone = !isSameFolder();
        _isProved = !_isGone;
    }
    if (!_isGone)
    {
        _sink.onFinding({Finding::Kind::Vanished, row.path, {}});
    }
}

bool Scan::isSameFolder() const
{
    try
    {
        const auto stat = _files.stat(_folder);
        return stat && stat->kind == FileKind::Directory && stat->inode == _inode &&
               stat->device == _device;
    }
    catch (const StorageError&)
    {
        return false; // not proved: nothing is deleted on doubt
    }
}

void Scan::skip(Skipped::Reason reason, std::string path, int code)
{
    _sink.onSkipped({reason, std::move(path), code});
}

} // namespace

bool isUnchanged(const IndexEntry& entry, const FileStat& stat, std::uint32_t modeMask)
{
    if (entry.seq == 0 || entry.entry.kind != entryKindOf(stat.kind))
    {
        return false;
    }
    switch (stat.kind)
    {
    case FileKind::Directory:
        return entry.entry.mode == (stat.mode & modeMask);
    case FileKind::File:
        return entry.local == LocalIdentity::of(stat);
    case FileKind::Symlink:
        return entry.local.inode == stat.inode && entry.local.mtime == stat.mtime &&
               entry.local.ctime == stat.ctime;
    case FileKind::Other:
        break;
    }
    return false;
}

// NOLINTNEXTLINE(readability-function-size): a struct of these would be made for one call
void scanFolder(FileSystem& files,
                Index& index,
                ShareId share,
                const IgnoreRules& rules,
                const RelativePath& folder,
                std::uint64_t device,
                ScanSink& sink,
                std::uint32_t modeMask)
{
    Scan(files, rules, folder, device, modeMask, sink).run(index, share);
}

} // namespace tidewire
