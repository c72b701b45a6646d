// What only the file system in memory has: faults on order, power cuts, a time of its own.

#include "tests/support/MemoryFileSystem.h"

#include "shared/base/Errors.h"
#include "tests/support/FileTools.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <random>

using namespace tidewire;

namespace {

void syncFile(FileSystem& fs, const char* path)
{
    fs.openRead(pathOf(path))->sync();
}

/// All paths of a tree, folders before what is in them.
void collect(FileSystem& fs, const RelativePath& folder, std::vector<RelativePath>& paths)
{
    for (const std::string& name : listNames(fs, folder))
    {
        paths.push_back(RelativePath::join(folder, name).value());
        if (fs.stat(paths.back()).value().kind == FileKind::Directory)
        {
            collect(fs, RelativePath(paths.back()), paths);
        }
    }
}

/// One random step that removes no file.
void changeNames(FileSystem& fs, std::mt19937& random)
{
    std::vector<RelativePath> paths = {RelativePath()};
    collect(fs, RelativePath(), paths);
    const RelativePath& a = paths[random() % paths.size()];
    const RelativePath& b = paths[random() % paths.size()];
    const RelativePath fresh = RelativePath::join(b, std::to_string(random() % 50)).value();
    switch (random() % 6)
    {
    case 0:
        fs.createDirectory(fresh, 0755);
        break;
    case 1:
        fs.removeDirectory(a);
        break;
    case 2:
        static_cast<void>(fs.exchange(a, b));
        break;
    case 3:
        fs.syncDirectory(a);
        break;
    default:
        static_cast<void>(fs.renameNoReplace(a, fresh));
        break;
    }
}

} // namespace

TEST_CASE("MemoryFileSystem: a hook lets any operation fail before it changes something", "[fs]")
{
    MemoryFileSystem fs;
    writeFile(fs, "file", "x");
    const std::string before = describeTree(fs);
    fs.setHook([](std::string_view operation, const RelativePath& path) {
        if (operation == "createFile" || operation == "write")
        {
            throw StorageError(operation, path.text(), ENOSPC);
        }
    });

    CHECK_THROWS_AS(fs.createFile(pathOf("new"), 0644), StorageError);
    CHECK_THROWS_AS(fs.openWrite(pathOf("file"))->write(0, asBytes("y")), StorageError);
    CHECK(describeTree(fs) == before);
}

TEST_CASE("MemoryFileSystem: a hook may change the tree at the last moment", "[fs]")
{
    MemoryFileSystem fs;
    writeFile(fs, "from", "x");
    fs.setHook([&](std::string_view operation, const RelativePath&) {
        if (operation == "renameNoReplace")
        {
            writeFile(fs, "to", "first");
        }
    });

    CHECK(fs.renameNoReplace(pathOf("from"), pathOf("to")) == RenameOutcome::TargetExists);
    CHECK(readFile(fs, "to") == "first");
}

TEST_CASE("MemoryFileSystem: every change has a time of its own", "[fs]")
{
    MemoryFileSystem fs;
    writeFile(fs, "file", "a");
    const FileStat first = fs.stat(pathOf("file")).value();

    writeFile(fs, "file", "b");

    CHECK(fs.stat(pathOf("file")).value().mtime > first.mtime);
    CHECK(fs.stat(pathOf("file")).value().ctime > first.ctime);
}

TEST_CASE("MemoryFileSystem: the time source decides the times", "[fs]")
{
    MemoryFileSystem fs([] { return FileTime{42, 7}; });

    writeFile(fs, "file", "a");

    CHECK(fs.stat(pathOf("file")).value().mtime == FileTime{42, 7});
}

TEST_CASE("MemoryFileSystem: inode numbers are never used again", "[fs]")
{
    MemoryFileSystem fs;
    writeFile(fs, "file", "a");
    const std::uint64_t first = fs.stat(pathOf("file")).value().inode;
    fs.removeFile(pathOf("file"));

    writeFile(fs, "file", "a");

    CHECK(fs.stat(pathOf("file")).value().inode > first);
}

TEST_CASE("MemoryFileSystem: a sparse file of 10 GiB costs what was written", "[fs]")
{
    MemoryFileSystem fs;
    constexpr std::uint64_t kFar = std::uint64_t{10} << 30U;

    const auto file = fs.createFile(pathOf("sparse"), 0600);
    file->write(kFar, asBytes("x"));

    CHECK(file->nextData(0) == kFar);
    CHECK(file->nextHole(0) == 0);
    CHECK(file->stat().size == kFar + 1);
}

TEST_CASE("MemoryFileSystem: what is mounted is seen but not entered", "[fs]")
{
    MemoryFileSystem fs;
    writeFile(fs, "mnt/file", "x");
    fs.mount(pathOf("mnt"), 99);

    CHECK(fs.stat(pathOf("mnt")).value().device == 99);
    CHECK_THROWS_AS(fs.stat(pathOf("mnt/file")), StorageError);
    CHECK_THROWS_AS(listNames(fs, pathOf("mnt")), StorageError);
    CHECK_THROWS_AS(fs.removeDirectory(pathOf("mnt")), StorageError);
}

TEST_CASE("MemoryFileSystem: a power cut takes what was not synced", "[fs][crash]")
{
    MemoryFileSystem fs;
    writeFile(fs, "file", "old");
    fs.syncAll();
    writeFile(fs, "file", "new");
    writeFile(fs, "other", "x");

    fs.crash();

    CHECK(readFile(fs, "file") == "old");
    CHECK(listNames(fs, RelativePath()) == std::vector<std::string>{"file"});
}

TEST_CASE("MemoryFileSystem: a synced name without synced content is an empty file", "[fs][crash]")
{
    MemoryFileSystem fs;
    writeFile(fs, "file", "content");
    fs.syncDirectory(RelativePath());

    fs.crash();

    CHECK(readFile(fs, "file").empty());
}

TEST_CASE("MemoryFileSystem: synced content without a synced name is gone", "[fs][crash]")
{
    MemoryFileSystem fs;
    writeFile(fs, "file", "content");
    syncFile(fs, "file");

    fs.crash();

    CHECK_FALSE(fs.stat(pathOf("file")));
}

TEST_CASE("MemoryFileSystem: a removal is durable once the folder was synced", "[fs][crash]")
{
    MemoryFileSystem fs;
    writeFile(fs, "file", "content");
    fs.syncAll();
    fs.removeFile(pathOf("file"));
    const bool synced = GENERATE(false, true);
    if (synced)
    {
        fs.syncDirectory(RelativePath());
    }

    fs.crash();

    CHECK(fs.stat(pathOf("file")).has_value() == !synced);
}

TEST_CASE("MemoryFileSystem: a rename is durable in both folders or in none", "[fs][crash]")
{
    MemoryFileSystem fs;
    writeFile(fs, "a/file", "content");
    makeFolders(fs, pathOf("b"));
    fs.syncAll();
    REQUIRE(fs.renameNoReplace(pathOf("a/file"), pathOf("b/file")) == RenameOutcome::Done);
    const std::string synced = GENERATE("", "a", "b");
    CAPTURE(synced);
    fs.syncDirectory(pathOf(synced));

    fs.crash();

    const std::string expected = synced.empty() ? "a/file" : "b/file";
    CHECK(readFile(fs, expected) == "content");
    CHECK(listNames(fs, pathOf("a")).size() + listNames(fs, pathOf("b")).size() == 1);
}

TEST_CASE("MemoryFileSystem: an exchange is durable at both paths or at none", "[fs][crash]")
{
    MemoryFileSystem fs;
    writeFile(fs, "a/file", "one");
    writeFile(fs, "b/file", "two");
    fs.syncAll();
    REQUIRE(fs.exchange(pathOf("a/file"), pathOf("b/file")) == RenameOutcome::Done);
    const std::string synced = GENERATE("", "a", "b");
    CAPTURE(synced);
    fs.syncDirectory(pathOf(synced));

    fs.crash();

    CHECK(readFile(fs, "a/file") == (synced.empty() ? "one" : "two"));
    CHECK(readFile(fs, "b/file") == (synced.empty() ? "two" : "one"));
}

TEST_CASE("MemoryFileSystem: a power cut loses no file that moved into a new folder", "[fs][crash]")
{
    MemoryFileSystem fs;
    writeFile(fs, "a/file", "content");
    fs.syncAll();
    makeFolders(fs, pathOf("new/deep"));
    REQUIRE(fs.renameNoReplace(pathOf("a/file"), pathOf("new/deep/file")) == RenameOutcome::Done);
    fs.syncDirectory(pathOf("a"));

    fs.crash();

    CHECK(readFile(fs, "new/deep/file") == "content");
}

TEST_CASE("MemoryFileSystem: a file that left a removed folder is not lost with it", "[fs][crash]")
{
    MemoryFileSystem fs;
    writeFile(fs, "a/d/file", "content");
    makeFolders(fs, pathOf("b"));
    fs.syncAll();
    REQUIRE(fs.renameNoReplace(pathOf("a/d/file"), pathOf("b/file")) == RenameOutcome::Done);
    fs.removeDirectory(pathOf("a/d"));
    fs.syncDirectory(pathOf("a"));

    fs.crash();

    CHECK_FALSE(fs.stat(pathOf("a/d")));
    CHECK(readFile(fs, "b/file") == "content");
}

TEST_CASE("MemoryFileSystem: a file outlives a folder that never was durable", "[fs][crash]")
{
    MemoryFileSystem fs;
    writeFile(fs, "folder/inner/file", "content");
    syncFile(fs, "folder/inner/file");
    fs.syncDirectory(pathOf("folder/inner"));
    fs.syncDirectory(pathOf("folder"));
    REQUIRE(fs.renameNoReplace(pathOf("folder/inner/file"), pathOf("file")) == RenameOutcome::Done);
    fs.removeDirectory(pathOf("folder/inner"));
    fs.removeDirectory(pathOf("folder"));
    const bool isSynced = GENERATE(true, false);
    if (isSynced)
    {
        fs.syncDirectory(RelativePath());
    }

    fs.crash();

    CHECK(fs.stat(pathOf("file")).has_value() == isSynced);
}

TEST_CASE("MemoryFileSystem: no renaming and syncing lets a power cut lose or double a file",
          "[fs][crash]")
{
    constexpr int kFiles = 8;
    const unsigned seed = GENERATE(range(1U, 201U));
    CAPTURE(seed);
    std::mt19937 random(seed);
    MemoryFileSystem fs;
    for (int i = 0; i < kFiles; ++i)
    {
        const std::string number = std::to_string(i);
        writeFile(fs, std::to_string(i / 3) + "/" + number, number);
    }
    fs.syncAll();

    for (int step = 0; step < 60; ++step)
    {
        static_cast<void>(errorOf([&] { changeNames(fs, random); }));
    }
    fs.crash();

    std::vector<RelativePath> paths;
    collect(fs, RelativePath(), paths);
    std::vector<std::string> contents;
    for (const RelativePath& path : paths)
    {
        if (fs.stat(path).value().kind == FileKind::File)
        {
            contents.push_back(readFile(fs, path.text()));
        }
    }
    std::sort(contents.begin(), contents.end());
    CHECK(contents == std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7"});
}

TEST_CASE("MemoryFileSystem: files that were open at a power cut are stale", "[fs][crash]")
{
    MemoryFileSystem fs;
    writeFile(fs, "file", "content");
    fs.syncAll();
    const auto file = fs.openWrite(pathOf("file"));

    fs.crash();

    CHECK_THROWS_AS(file->write(0, asBytes("x")), StorageError);
    CHECK(readFile(fs, "file") == "content");
    CHECK_FALSE(fs.openRead(pathOf("file"))->isOpenForWriting());
}

TEST_CASE("MemoryFileSystem: modes and mtimes are durable with the file", "[fs][crash]")
{
    MemoryFileSystem fs;
    writeFile(fs, "file", "content");
    fs.syncAll();
    fs.setMode(pathOf("file"), 0600);
    fs.setMtime(pathOf("file"), {5, 6});
    const bool synced = GENERATE(false, true);
    if (synced)
    {
        syncFile(fs, "file");
    }

    fs.crash();

    CHECK(fs.stat(pathOf("file")).value().mode == (synced ? 0600U : 0644U));
    CHECK((fs.stat(pathOf("file")).value().mtime == FileTime{5, 6}) == synced);
}
