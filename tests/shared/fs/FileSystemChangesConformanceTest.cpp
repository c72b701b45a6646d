// What every FileSystem must do alike: making, removing, renaming, modes and times.

#include "tests/shared/fs/Conformance.h"

using namespace tidewire;

FS_TEST("createFile makes an empty file with exactly the mode, and only where nothing is")
{
    FileSystem& fs = this->fs();
    const std::uint32_t mode = GENERATE(0600U, 0644U, 0666U, 0777U, 0400U, 0000U, 04755U, 02770U);
    CAPTURE(mode);

    const auto file = fs.createFile(pathOf("d/new"), mode);

    CHECK(file->stat().mode == mode);
    CHECK(file->stat().size == 0);
    CHECK(fs.stat(pathOf("d/new")).value().mode == mode);
    file->write(0, asBytes("abc"));
    CHECK(file->stat().size == 3);
    const auto create = [&](const char* path) {
        return errorOf([&] { static_cast<void>(fs.createFile(pathOf(path), 0644)); });
    };
    CHECK(create("d/new") == EEXIST);
    CHECK(create("d") == EEXIST);
    CHECK(create("link") == EEXIST);
    CHECK(create("d/loop") == EEXIST);
    CHECK(create("fifo") == EEXIST);
    CHECK(create("missing/new") == ENOENT);
    CHECK(create("d/file/new") == ENOTDIR);
    CHECK(create("link/new") == ELOOP);
}

FS_TEST("createDirectory makes a folder with exactly the mode, and only where nothing is")
{
    FileSystem& fs = this->fs();
    const auto create = [&](const char* path, std::uint32_t mode) {
        return errorOf([&] { fs.createDirectory(pathOf(path), mode); });
    };

    CHECK(create("d/new", 0777) == 0);
    CHECK(create("d/sticky", 01777) == 0);
    CHECK(create("d/group", 02750) == 0);

    CHECK(fs.stat(pathOf("d/new")).value().mode == 0777);
    CHECK(fs.stat(pathOf("d/sticky")).value().mode == 01777);
    CHECK(fs.stat(pathOf("d/group")).value().mode == 02750);
    CHECK(create("d", 0755) == EEXIST);
    CHECK(create("d/file", 0755) == EEXIST);
    CHECK(create("link", 0755) == EEXIST);
    CHECK(create("missing/new", 0755) == ENOENT);
    CHECK(create("link/new", 0755) == ELOOP);
}

FS_TEST("links are made and read as text, whatever they point at")
{
    FileSystem& fs = this->fs();
    const auto create = [&](const char* path, std::string_view target) {
        return errorOf([&] { fs.createSymlink(pathOf(path), target); });
    };
    const auto read = [&](const char* path) {
        return errorOf([&] { static_cast<void>(fs.readSymlink(pathOf(path))); });
    };
    const std::string longest(kMaxPathBytes, 't');

    CHECK(create("outside", "/etc/passwd") == 0);
    CHECK(create("bytes", "../\xff\n") == 0);
    CHECK(create("longest", longest) == 0);

    CHECK(fs.readSymlink(pathOf("outside")) == "/etc/passwd");
    CHECK(fs.readSymlink(pathOf("bytes")) == "../\xff\n");
    CHECK(fs.readSymlink(pathOf("longest")) == longest);
    CHECK(create("outside", "x") == EEXIST);
    CHECK(create("d", "x") == EEXIST);
    CHECK(create("empty", "") == ENOENT);
    CHECK(create("nul", std::string_view("a\0b", 3)) == EINVAL);
    CHECK(create("toolong", longest + "t") == ENAMETOOLONG);
    CHECK(create("link/x", "x") == ELOOP);
    CHECK(read("d/file") == EINVAL);
    CHECK(read("d") == EINVAL);
    CHECK(read("missing") == ENOENT);
    CHECK(read("link/loop") == ELOOP);
}

FS_TEST("removeFile takes everything but folders")
{
    FileSystem& fs = this->fs();
    const auto remove = [&](const char* path) {
        return errorOf([&] { fs.removeFile(pathOf(path)); });
    };

    CHECK(remove("d") == EISDIR);
    CHECK(remove("") != 0);
    CHECK(remove("missing") == ENOENT);
    CHECK(remove("link/file") == ELOOP);
    CHECK(remove("d/file/below") == ENOTDIR);
    CHECK(remove("link") == 0);
    CHECK(remove("fifo") == 0);
    CHECK(remove("d/file") == 0);
    CHECK(listNames(fs, RelativePath()) == std::vector<std::string>{"d"});
    CHECK(listNames(fs, pathOf("d")) == std::vector<std::string>{"loop"});
}

FS_TEST("removeDirectory takes empty folders only")
{
    FileSystem& fs = this->fs();
    fs.createDirectory(pathOf("d/empty"), 0755);
    const auto remove = [&](const char* path) {
        return errorOf([&] { fs.removeDirectory(pathOf(path)); });
    };

    CHECK(remove("d") == ENOTEMPTY);
    CHECK(remove("") != 0);
    CHECK(remove("d/file") == ENOTDIR);
    CHECK(remove("link") == ENOTDIR);
    CHECK(remove("missing") == ENOENT);
    CHECK(remove("link/empty") == ELOOP);
    CHECK(remove("d/empty") == 0);
    CHECK_FALSE(fs.stat(pathOf("d/empty")));
}

FS_TEST("renameNoReplace moves files, links, special files and whole folders")
{
    FileSystem& fs = this->fs();
    const FileStat before = fs.stat(pathOf("d/file")).value();
    const auto rename = [&](const char* from, const char* to) {
        return fs.renameNoReplace(pathOf(from), pathOf(to));
    };

    CHECK(rename("d/file", "moved") == RenameOutcome::Done);
    CHECK(rename("d", "e") == RenameOutcome::Done);
    CHECK(rename("link", "e/link") == RenameOutcome::Done);
    CHECK(rename("fifo", "e/fifo") == RenameOutcome::Done);

    CHECK(listNames(fs, RelativePath()) == std::vector<std::string>{"e", "moved"});
    CHECK(listNames(fs, pathOf("e")) == std::vector<std::string>{"fifo", "link", "loop"});
    CHECK(readFile(fs, "moved") == "content");
    CHECK(fs.readSymlink(pathOf("e/link")) == "d");
    const FileStat after = fs.stat(pathOf("moved")).value();
    CHECK(after.inode == before.inode);
    CHECK(after.mtime == before.mtime);
    CHECK(after.links == 1);
}

FS_TEST("renameNoReplace replaces nothing")
{
    FileSystem& fs = this->fs();
    writeFile(fs, "other", "other");
    fs.createDirectory(pathOf("empty"), 0755);
    const std::string before = describeTree(fs);
    const auto rename = [&](const char* from, const char* to) {
        return fs.renameNoReplace(pathOf(from), pathOf(to));
    };

    CHECK(rename("other", "d/file") == RenameOutcome::TargetExists);
    CHECK(rename("other", "other") == RenameOutcome::TargetExists);
    CHECK(rename("other", "d") == RenameOutcome::TargetExists);
    CHECK(rename("other", "link") == RenameOutcome::TargetExists);
    CHECK(rename("other", "d/loop") == RenameOutcome::TargetExists);
    CHECK(rename("other", "fifo") == RenameOutcome::TargetExists);
    CHECK(rename("d", "empty") == RenameOutcome::TargetExists);
    CHECK(rename("d", "other") == RenameOutcome::TargetExists);
    CHECK(rename("empty", "empty") == RenameOutcome::TargetExists);
    CHECK(describeTree(fs) == before);
}

FS_TEST("renameNoReplace tells a missing source from other failures")
{
    FileSystem& fs = this->fs();
    const auto rename = [&](const char* from, const char* to) {
        return fs.renameNoReplace(pathOf(from), pathOf(to));
    };
    const auto error = [&](const char* from, const char* to) {
        return errorOf([&] { static_cast<void>(rename(from, to)); });
    };

    CHECK(rename("missing", "x") == RenameOutcome::SourceMissing);
    CHECK(rename("missing", "d/file") == RenameOutcome::SourceMissing);
    CHECK(rename("missing/y", "x") == RenameOutcome::SourceMissing);
    CHECK(rename("d/file/y", "x") == RenameOutcome::SourceMissing);
    CHECK(rename("link/file", "x") == RenameOutcome::SourceMissing);
    CHECK(error("d/file", "missing/x") == ENOENT);
    CHECK(error("fifo", "d/file/x") == ENOTDIR);
    CHECK(error("d/file", "link/x") == ELOOP);
    CHECK(error("d", "d/inside") == EINVAL);
    CHECK(error("", "x") != 0);
    CHECK(readFile(fs, "d/file") == "content");
}

FS_TEST("exchange swaps entries of any two kinds")
{
    FileSystem& fs = this->fs();
    writeFile(fs, "other", "other");
    const std::uint64_t inode = fs.stat(pathOf("d/file")).value().inode;

    CHECK(fs.exchange(pathOf("other"), pathOf("d/file")) == RenameOutcome::Done);
    CHECK(readFile(fs, "other") == "content");
    CHECK(readFile(fs, "d/file") == "other");
    CHECK(fs.stat(pathOf("other")).value().inode == inode);

    CHECK(fs.exchange(pathOf("other"), pathOf("d")) == RenameOutcome::Done);
    CHECK(readFile(fs, "d") == "content");
    CHECK(readFile(fs, "other/file") == "other");

    CHECK(fs.exchange(pathOf("link"), pathOf("other/file")) == RenameOutcome::Done);
    CHECK(readFile(fs, "link") == "other");
    CHECK(fs.readSymlink(pathOf("other/file")) == "d");

    CHECK(fs.exchange(pathOf("link"), pathOf("link")) == RenameOutcome::Done);
    CHECK(readFile(fs, "link") == "other");
}

FS_TEST("exchange needs both entries")
{
    FileSystem& fs = this->fs();
    fs.createDirectory(pathOf("d/sub"), 0755);
    const auto exchange = [&](const char* a, const char* b) {
        return fs.exchange(pathOf(a), pathOf(b));
    };

    CHECK(exchange("d/file", "missing") == RenameOutcome::SourceMissing);
    CHECK(exchange("missing", "d/file") == RenameOutcome::SourceMissing);
    CHECK(exchange("d/file", "missing/x") == RenameOutcome::SourceMissing);
    CHECK(exchange("link/file", "d/file") == RenameOutcome::SourceMissing);
    CHECK(errorOf([&] { static_cast<void>(exchange("d", "d/sub")); }) == EINVAL);
    CHECK(errorOf([&] { static_cast<void>(exchange("d/sub", "d")); }) == EINVAL);
    CHECK(readFile(fs, "d/file") == "content");
}

FS_TEST("setMode changes files and folders and nothing else")
{
    FileSystem& fs = this->fs();
    const auto set = [&](const char* path, std::uint32_t mode) {
        return errorOf([&] { fs.setMode(pathOf(path), mode); });
    };

    CHECK(set("d/file", 06711) == 0);
    CHECK(fs.stat(pathOf("d/file")).value().mode == 06711);
    CHECK(set("d", 01770) == 0);
    CHECK(fs.stat(pathOf("d")).value().mode == 01770);
    CHECK(set("", 0750) == 0);
    CHECK(fs.stat(RelativePath()).value().mode == 0750);
    CHECK(set("link", 0600) == ELOOP);
    CHECK(set("d/loop", 0600) == ELOOP);
    CHECK(set("fifo", 0666) == EINVAL);
    CHECK(set("missing", 0600) == ENOENT);
    CHECK(set("link/file", 0600) == ELOOP);
    CHECK(fs.stat(pathOf("d/file")).value().mode == 06711);
    fs.openRead(pathOf("d/file"))->setMode(0640);
    CHECK(fs.stat(pathOf("d/file")).value().mode == 0640);
}

FS_TEST("setMtime changes files, folders and links themselves, to the nanosecond")
{
    FileSystem& fs = this->fs();
    const FileTime time = {1'234'567'890, 123'456'789};
    const FileTime target = fs.stat(pathOf("d")).value().mtime;
    const auto set = [&](const char* path, FileTime mtime) {
        return errorOf([&] { fs.setMtime(pathOf(path), mtime); });
    };

    CHECK(set("link", time) == 0);
    CHECK(fs.stat(pathOf("link")).value().mtime == time);
    CHECK(fs.stat(pathOf("d")).value().mtime == target);
    CHECK(set("d/file", time) == 0);
    CHECK(fs.stat(pathOf("d/file")).value().mtime == time);
    CHECK(set("d", time) == 0);
    CHECK(fs.stat(pathOf("d")).value().mtime == time);
    CHECK(set("fifo", time) == 0);
    CHECK(set("", time) == 0);
    CHECK(fs.stat(RelativePath()).value().mtime == time);
    CHECK(set("missing", time) == ENOENT);
    CHECK(set("link/file", time) == ELOOP);
    fs.openRead(pathOf("d/file"))->setMtime({7, 8});
    CHECK(fs.stat(pathOf("d/file")).value().mtime == FileTime{7, 8});
}
