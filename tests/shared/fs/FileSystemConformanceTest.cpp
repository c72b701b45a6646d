// What every FileSystem must do alike: looking, reading, writing, syncing.

#include "tests/shared/fs/Conformance.h"

using namespace tidewire;

namespace {

// Holes of all filesystems that we know are aligned so.
constexpr std::uint64_t kStep = 64 << 10;

} // namespace

FS_TEST("stat tells kinds, sizes and modes, and follows no link")
{
    FileSystem& fs = this->fs();

    CHECK(fs.stat(RelativePath()).value().kind == FileKind::Directory);
    CHECK(fs.stat(pathOf("d")).value().kind == FileKind::Directory);
    CHECK(fs.stat(pathOf("d")).value().mode == 0755);
    CHECK(fs.stat(pathOf("d/file")).value().kind == FileKind::File);
    CHECK(fs.stat(pathOf("d/file")).value().size == 7);
    CHECK(fs.stat(pathOf("d/file")).value().mode == 0644);
    CHECK(fs.stat(pathOf("d/file")).value().links == 1);
    CHECK(fs.stat(pathOf("d/file")).value().device == fs.stat(RelativePath()).value().device);
    CHECK(fs.stat(pathOf("link")).value().kind == FileKind::Symlink);
    CHECK(fs.stat(pathOf("link")).value().size == 1);
    CHECK(fs.stat(pathOf("d/loop")).value().kind == FileKind::Symlink);
    CHECK(fs.stat(pathOf("fifo")).value().kind == FileKind::Other);
}

FS_TEST("stat of what is not in the tree gives nothing")
{
    FileSystem& fs = this->fs();

    CHECK_FALSE(fs.stat(pathOf("missing")));
    CHECK_FALSE(fs.stat(pathOf("missing/below")));
    CHECK_FALSE(fs.stat(pathOf("d/file/below")));
    CHECK_FALSE(fs.stat(pathOf("link/file")));
    CHECK_FALSE(fs.stat(pathOf("d/loop/file")));
}

FS_TEST("list gives every entry and stops when told")
{
    FileSystem& fs = this->fs();

    CHECK(listNames(fs, RelativePath()) == std::vector<std::string>{"d", "fifo", "link"});
    CHECK(listNames(fs, pathOf("d")) == std::vector<std::string>{"file", "loop"});
    int calls = 0;
    fs.list(RelativePath(), [&](std::string_view, FileKind) {
        ++calls;
        return false;
    });
    CHECK(calls == 1);
    const auto each = [](std::string_view, FileKind) {
        return true;
    };
    CHECK(errorOf([&] { fs.list(pathOf("missing"), each); }) == ENOENT);
    CHECK(errorOf([&] { fs.list(pathOf("d/file"), each); }) == ENOTDIR);
    CHECK(errorOf([&] { fs.list(pathOf("link"), each); }) == ELOOP);
}

FS_TEST("only regular files can be opened")
{
    FileSystem& fs = this->fs();
    const auto read = [&](const char* path) {
        return errorOf([&] { static_cast<void>(fs.openRead(pathOf(path))); });
    };
    const auto write = [&](const char* path) {
        return errorOf([&] { static_cast<void>(fs.openWrite(pathOf(path))); });
    };

    CHECK(read("d/file") == 0);
    CHECK(read("") == EISDIR);
    CHECK(read("d") == EISDIR);
    CHECK(read("link") == ELOOP);
    CHECK(read("d/loop") == ELOOP);
    CHECK(read("fifo") == EINVAL);
    CHECK(read("missing") == ENOENT);
    CHECK(read("missing/file") == ENOENT);
    CHECK(read("link/file") == ELOOP);
    CHECK(read("d/file/below") == ENOTDIR);
    CHECK(write("d/file") == 0);
    CHECK(write("d") == EISDIR);
    CHECK(write("link") == ELOOP);
    CHECK(write("fifo") == EINVAL);
    CHECK(write("missing") == ENOENT);
}

FS_TEST("read fills the buffer and is short only at the end")
{
    const auto file = this->fs().openRead(pathOf("d/file"));
    Bytes buffer(100);

    CHECK(file->read(0, buffer) == 7);
    CHECK(asText(ByteView(buffer).first(7)) == "content");
    CHECK(file->read(3, MutableByteView(buffer).first(2)) == 2);
    CHECK(asText(ByteView(buffer).first(2)) == "te");
    CHECK(file->read(7, buffer) == 0);
    CHECK(file->read(1000, buffer) == 0);
    CHECK(file->read(0, {}) == 0);
    CHECK(errorOf([&] { file->read(std::uint64_t{1} << 63U, buffer); }) == EFBIG);
}

FS_TEST("writes extend a file, overwrite it and leave a hole before them")
{
    FileSystem& fs = this->fs();
    const auto file = fs.openWrite(pathOf("d/file"));

    file->write(3, asBytes("TENTED"));
    CHECK(readFile(fs, "d/file") == "conTENTED");
    file->write(11, asBytes("x"));
    CHECK(readFile(fs, "d/file") == std::string("conTENTED\0\0x", 12));
    file->write(500, {});
    CHECK(file->stat().size == 12);
    CHECK(errorOf([&] { file->write(std::uint64_t{1} << 63U, asBytes("x")); }) == EFBIG);
}

FS_TEST("truncate cuts, and what grows back is zeros")
{
    FileSystem& fs = this->fs();
    const auto file = fs.openWrite(pathOf("d/file"));

    file->truncate(3);
    CHECK(readFile(fs, "d/file") == "con");
    file->truncate(5);
    CHECK(readFile(fs, "d/file") == std::string("con\0\0", 5));
    CHECK(errorOf([&] { file->truncate(std::uint64_t{1} << 63U); }) == EFBIG);
}

FS_TEST("a file that was opened for reading cannot be written")
{
    const auto file = this->fs().openRead(pathOf("d/file"));

    CHECK(errorOf([&] { file->write(0, asBytes("x")); }) == EBADF);
    CHECK(errorOf([&] { file->truncate(0); }) == EINVAL);
}

FS_TEST("holes are found")
{
    const auto file = this->fs().createFile(pathOf("sparse"), 0600);
    const Bytes block(kStep, 1);

    file->write(4 * kStep, block);
    file->write(8 * kStep, block);
    file->truncate(16 * kStep);

    CHECK(file->nextData(0) == 4 * kStep);
    CHECK(file->nextData(4 * kStep + 5) == 4 * kStep + 5);
    CHECK(file->nextHole(0) == 0);
    CHECK(file->nextHole(4 * kStep) == 5 * kStep);
    CHECK(file->nextData(5 * kStep) == 8 * kStep);
    CHECK(file->nextHole(8 * kStep) == 9 * kStep);
    CHECK_FALSE(file->nextData(9 * kStep));
    CHECK_FALSE(file->nextData(16 * kStep));
    CHECK_FALSE(file->nextData(20 * kStep));
    CHECK(file->nextHole(16 * kStep) == 16 * kStep);
    CHECK(file->nextHole(20 * kStep) == 16 * kStep);
}

FS_TEST("a file without holes ends in one")
{
    const auto file = this->fs().openRead(pathOf("d/file"));

    CHECK(file->nextData(0) == 0U);
    CHECK(file->nextHole(0) == 7);
    CHECK_FALSE(file->nextData(7));
}

FS_TEST("the values that utimensat takes for now and omit are no times")
{
    FileSystem& fs = this->fs();
    const std::uint32_t nanoseconds = GENERATE(0x3FFFFFFFU, 0x3FFFFFFEU, 1'000'000'000U, ~0U);
    CAPTURE(nanoseconds);

    CHECK(errorOf([&] { fs.setMtime(pathOf("d/file"), {5, nanoseconds}); }) == EINVAL);
    const auto file = fs.openWrite(pathOf("d/file"));
    CHECK(errorOf([&] { file->setMtime({5, nanoseconds}); }) == EINVAL);
}

FS_TEST("an open file outlives its name")
{
    FileSystem& fs = this->fs();
    const auto file = fs.openWrite(pathOf("d/file"));

    REQUIRE(fs.renameNoReplace(pathOf("d/file"), pathOf("moved")) == RenameOutcome::Done);
    file->write(0, asBytes("CON"));
    CHECK(readFile(fs, "moved") == "CONtent");

    fs.removeFile(pathOf("moved"));
    Bytes buffer(7);
    CHECK(file->read(0, buffer) == 7);
    CHECK(asText(buffer) == "CONtent");
    file->setMode(0600);
    file->sync();
}

FS_TEST("writers are seen while they have the file open")
{
    FileSystem& fs = this->fs();
    const auto reader = fs.openRead(pathOf("d/file"));
    const auto second = fs.openRead(pathOf("d/file"));

    CHECK_FALSE(reader->isOpenForWriting());
    auto writer = fs.openWrite(pathOf("d/file"));
    CHECK(reader->isOpenForWriting());
    CHECK(writer->isOpenForWriting());
    writer.reset();
    CHECK_FALSE(reader->isOpenForWriting());
    CHECK_FALSE(second->isOpenForWriting());
}

FS_TEST("writers can be kept out while nobody writes, until the file is closed")
{
    FileSystem& fs = this->fs();
    auto writer = fs.openWrite(pathOf("d/file"));
    auto reader = fs.openRead(pathOf("d/file"));
    CHECK_FALSE(reader->keepWritersOut());
    writer.reset();

    CHECK(reader->keepWritersOut());
    CHECK(errorOf([&] { static_cast<void>(fs.openWrite(pathOf("d/file"))); }) == EAGAIN);
    CHECK(errorOf([&] { static_cast<void>(fs.openRead(pathOf("d/file"))); }) == 0);
    reader->setMode(0600);
    reader->setMtime({7, 8});

    reader.reset();
    CHECK(errorOf([&] { static_cast<void>(fs.openWrite(pathOf("d/file"))); }) == 0);
    CHECK(fs.stat(pathOf("d/file")).value().mode == 0600);
    CHECK(fs.stat(pathOf("d/file")).value().mtime == FileTime{7, 8});
}

FS_TEST("a lock on a file is one's own until the file is closed")
{
    FileSystem& fs = this->fs();
    auto first = fs.openWrite(pathOf("d/file"));
    auto second = fs.openWrite(pathOf("d/file"));

    CHECK(first->tryLock() == LockOutcome::Locked);
    CHECK(first->tryLock() == LockOutcome::Locked);
    CHECK(second->tryLock() == LockOutcome::Busy);
    CHECK(errorOf([&] { second->write(0, asBytes("x")); }) == 0);

    first.reset();
    CHECK(second->tryLock() == LockOutcome::Locked);
}

FS_TEST("syncing and the free space work on files, folders and the whole")
{
    FileSystem& fs = this->fs();
    const auto file = fs.openWrite(pathOf("d/file"));

    CHECK(errorOf([&] { file->startWriteback(0, 7); }) == 0);
    CHECK(errorOf([&] { file->dropFromCache(0, 7); }) == 0);
    CHECK(errorOf([&] { file->sync(); }) == 0);
    CHECK(errorOf([&] { fs.syncDirectory(pathOf("d")); }) == 0);
    CHECK(errorOf([&] { fs.syncDirectory(RelativePath()); }) == 0);
    CHECK(errorOf([&] { fs.syncDirectory(pathOf("missing")); }) == ENOENT);
    CHECK(errorOf([&] { fs.syncDirectory(pathOf("link")); }) == ELOOP);
    CHECK(errorOf([&] { fs.syncDirectory(pathOf("d/file")); }) == ENOTDIR);
    CHECK(errorOf([&] { fs.syncAll(); }) == 0);
    CHECK(fs.freeBytes() > 0);
}

FS_TEST("a change of the content changes ctime and mtime, a change of the mode only ctime")
{
    FileSystem& fs = this->fs();
    fs.setMtime(pathOf("d/file"), {5, 6});
    const FileStat before = fs.stat(pathOf("d/file")).value();

    fs.setMode(pathOf("d/file"), 0600);
    CHECK(fs.stat(pathOf("d/file")).value().mtime == FileTime{5, 6});
    CHECK(fs.stat(pathOf("d/file")).value().ctime >= before.ctime);

    writeFile(fs, "d/file", "x");
    CHECK(fs.stat(pathOf("d/file")).value().mtime > FileTime{5, 6});
}

FS_TEST("every byte but slash and NUL can stand in a name of 255")
{
    FileSystem& fs = this->fs();
    std::string name = "\n\x01\x7f\xff\xc0\x80\\\"' *?";
    name.resize(kMaxNameBytes, '\xfe');

    writeFile(fs, "d/" + name, "odd");

    CHECK(readFile(fs, "d/" + name) == "odd");
    CHECK(listNames(fs, pathOf("d")) == std::vector<std::string>{name, "file", "loop"});
    CHECK(fs.renameNoReplace(pathOf("d/" + name), pathOf(name)) == RenameOutcome::Done);
    CHECK(readFile(fs, name) == "odd");
    fs.removeFile(pathOf(name));
}
