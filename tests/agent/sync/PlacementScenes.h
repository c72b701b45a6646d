// Scenes for Placement: what stands on the disk, the task, and a person who writes at a chosen moment.

#pragma once

#include "agent/sync/ApplyTask.h"
#include "agent/sync/Placement.h"
#include "agent/sync/PrivateFolder.h"
#include "shared/base/Errors.h"
#include "tests/agent/sync/SyncFixture.h"

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tidewire {

inline constexpr Seq kTaskSeq = 7;
inline const std::string kOldText = "the old content";
inline const std::string kNewText = "what the relay told of";
inline const std::string kPersonText = "PERSON wrote it"; // as long as kOldText
inline const std::string kPersonLonger = "PERSON wrote it, and something more";

/// A task on a disk that is as the task expects it.
struct Scene
{
    std::string name;
    std::function<ApplyTask(FileSystem& files)> prepare;
    /// Whether the person may be at the source of a move, too.
    bool hasSource = false;
};

inline std::string textOf(FileSystem& files, const std::string& path)
{
    return readFile(files, path);
}

/// Marks what stands at the path as that which the index promised.
inline void expectWhatIsThere(FileSystem& files, ApplyTask& task)
{
    const auto stat = files.stat(task.path);
    task.expectPresent = stat.has_value();
    task.expectedKind = stat ? stat->kind : FileKind::Other;
    task.expected = stat ? LocalIdentity::of(*stat) : LocalIdentity();
}

inline ApplyTask taskFor(std::string_view path, Entry entry)
{
    ApplyTask task;
    task.seq = kTaskSeq;
    task.path = pathOf(path);
    task.entry = std::move(entry);
    return task;
}

/// Puts the finished content of the task where ApplyJob makes it.
inline void finishContent(FileSystem& files, ApplyTask& task)
{
    task.source = ContentSource::Temporary;
    task.temporary = PrivateFolder::temporary("get-7");
    if (task.entry.kind == EntryKind::Symlink)
    {
        files.createSymlink(task.temporary, task.entry.target);
    }
    else
    {
        writeFile(files, task.temporary.text(), kNewText);
        files.setMode(task.temporary, task.entry.mode);
    }
    files.setMtime(task.temporary, task.entry.mtime);
}

inline Entry linkEntry()
{
    Entry entry;
    entry.kind = EntryKind::Symlink;
    entry.target = "../elsewhere";
    entry.mtime = {1600000000, 7};
    return entry;
}

inline Entry folderEntry()
{
    Entry entry;
    entry.kind = EntryKind::Directory;
    entry.mode = 0755;
    return entry;
}

inline std::vector<Scene> filePlacements()
{
    const auto file = [](FileSystem& files, std::string_view path) {
        ApplyTask task = taskFor(path, fileEntry(kNewText));
        finishContent(files, task);
        return task;
    };
    return {
        {"a new file",
         [=](FileSystem& files) {
             makeFolders(files, pathOf("dir"));
             return file(files, "dir/a.txt");
         }},
        {"a new version",
         [=](FileSystem& files) {
             writeFile(files, "dir/a.txt", kOldText);
             ApplyTask task = file(files, "dir/a.txt");
             expectWhatIsThere(files, task);
             return task;
         }},
        {"a new version that keeps the local one",
         [=](FileSystem& files) {
             writeFile(files, "dir/a.txt", kOldText);
             ApplyTask task = file(files, "dir/a.txt");
             task.keepLocal = true;
             return task;
         }},
        {"a file in place of an empty folder",
         [=](FileSystem& files) {
             makeFolders(files, pathOf("dir/a.txt"));
             ApplyTask task = file(files, "dir/a.txt");
             expectWhatIsThere(files, task);
             return task;
         }},
        {"a link in place of a file",
         [](FileSystem& files) {
             writeFile(files, "dir/a.txt", kOldText);
             ApplyTask task = taskFor("dir/a.txt", linkEntry());
             finishContent(files, task);
             expectWhatIsThere(files, task);
             return task;
         }},
    };
}

inline ApplyTask moveTaskFrom(FileSystem& files, const char* from)
{
    makeFolders(files, pathOf("dir"));
    writeFile(files, from, kNewText);
    ApplyTask task = taskFor("dir/a.txt", fileEntry(kNewText));
    task.source = ContentSource::MoveOf;
    task.sourcePath = pathOf(from);
    task.sourceIdentity = LocalIdentity::of(*files.stat(task.sourcePath));
    return task;
}

inline ApplyTask moveTask(FileSystem& files)
{
    return moveTaskFrom(files, "from.txt");
}

inline std::vector<Scene> otherPlacements()
{
    return {
        {"a move", moveTask, true},
        {"a move onto a file",
         [](FileSystem& files) {
             writeFile(files, "dir/a.txt", kOldText);
             ApplyTask task = moveTask(files);
             expectWhatIsThere(files, task);
             return task;
         },
         true},
        {"a deletion",
         [](FileSystem& files) {
             writeFile(files, "dir/a.txt", kOldText);
             ApplyTask task = taskFor("dir/a.txt", Entry());
             expectWhatIsThere(files, task);
             return task;
         }},
        {"a folder's deletion",
         [](FileSystem& files) {
             makeFolders(files, pathOf("dir/a.txt"));
             ApplyTask task = taskFor("dir/a.txt", Entry());
             expectWhatIsThere(files, task);
             return task;
         }},
        {"a new folder",
         [](FileSystem& files) {
             makeFolders(files, pathOf("dir"));
             return taskFor("dir/a.txt", folderEntry());
         }},
        {"a folder in place of a file",
         [](FileSystem& files) {
             writeFile(files, "dir/a.txt", kOldText);
             ApplyTask task = taskFor("dir/a.txt", folderEntry());
             expectWhatIsThere(files, task);
             return task;
         }},
        {"a folder that keeps the local file",
         [](FileSystem& files) {
             writeFile(files, "dir/a.txt", kOldText);
             ApplyTask task = taskFor("dir/a.txt", folderEntry());
             task.keepLocal = true;
             return task;
         }},
        {"metadata alone",
         [](FileSystem& files) {
             writeFile(files, "dir/a.txt", kOldText);
             ApplyTask task = taskFor("dir/a.txt", fileEntry(kOldText));
             task.entry.mode = 0600;
             task.metadataOnly = true;
             expectWhatIsThere(files, task);
             return task;
         }},
    };
}

inline std::vector<Scene> allPlacements()
{
    std::vector<Scene> scenes = filePlacements();
    for (Scene& scene : otherPlacements())
    {
        scenes.push_back(std::move(scene));
    }
    return scenes;
}

/// What a person does to a path.
enum class Act
{
    WriteInPlace, ///< another content of the same length
    WriteLonger,
    Replace, ///< as editors do: another file takes its place
    Remove,
    PutFolder,   ///< a folder with a file in it takes its place
    WriteLate,   ///< through a file that was opened before all began, and closed at once
    KeepWriting, ///< the same, and it stays open
};

inline const std::vector<Act> kAllActs{Act::WriteInPlace,
                                       Act::WriteLonger,
                                       Act::Replace,
                                       Act::Remove,
                                       Act::PutFolder,
                                       Act::WriteLate,
                                       Act::KeepWriting};

/// Somebody who changes a path at a moment of the test's choice.
class Person
{
public:
    Person(FileSystem& files, Act act, std::string path):
        _files(files),
        _act(act),
        _path(std::move(path))
    {
        const auto stat = _files.stat(pathOf(_path));
        if ((act == Act::WriteLate || act == Act::KeepWriting) && stat &&
            stat->kind == FileKind::File)
        {
            _open = _files.openWrite(pathOf(_path));
        }
    }

    void act()
    {
        const auto stat = _files.stat(pathOf(_path));
        const bool isFile = stat && stat->kind == FileKind::File;
        switch (_act)
        {
        case Act::WriteInPlace:
        case Act::WriteLonger:
            if (stat && !isFile)
            {
                return;
            }
            write(_act == Act::WriteInPlace ? kPersonText : kPersonLonger);
            break;
        case Act::Replace:
            removeTree(_files, pathOf(_path));
            write(kPersonText);
            break;
        case Act::Remove:
            removeTree(_files, pathOf(_path));
            break;
        case Act::PutFolder:
            removeTree(_files, pathOf(_path));
            _path += "/inside.txt";
            write(kPersonText);
            break;
        case Act::WriteLate:
        case Act::KeepWriting:
            if (_open)
            {
                _open->write(0, asBytes(kPersonText));
                written = kPersonText;
            }
            if (_act == Act::WriteLate)
            {
                _open.reset();
            }
            break;
        }
    }

    std::string written; ///< empty: nothing

private:
    void write(const std::string& text)
    {
        makeFolders(_files, pathOf(_path).parent());
        if (_files.stat(pathOf(_path)))
        {
            // In place, as a program does that opens an existing file.
            try
            {
                _files.openWrite(pathOf(_path))->write(0, asBytes(text));
            }
            catch (const StorageError& error)
            {
                if (error.code() == EAGAIN)
                {
                    return; // has to wait for a moment
                }
                throw;
            }
        }
        else
        {
            writeFile(_files, _path, text);
        }
        written = text;
    }

    FileSystem& _files;
    const Act _act;
    std::string _path;
    std::unique_ptr<File> _open;
};

/// Contents of all files below a folder, by path.
inline void gatherFiles(FileSystem& files,
                        const RelativePath& folder,
                        std::map<std::string, std::string>& found)
{
    for (const std::string& name : listNames(files, folder))
    {
        const RelativePath path = *RelativePath::join(folder, name);
        const auto stat = files.stat(path);
        if (stat->kind == FileKind::Directory)
        {
            gatherFiles(files, path, found);
        }
        else if (stat->kind == FileKind::File)
        {
            found.emplace(path.text(), readFile(files, path.text()));
        }
    }
}

inline std::map<std::string, std::string> allFiles(FileSystem& files)
{
    std::map<std::string, std::string> found;
    gatherFiles(files, RelativePath(), found);
    return found;
}

/// For the messages of failed tests.
inline std::string describeFiles(FileSystem& files)
{
    std::string text;
    for (const auto& [path, content] : allFiles(files))
    {
        text += path + ": " + content + "; ";
    }
    return text;
}

inline bool isPrivatePath(const std::string& path)
{
    return pathOf(path).isPrivate();
}

/// What starts with `text` and is not in the private folder.
inline std::vector<std::string> visibleWith(FileSystem& files, const std::string& text)
{
    std::vector<std::string> result;
    for (const auto& [path, content] : allFiles(files))
    {
        if (!isPrivatePath(path) && content.starts_with(text))
        {
            result.push_back(path);
        }
    }
    return result;
}

/// Conflict names of tests.
inline RelativePath testConflictName(const RelativePath& path, unsigned attempt)
{
    return *RelativePath::parse(path.text() + ".conflict" + std::to_string(attempt));
}

} // namespace tidewire
