// scanFolder: against find(1) on random trees, against a brute-force model, and case by case.

#include "agent/scan/FolderScanner.h"

#include "shared/fs/PosixFileSystem.h"
#include "tests/support/FileTools.h"
#include "tests/support/MemoryFileSystem.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>

using namespace tidewire;

namespace {

using Lines = std::vector<std::string>;

/// Writes down what a scan says.
class Recorder: public ScanSink
{
public:
    void onFinding(const Finding& finding) override
    {
        static constexpr std::string_view kKinds = "NCV";
        lines.push_back(kKinds[static_cast<std::size_t>(finding.kind)] +
                        (":" + finding.path.text()));
        findings.push_back(finding);
    }
    void onSkipped(const Skipped& item) override
    {
        static constexpr std::string_view kReasons = "SOPU";
        lines.push_back(std::string("skip ") + kReasons[static_cast<std::size_t>(item.reason)] +
                        ":" + item.path);
        code = item.code;
    }
    void onFolder(const RelativePath& folder) override { folders.push_back(folder); }

    Lines lines;
    std::vector<Finding> findings;
    std::vector<RelativePath> folders;
    int code = 0;
};

IndexEntry indexed(const RelativePath& path, const FileStat& stat)
{
    IndexEntry entry;
    entry.seq = 1;
    entry.path = path;
    entry.entry.kind = stat.kind == FileKind::File        ? EntryKind::File
                       : stat.kind == FileKind::Directory ? EntryKind::Directory
                                                          : EntryKind::Symlink;
    entry.entry.mode = stat.mode;
    entry.local = LocalIdentity::of(stat);
    return entry;
}

std::string oddName(std::mt19937& random)
{
    static const std::vector<std::string> kNames{
        "a", "a-b", "a b", "B", "new\nline", "\xff\xfe", "\x80", "'", "*", "-x", ".dot", "\t"};
    return kNames[random() % kNames.size()] + std::to_string(random() % 30);
}

/// Lists a name that no path can hold, as a real folder deep down may.
class LongListing: public MemoryFileSystem
{
public:
    void list(const RelativePath& folder,
              const std::function<bool(std::string_view name, FileKind hint)>& each) override
    {
        MemoryFileSystem::list(folder, each);
        each(extraName, FileKind::File);
    }

    std::string extraName;
};

class ScanFixture
{
protected:
    /// Puts what is on the disk into the index.
    void take(std::string_view text)
    {
        index.put(share, indexed(pathOf(text), files.stat(pathOf(text)).value()));
    }

    Recorder scan(std::string_view folder = "")
    {
        Recorder recorder;
        scanFolder(files, index, share, rules, pathOf(folder), device, recorder);
        return recorder;
    }

    MemoryFileSystem files;
    Index index{":memory:"};
    ShareId share = index.share("s").id;
    IgnoreRules rules;
    std::uint64_t device = files.stat({})->device;
};

} // namespace

TEST_CASE_METHOD(ScanFixture, "scanFolder: new, changed and vanished come in the order of names")
{
    for (const char* name : {"b", "c", "d", "dir/below", "kept", "z"})
    {
        writeFile(files, name, "one");
    }
    files.createSymlink(pathOf("link"), "b");
    for (const char* name : {"b", "d", "dir", "dir/below", "kept", "link", "z"})
    {
        take(name);
    }
    writeFile(files, "b", "two");
    files.setMode(pathOf("d"), 0600);
    files.removeFile(pathOf("z"));
    const Recorder first = scan();
    CHECK(first.lines == Lines{"C:b", "N:c", "C:d", "V:z"});
    CHECK(first.folders == std::vector<RelativePath>{pathOf("dir")});
    CHECK(first.findings[0].stat == files.stat(pathOf("b")));

    files.setMode(pathOf("dir"), 0700);
    writeFile(files, "dir/more", "");
    files.setMtime(pathOf("link"), {5, 5});
    CHECK(scan().lines == Lines{"C:b", "N:c", "C:d", "C:dir", "C:link", "V:z"});
    CHECK(scan("dir").lines == Lines{"N:dir/more"});
}

TEST_CASE_METHOD(ScanFixture, "scanFolder: another kind under the same name is a change")
{
    writeFile(files, "a", "");
    take("a");
    files.removeFile(pathOf("a"));
    files.createDirectory(pathOf("a"), 0755);
    const Recorder seen = scan();
    CHECK(seen.lines == Lines{"C:a"});
    CHECK(seen.folders.size() == 1);
}

TEST_CASE_METHOD(ScanFixture,
                 "scanFolder: ignored and private entries are neither found nor missed")
{
    writeFile(files, ".tidewire/tmp/x", "");
    writeFile(files, "sub/.tidewire", "");
    writeFile(files, "a.tmp", "");
    writeFile(files, "gone.tmp", "");
    files.createOther(pathOf("fifo.tmp"));
    writeFile(files, "cache/x", "");
    take("a.tmp");
    take("gone.tmp");
    take("cache");
    rules.addPattern("*.tmp");
    rules.addPattern("cache/");
    files.removeFile(pathOf("gone.tmp"));
    const Recorder seen = scan();
    CHECK(seen.lines == Lines{"N:sub"});
    CHECK(seen.folders == std::vector<RelativePath>{pathOf("sub")});
    CHECK(scan("sub").lines == Lines{"N:sub/.tidewire"});
    removeTree(files, pathOf("cache"));
    CHECK(scan().lines == Lines{"N:sub"});
    writeFile(files, "cache", "a file of that name is not ignored");
    CHECK(scan().lines == Lines{"C:cache", "N:sub"});
}

TEST_CASE_METHOD(ScanFixture, "scanFolder: special files and mounts are skipped, indexed or not")
{
    writeFile(files, "file", "");
    writeFile(files, "mounted/x", "");
    writeFile(files, "plain/x", "");
    for (const char* name : {"file", "mounted", "mounted/x", "plain"})
    {
        take(name);
    }
    files.removeFile(pathOf("file"));
    files.createOther(pathOf("file"));
    files.createOther(pathOf("fifo"));
    files.mount(pathOf("mounted"), device + 1);
    const Recorder seen = scan();
    CHECK(seen.lines == Lines{"skip S:fifo", "skip S:file", "skip O:mounted"});
    CHECK(seen.folders == std::vector<RelativePath>{pathOf("plain")});
    CHECK(scan("mounted").lines == Lines{"skip O:mounted"});
}

TEST_CASE_METHOD(ScanFixture, "scanFolder: a folder that cannot be listed has lost nothing")
{
    writeFile(files, "dir/x", "");
    take("dir");
    take("dir/x");
    const int code = GENERATE(EACCES, EIO, ENOENT, ENOTDIR, EMFILE);
    files.setHook([&](std::string_view operation, const RelativePath&) {
        if (operation == "list")
        {
            throw StorageError("list", "dir", code);
        }
    });
    const Recorder seen = scan("dir");
    const bool isGone = code == ENOENT || code == ENOTDIR;
    CHECK(seen.lines == (isGone ? Lines{} : Lines{"skip U:dir"}));
    CHECK(seen.code == (isGone ? 0 : code));
    files.setHook({});
    removeTree(files, pathOf("dir"));
    CHECK(scan("dir").lines.empty());
    CHECK(scan().lines == Lines{"V:dir"});
}

TEST_CASE_METHOD(ScanFixture, "scanFolder: an entry whose stat fails is not missed")
{
    writeFile(files, "a", "");
    writeFile(files, "b", "");
    take("a");
    files.setHook([&](std::string_view operation, const RelativePath& path) {
        if (operation == "stat" && path == pathOf("a"))
        {
            throw StorageError("stat", "a", EACCES);
        }
    });
    CHECK(scan().lines == Lines{"skip U:a", "N:b"});
}

TEST_CASE_METHOD(ScanFixture, "scanFolder: a folder that is moved away meanwhile has lost nothing")
{
    for (const char* name : {"dir/a", "dir/b", "dir/c", "dir/x"})
    {
        writeFile(files, name, "");
    }
    for (const char* name : {"dir", "dir/a", "dir/b", "dir/c", "dir/lost"})
    {
        index.put(share, indexed(pathOf(name), files.stat(pathOf("dir/a")).value()));
    }
    const char* moment = GENERATE("dir/a", "dir/b", "dir/c", "dir/x");
    const bool replaced = GENERATE(false, true);
    bool isMoved = false;
    files.setHook([&](std::string_view operation, const RelativePath& path) {
        if (operation == "stat" && path == pathOf(moment) && !isMoved)
        {
            isMoved = true;
            REQUIRE(files.renameNoReplace(pathOf("dir"), pathOf("away")) == RenameOutcome::Done);
            if (replaced)
            {
                files.createDirectory(pathOf("dir"), 0755);
            }
        }
    });
    for (const std::string& line : scan("dir").lines)
    {
        // What was missing before the move may be reported, nothing else.
        CHECK((!line.starts_with("V:") ||
               (line == "V:dir/lost" && moment == pathOf("dir/x").text())));
    }
    CHECK(isMoved);
}

TEST_CASE_METHOD(ScanFixture, "scanFolder: a file that goes after the listing is missed as such")
{
    writeFile(files, "dir/a", "");
    writeFile(files, "dir/b", "");
    take("dir/a");
    bool isDone = false;
    files.setHook([&](std::string_view operation, const RelativePath& path) {
        if (operation == "stat" && path.folder() == "dir" && !isDone)
        {
            isDone = true;
            removeTree(files, pathOf("dir/a"));
            removeTree(files, pathOf("dir/b"));
        }
    });
    CHECK(scan("dir").lines == Lines{"V:dir/a"});
}

TEST_CASE_METHOD(ScanFixture, "scanFolder: a path that would be too long is skipped")
{
    // Every folder on the way is within the limit: only the last name is too much.
    RelativePath folder;
    while (folder.text().size() + 202 < kMaxPathBytes)
    {
        folder = RelativePath::join(folder, std::string(200, 'd')).value();
    }
    LongListing disk;
    makeFolders(disk, folder);
    const std::size_t room = kMaxPathBytes - folder.text().size() - 1;
    writeFile(disk, folder.text() + "/" + std::string(room, 'f'), "");
    disk.extraName = std::string(room + 1, 'f');
    Recorder seen;
    scanFolder(disk, index, share, rules, folder, device, seen);
    CHECK(seen.lines == Lines{"N:" + folder.text() + "/" + std::string(room, 'f'),
                              "skip P:" + folder.text() + "/" + std::string(room + 1, 'f')});
}

TEST_CASE_METHOD(ScanFixture, "scanFolder: findings equal those of a brute-force model")
{
    std::mt19937 random(5); // NOLINT: the same trees every time
    rules.addPattern("*7");
    for (int round = 0; round < 20; ++round)
    {
        const RelativePath folder = pathOf("r" + std::to_string(round));
        files.createDirectory(folder, 0755);
        std::map<RelativePath, std::string> expected;
        std::set<RelativePath> names;
        for (int i = round * 60; i > 0; --i)
        {
            names.insert(RelativePath::join(folder, oddName(random) + oddName(random)).value());
        }
        index.begin();
        for (const RelativePath& path : names)
        {
            const auto state = random() % 4; // 0 new, 1 as indexed, 2 changed, 3 vanished
            const bool isFolder = random() % 3 == 0;
            isFolder ? files.createDirectory(path, 0755) : writeFile(files, path.text(), "x");
            if (state != 0)
            {
                index.put(share, indexed(path, files.stat(path).value()));
            }
            if (state == 2)
            {
                files.setMode(path, 0700);
            }
            if (state == 3)
            {
                removeTree(files, path);
            }
            if (state != 1 && !path.text().ends_with('7'))
            {
                expected[path] = std::string("N CV").substr(state, 1) + ":" + path.text();
            }
        }
        index.commit();
        Lines wanted;
        for (const auto& [path, line] : expected)
        {
            wanted.push_back(line);
        }
        CHECK(scan(folder.text()).lines == wanted);
    }
}

TEST_CASE("scanFolder: on random trees it finds what find(1) finds")
{
    std::mt19937 random(6); // NOLINT: the same trees every time
    const TempFolder temp;
    const std::string root = temp / "root";
    REQUIRE(::mkdir(root.c_str(), 0755) == 0);
    PosixFileSystem files(root);
    std::vector<RelativePath> folders{RelativePath()};
    for (int i = 0; i < 600; ++i)
    {
        const auto path = RelativePath::join(folders[random() % folders.size()], oddName(random));
        if (!path || files.stat(*path))
        {
            continue;
        }
        switch (random() % 4)
        {
        case 0:
            files.createDirectory(*path, 0750);
            folders.push_back(*path);
            break;
        case 1:
            files.createSymlink(*path, "anywhere\n");
            break;
        default:
            writeFile(files, path->text(), "x");
        }
    }

    Index index(":memory:");
    const ShareId share = index.share("s").id;
    const std::uint64_t device = files.stat({})->device;
    Recorder seen;
    scanFolder(files, index, share, {}, {}, device, seen);
    for (std::size_t i = 0; i < seen.folders.size(); ++i)
    {
        scanFolder(files, index, share, {}, RelativePath(seen.folders[i]), device, seen);
    }
    const std::string command = "cd '" + root + "' && find . -mindepth 1 -print0 >../found";
    REQUIRE(std::system(command.c_str()) == 0);
    std::set<std::string> found;
    std::ifstream stream(temp / "found", std::ios::binary);
    for (std::string path; std::getline(stream, path, '\0');)
    {
        found.insert("N:" + path.substr(2));
    }
    CHECK(found.size() > 400);
    CHECK(std::set<std::string>(seen.lines.begin(), seen.lines.end()) == found);

    for (const Finding& finding : seen.findings)
    {
        index.put(share, indexed(finding.path, finding.stat));
    }
    Recorder again;
    for (const RelativePath& folder : folders)
    {
        scanFolder(files, index, share, {}, folder, device, again);
    }
    CHECK(again.lines.empty());
}

TEST_CASE("FolderScanner: a folder's special bits count only where they are carried", "[scan]")
{
    IndexEntry entry;
    entry.seq = 1;
    entry.entry.kind = EntryKind::Directory;
    entry.entry.mode = 0755;
    FileStat stat;
    stat.kind = FileKind::Directory;
    stat.mode = 02755;

    CHECK(isUnchanged(entry, stat, 0777));
    CHECK_FALSE(isUnchanged(entry, stat, 07777));
}
