// What tests do with any FileSystem: whole files, whole trees.

#include "tests/support/FileTools.h"

#include "shared/base/Errors.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace tidewire {

namespace {

void describe(FileSystem& fileSystem, const RelativePath& folder, std::ostream& out)
{
    for (const std::string& name : listNames(fileSystem, folder))
    {
        const RelativePath path = RelativePath::join(folder, name).value();
        const std::optional<FileStat> stat = fileSystem.stat(path);
        if (!stat || path.isPrivate())
        {
            continue;
        }
        const std::string shown = printable(path.text());
        switch (stat->kind)
        {
        case FileKind::File:
            out << "file " << std::oct << stat->mode << std::dec << " " << stat->mtime.seconds
                << "." << stat->mtime.nanoseconds << " " << shown << " = "
                << printable(readFile(fileSystem, path.text())) << "\n";
            break;
        case FileKind::Directory:
            out << "folder " << std::oct << stat->mode << std::dec << " " << shown << "\n";
            describe(fileSystem, path, out);
            break;
        case FileKind::Symlink:
            out << "link " << shown << " -> " << printable(fileSystem.readSymlink(path)) << "\n";
            break;
        case FileKind::Other:
            out << "other " << shown << "\n";
            break;
        }
    }
}

std::unique_ptr<File> openOrCreate(FileSystem& fileSystem, const RelativePath& path)
{
    if (fileSystem.stat(path))
    {
        return fileSystem.openWrite(path);
    }
    makeFolders(fileSystem, path.parent());
    return fileSystem.createFile(path, 0644);
}

} // namespace

RelativePath pathOf(std::string_view text)
{
    std::optional<RelativePath> path = RelativePath::parse(text);
    if (!path)
    {
        throw std::invalid_argument("not a path: " + printable(text));
    }
    return *std::move(path);
}

void makeFolders(FileSystem& fileSystem, const RelativePath& folder)
{
    if (!fileSystem.stat(folder))
    {
        makeFolders(fileSystem, folder.parent());
        fileSystem.createDirectory(folder, 0755);
    }
}

void writeFile(FileSystem& fileSystem, std::string_view path, std::string_view text)
{
    const std::unique_ptr<File> file = openOrCreate(fileSystem, pathOf(path));
    file->truncate(0);
    file->write(0, asBytes(text));
}

void appendFile(FileSystem& fileSystem, std::string_view path, std::string_view text)
{
    const std::unique_ptr<File> file = openOrCreate(fileSystem, pathOf(path));
    file->write(file->stat().size, asBytes(text));
}

std::string readFile(FileSystem& fileSystem, std::string_view path)
{
    const std::unique_ptr<File> file = fileSystem.openRead(pathOf(path));
    Bytes content(static_cast<std::size_t>(file->stat().size));
    content.resize(file->read(0, content));
    return std::string(asText(content));
}

std::vector<std::string> listNames(FileSystem& fileSystem, const RelativePath& folder)
{
    std::vector<std::string> names;
    fileSystem.list(folder, [&](std::string_view name, FileKind) {
        names.emplace_back(name);
        return true;
    });
    std::sort(names.begin(), names.end());
    return names;
}

void removeTree(FileSystem& fileSystem, const RelativePath& path)
{
    const std::optional<FileStat> stat = fileSystem.stat(path);
    if (!stat)
    {
        return;
    }
    if (stat->kind != FileKind::Directory)
    {
        fileSystem.removeFile(path);
        return;
    }
    for (const std::string& name : listNames(fileSystem, path))
    {
        removeTree(fileSystem, RelativePath::join(path, name).value());
    }
    if (!path.isRoot())
    {
        fileSystem.removeDirectory(path);
    }
}

std::string describeTree(FileSystem& fileSystem)
{
    std::ostringstream out;
    describe(fileSystem, RelativePath(), out);
    return out.str();
}

} // namespace tidewire
