// The people at the boards of a simulation: random changes of a folder, with books of what they wrote.

#include "tests/sim/SimUser.h"

#include "shared/base/Errors.h"
#include "tests/support/FileTools.h"

#include <cerrno>

namespace tidewire {

namespace {

const std::vector<std::string> kNames = {"a", "b.txt", "c", "d"};
const std::vector<std::uint32_t> kFileModes = {0644, 0600, 0755, 0640};
const std::vector<std::uint32_t> kFolderModes = {0755, 0700, 0750};
constexpr unsigned kMaxDepth = 3;
constexpr unsigned kKinds = 20;

unsigned depthOf(const RelativePath& path)
{
    unsigned depth = path.isRoot() ? 0U : 1U;
    for (const char byte : path.text())
    {
        depth += byte == '/' ? 1U : 0U;
    }
    return depth;
}

/// False while the agent keeps writers out: a program would wait for that moment.
bool mayWrite(FileSystem& disk, const RelativePath& path)
{
    try
    {
        static_cast<void>(disk.openWrite(path));
        return true;
    }
    catch (const StorageError& error)
    {
        return error.code() != EAGAIN;
    }
}

} // namespace

std::vector<SimUser::Found> SimUser::list(FileSystem& disk)
{
    std::vector<Found> all;
    std::vector<RelativePath> folders(1);
    while (!folders.empty())
    {
        const RelativePath folder = folders.back();
        folders.pop_back();
        for (const std::string& name : listNames(disk, folder))
        {
            const RelativePath path = RelativePath::join(folder, name).value();
            const auto stat = disk.stat(path);
            if (!stat || path.isPrivate())
            {
                continue;
            }
            all.push_back({path, *stat});
            if (stat->kind == FileKind::Directory)
            {
                folders.push_back(path);
            }
        }
    }
    return all;
}

std::optional<RelativePath> SimUser::pickFile(FileSystem& disk, const std::vector<Found>& all)
{
    std::vector<RelativePath> files;
    for (const Found& found : all)
    {
        if (found.stat.kind == FileKind::File)
        {
            files.push_back(found.path);
        }
    }
    const auto picked = files.empty() ? std::nullopt : std::optional(_random.pick(files));
    return picked && mayWrite(disk, *picked) ? picked : std::nullopt;
}

std::optional<RelativePath> SimUser::pickFolder(const std::vector<Found>& all, bool orRoot)
{
    std::vector<RelativePath> folders(orRoot ? 1 : 0);
    for (const Found& found : all)
    {
        if (found.stat.kind == FileKind::Directory)
        {
            folders.push_back(found.path);
        }
    }
    return folders.empty() ? std::nullopt : std::optional(_random.pick(folders));
}

/// A path in some folder; there may be something.
RelativePath SimUser::pickFreshPath(const std::vector<Found>& all)
{
    RelativePath folder = *pickFolder(all, true);
    while (depthOf(folder) >= kMaxDepth)
    {
        folder = folder.parent();
    }
    return RelativePath::join(folder, _random.pick(kNames)).value();
}

std::string SimUser::readKnown(FileSystem& disk, const RelativePath& path)
{
    std::string text = readFile(disk, path.text());
    if (!_ledger.find(text))
    {
        throw SimFailure("a user sees in " + path.text() + " what nobody has written");
    }
    return text;
}

void SimUser::supersedeTree(FileSystem& disk, const RelativePath& path)
{
    const auto stat = disk.stat(path);
    if (stat && stat->kind == FileKind::File)
    {
        _ledger.supersede(readKnown(disk, path), path);
    }
    else if (stat && stat->kind == FileKind::Directory)
    {
        for (const std::string& name : listNames(disk, path))
        {
            supersedeTree(disk, RelativePath::join(path, name).value());
        }
    }
}

void SimUser::removeSeen(FileSystem& disk, const RelativePath& path)
{
    supersedeTree(disk, path);
    removeTree(disk, path);
}

std::size_t SimUser::contentSize()
{
    if (_isLarge && _random.oneIn(3))
    {
        return static_cast<std::size_t>(200'000 + _random.below(500'000));
    }
    return static_cast<std::size_t>(_random.oneIn(8) ? _random.below(20'000) : _random.below(300));
}

void SimUser::change(SimAgent& agent, SimTrace& trace)
{
    SimDisk& disk = agent.user();
    const std::string what =
        dispatch(static_cast<unsigned>(_random.below(kKinds)), disk, list(disk));
    if (!what.empty())
    {
        trace.add(agent.name() + "'s user", what);
    }
}

std::string SimUser::dispatch(unsigned kind, FileSystem& disk, const std::vector<Found>& all)
{
    switch (kind)
    {
    case 0:
    case 1:
    case 2:
        return create(disk, all);
    case 3:
        return copy(disk, all);
    case 4:
    case 5:
        return edit(disk, all);
    case 6:
        return rewrite(disk, all);
    case 7:
        return replace(disk, all);
    case 8:
        return append(disk, all);
    case 9:
    case 10:
        return remove(disk, all);
    case 11:
    case 12:
    case 13:
        return rename(disk, all);
    case 14:
        return makeFolder(disk, all);
    case 15:
        return removeFolder(disk, all);
    case 16:
        return makeLink(disk, all);
    case 17:
        return setMode(disk, all);
    case 18:
        return setMtime(disk, all);
    default:
        return changeKind(disk, all);
    }
}

// --- the changes ---------------------------------------------------------------------------------

std::string SimUser::create(FileSystem& disk, const std::vector<Found>& all)
{
    const RelativePath path = pickFreshPath(all);
    if (disk.stat(path))
    {
        return {};
    }
    const std::string& text = _ledger.make(_random, contentSize());
    writeFile(disk, path.text(), text);
    return "makes " + path.text() + " = " + text.substr(0, 7);
}

/// The same content at another path.
std::string SimUser::copy(FileSystem& disk, const std::vector<Found>& all)
{
    const auto from = pickFile(disk, all);
    const RelativePath to = pickFreshPath(all);
    if (!from || disk.stat(to))
    {
        return {};
    }
    const std::string text = readKnown(disk, *from);
    _ledger.revive(text, to);
    writeFile(disk, to.text(), text);
    return "copies " + from->text() + " to " + to.text();
}

std::string SimUser::edit(FileSystem& disk, const std::vector<Found>& all)
{
    const auto path = pickFile(disk, all);
    if (!path)
    {
        return {};
    }
    const std::string before = readKnown(disk, *path);
    const std::string& text = _ledger.edit(_random, before);
    _ledger.supersede(before, *path);
    disk.openWrite(*path)->write(0, asBytes(text));
    return "edits " + path->text() + " to " + text.substr(0, 7);
}

std::string SimUser::rewrite(FileSystem& disk, const std::vector<Found>& all)
{
    const auto path = pickFile(disk, all);
    if (!path)
    {
        return {};
    }
    _ledger.supersede(readKnown(disk, *path), *path);
    const std::string& text = _ledger.make(_random, contentSize());
    writeFile(disk, path->text(), text);
    return "rewrites " + path->text() + " as " + text.substr(0, 7);
}

/// As editors do it: a new file takes the place of the old one.
std::string SimUser::replace(FileSystem& disk, const std::vector<Found>& all)
{
    const auto path = pickFile(disk, all);
    if (!path)
    {
        return {};
    }
    const RelativePath temporary = RelativePath::join(path->parent(), ".new").value();
    if (disk.stat(temporary))
    {
        return {};
    }
    _ledger.supersede(readKnown(disk, *path), *path);
    const std::string& text = _ledger.make(_random, contentSize());
    writeFile(disk, temporary.text(), text);
    static_cast<void>(disk.exchange(temporary, *path));
    disk.removeFile(temporary);
    return "replaces " + path->text() + " by " + text.substr(0, 7);
}

std::string SimUser::append(FileSystem& disk, const std::vector<Found>& all)
{
    const auto path = pickFile(disk, all);
    if (!path)
    {
        return {};
    }
    const std::string before = readKnown(disk, *path);
    const std::string& text = _ledger.append(_random, before);
    _ledger.supersede(before, *path);
    appendFile(disk, path->text(), std::string_view(text).substr(before.size()));
    return "appends to " + path->text();
}

std::string SimUser::remove(FileSystem& disk, const std::vector<Found>& all)
{
    const auto path = pickFile(disk, all);
    if (!path)
    {
        return {};
    }
    removeSeen(disk, *path);
    return "removes " + path->text();
}

/// Anything to anywhere; what is there is replaced when it is no folder.
std::string SimUser::rename(FileSystem& disk, const std::vector<Found>& all)
{
    if (all.empty())
    {
        return {};
    }
    const Found from = _random.pick(all);
    const RelativePath to = pickFreshPath(all);
    const auto there = disk.stat(to);
    if (to.isWithin(from.path) ||
        (there && (there->kind == FileKind::Directory || from.stat.kind == FileKind::Directory)))
    {
        return {};
    }
    if (there)
    {
        supersedeTree(disk, to);
        static_cast<void>(disk.exchange(from.path, to));
        disk.removeFile(from.path);
    }
    else
    {
        static_cast<void>(disk.renameNoReplace(from.path, to));
    }
    return "renames " + from.path.text() + " to " + to.text();
}

std::string SimUser::makeFolder(FileSystem& disk, const std::vector<Found>& all)
{
    const RelativePath path = pickFreshPath(all);
    if (disk.stat(path))
    {
        return {};
    }
    disk.createDirectory(path, _random.pick(kFolderModes));
    return "makes folder " + path.text();
}

std::string SimUser::removeFolder(FileSystem& disk, const std::vector<Found>& all)
{
    const auto path = pickFolder(all, false);
    if (!path)
    {
        return {};
    }
    removeSeen(disk, *path);
    return "removes folder " + path->text();
}

std::string SimUser::makeLink(FileSystem& disk, const std::vector<Found>& all)
{
    const RelativePath path = pickFreshPath(all);
    const auto there = disk.stat(path);
    if (there && there->kind != FileKind::Symlink)
    {
        return {};
    }
    if (there)
    {
        disk.removeFile(path);
    }
    const std::string target = "to-" + std::to_string(_random.below(10));
    disk.createSymlink(path, target);
    return "links " + path.text() + " to " + target;
}

std::string SimUser::setMode(FileSystem& disk, const std::vector<Found>& all)
{
    if (all.empty())
    {
        return {};
    }
    const Found found = _random.pick(all);
    if (found.stat.kind == FileKind::Symlink)
    {
        return {};
    }
    disk.setMode(found.path,
                 _random.pick(found.stat.kind == FileKind::File ? kFileModes : kFolderModes));
    return "chmods " + found.path.text();
}

std::string SimUser::setMtime(FileSystem& disk, const std::vector<Found>& all)
{
    const auto path = pickFile(disk, all);
    if (!path)
    {
        return {};
    }
    disk.setMtime(*path, {static_cast<std::int64_t>(_random.below(1'000'000)), 7});
    return "touches " + path->text();
}

std::string SimUser::changeKind(FileSystem& disk, const std::vector<Found>& all)
{
    if (all.empty())
    {
        return {};
    }
    const Found found = _random.pick(all);
    removeSeen(disk, found.path);
    if (found.stat.kind != FileKind::Directory && _random.oneIn(2))
    {
        disk.createDirectory(found.path, 0755);
        return "turns " + found.path.text() + " into a folder";
    }
    if (found.stat.kind == FileKind::Symlink || _random.oneIn(2))
    {
        const std::string& text = _ledger.make(_random, contentSize());
        writeFile(disk, found.path.text(), text);
        return "turns " + found.path.text() + " into file " + text.substr(0, 7);
    }
    disk.createSymlink(found.path, "elsewhere");
    return "turns " + found.path.text() + " into a link";
}

} // namespace tidewire
