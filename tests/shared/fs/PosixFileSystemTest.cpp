// What only the real disk has: races with links, special files, leases, mounts, huge offsets.

#include "shared/fs/PosixFileSystem.h"

#include "tests/support/FileTools.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>

using namespace tidewire;

namespace {

/// Sets the process's umask while it lives.
class UmaskGuard
{
public:
    explicit UmaskGuard(mode_t mask): _old(::umask(mask)) {}
    ~UmaskGuard() { ::umask(_old); }
    UmaskGuard(const UmaskGuard&) = delete;
    UmaskGuard& operator=(const UmaskGuard&) = delete;

private:
    mode_t _old;
};

/// A folder "root" to work in, with a folder "outside" beside it that nothing may touch.
class PosixFixture
{
public:
    PosixFixture()
    {
        std::filesystem::create_directories(root());
        std::filesystem::create_directories(outside());
    }

protected:
    [[nodiscard]] std::string root() const { return _folder / "root"; }
    [[nodiscard]] std::string outside() const { return _folder / "outside"; }

    TempFolder _folder;
};

/// Does the work in a thread of its own, again and again until it is destroyed.
class Background
{
public:
    template <typename Work>
    explicit Background(Work work):
        _thread([this, work] {
            while (!_stop)
            {
                work();
            }
        })
    {
    }
    ~Background()
    {
        _stop = true;
        _thread.join();
    }
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;

private:
    std::atomic<bool> _stop = false;
    std::thread _thread;
};

} // namespace

TEST_CASE("PosixFileSystem: the root must be a folder", "[fs]")
{
    const TempFolder folder;
    const auto open = [&](const std::string& path) {
        return errorOf([&] { const PosixFileSystem fs(path); });
    };
    PosixFileSystem fs(folder.path());
    writeFile(fs, "file", "x");

    CHECK(open(folder / "missing") == ENOENT);
    CHECK(open(folder / "file") == ENOTDIR);
}

TEST_CASE_METHOD(PosixFixture, "PosixFileSystem: the root may be given through a link", "[fs]")
{
    std::filesystem::create_directory_symlink(root(), _folder / "way");
    const KernelCalls calls = GENERATE(KernelCalls::Newest, KernelCalls::Basic);
    PosixFileSystem fs(_folder / "way", calls);

    writeFile(fs, "a/file", "x");

    CHECK(std::filesystem::exists(root() + "/a/file"));
}

TEST_CASE_METHOD(PosixFixture, "PosixFileSystem: basic calls do without openat2", "[fs]")
{
    CHECK_FALSE(PosixFileSystem(root(), KernelCalls::Basic).usesOpenat2());
}

TEST_CASE_METHOD(PosixFixture, "PosixFileSystem: no link on the way is followed", "[fs]")
{
    const KernelCalls calls = GENERATE(KernelCalls::Newest, KernelCalls::Basic);
    const std::string target =
        GENERATE_COPY(outside(), std::string("../outside"), std::string("."));
    CAPTURE(target);
    PosixFileSystem fs(root(), calls);
    PosixFileSystem beside(outside());
    writeFile(beside, "file", "secret");
    writeFile(fs, "own", "own");
    fs.createSymlink(pathOf("link"), target);

    CHECK_FALSE(fs.stat(pathOf("link/file")));
    CHECK(errorOf([&] { static_cast<void>(fs.openRead(pathOf("link/file"))); }) == ELOOP);
    CHECK(errorOf([&] { static_cast<void>(fs.createFile(pathOf("link/x"), 0600)); }) == ELOOP);
    CHECK(errorOf([&] { fs.removeFile(pathOf("link/file")); }) == ELOOP);
    CHECK(errorOf([&] { fs.setMode(pathOf("link/file"), 0777); }) == ELOOP);
    CHECK(errorOf([&] { static_cast<void>(listNames(fs, pathOf("link"))); }) == ELOOP);
    CHECK(errorOf([&] {
              static_cast<void>(fs.renameNoReplace(pathOf("own"), pathOf("link/own")));
          }) == ELOOP);
    CHECK(listNames(beside, RelativePath()) == std::vector<std::string>{"file"});
    CHECK(readFile(beside, "file") == "secret");
}

TEST_CASE_METHOD(PosixFixture,
                 "PosixFileSystem: a link that is swapped in for a folder leads nowhere",
                 "[fs]")
{
    const KernelCalls calls = GENERATE(KernelCalls::Newest, KernelCalls::Basic);
    PosixFileSystem fs(root(), calls);
    PosixFileSystem beside(outside());
    writeFile(beside, "victim", "untouched");
    fs.createDirectory(pathOf("folder"), 0755);
    fs.createSymlink(pathOf("trap"), outside());
    PosixFileSystem swapper(root());
    const Background swapping(
        [&] { static_cast<void>(swapper.exchange(pathOf("folder"), pathOf("trap"))); });

    for (int i = 0; i < 3000; ++i)
    {
        static_cast<void>(errorOf([&] { fs.createFile(pathOf("folder/new"), 0600)->sync(); }));
        static_cast<void>(errorOf([&] { fs.removeFile(pathOf("folder/new")); }));
        static_cast<void>(errorOf([&] { fs.removeFile(pathOf("folder/victim")); }));
        static_cast<void>(errorOf([&] { fs.openWrite(pathOf("folder/victim"))->truncate(0); }));
        static_cast<void>(errorOf([&] { fs.setMode(pathOf("folder/victim"), 0777); }));
    }

    CHECK(listNames(beside, RelativePath()) == std::vector<std::string>{"victim"});
    CHECK(readFile(beside, "victim") == "untouched");
    CHECK(beside.stat(pathOf("victim")).value().mode == 0644);
}

TEST_CASE_METHOD(PosixFixture,
                 "PosixFileSystem: setMode does not reach through a link that is swapped in",
                 "[fs]")
{
    const KernelCalls calls = GENERATE(KernelCalls::Newest, KernelCalls::Basic);
    PosixFileSystem fs(root(), calls);
    PosixFileSystem beside(outside());
    writeFile(beside, "victim", "x");
    writeFile(fs, "file", "x");
    fs.createSymlink(pathOf("trap"), outside() + "/victim");
    PosixFileSystem swapper(root());
    const Background swapping(
        [&] { static_cast<void>(swapper.exchange(pathOf("file"), pathOf("trap"))); });

    for (int i = 0; i < 3000; ++i)
    {
        static_cast<void>(errorOf([&] { fs.setMode(pathOf("file"), 0777); }));
        static_cast<void>(errorOf([&] { fs.setMtime(pathOf("file"), {1, 1}); }));
        static_cast<void>(errorOf([&] { fs.openWrite(pathOf("file"))->truncate(0); }));
    }

    CHECK(beside.stat(pathOf("victim")).value().mode == 0644);
    CHECK(beside.stat(pathOf("victim")).value().size == 1);
    CHECK(beside.stat(pathOf("victim")).value().mtime != FileTime{1, 1});
}

TEST_CASE_METHOD(PosixFixture, "PosixFileSystem: special files are not opened", "[fs]")
{
    const KernelCalls calls = GENERATE(KernelCalls::Newest, KernelCalls::Basic);
    PosixFileSystem fs(root(), calls);
    PosixFileSystem devices("/dev", calls);
    REQUIRE(::mkfifo((root() + "/fifo").c_str(), 0600) == 0);

    // A FIFO without a peer would block an open(2) for ever.
    CHECK(errorOf([&] { static_cast<void>(fs.openRead(pathOf("fifo"))); }) == EINVAL);
    CHECK(errorOf([&] { static_cast<void>(fs.openWrite(pathOf("fifo"))); }) == EINVAL);
    CHECK(errorOf([&] { static_cast<void>(devices.openRead(pathOf("null"))); }) == EINVAL);
    CHECK(errorOf([&] { static_cast<void>(devices.openWrite(pathOf("null"))); }) == EINVAL);
}

TEST_CASE_METHOD(PosixFixture,
                 "PosixFileSystem: a FIFO that is swapped in for a file does not block",
                 "[fs]")
{
    PosixFileSystem fs(root());
    writeFile(fs, "file", "x");
    REQUIRE(::mkfifo((root() + "/fifo").c_str(), 0600) == 0);
    PosixFileSystem swapper(root());
    const Background swapping(
        [&] { static_cast<void>(swapper.exchange(pathOf("file"), pathOf("fifo"))); });

    for (int i = 0; i < 3000; ++i)
    {
        const int read = errorOf([&] { static_cast<void>(fs.openRead(pathOf("file"))); });
        const int write = errorOf([&] { static_cast<void>(fs.openWrite(pathOf("file"))); });
        REQUIRE((read == 0 || read == EINVAL));
        REQUIRE((write == 0 || write == EINVAL));
    }
}

TEST_CASE("PosixFileSystem: other filesystems are seen but not entered", "[fs]")
{
    const KernelCalls calls = GENERATE(KernelCalls::Newest, KernelCalls::Basic);
    PosixFileSystem fs("/", calls);
    const std::optional<FileStat> root = fs.stat(RelativePath());
    const std::optional<FileStat> mounted = fs.stat(pathOf("proc"));
    REQUIRE(root);
    if (!mounted || mounted->device == root->device)
    {
        WARN("/proc is not mounted here");
        return;
    }

    CHECK(mounted->kind == FileKind::Directory);
    CHECK(errorOf([&] { static_cast<void>(fs.stat(pathOf("proc/version"))); }) == EXDEV);
    CHECK(errorOf([&] { static_cast<void>(fs.openRead(pathOf("proc/version"))); }) == EXDEV);
    CHECK(errorOf([&] { static_cast<void>(listNames(fs, pathOf("proc"))); }) == EXDEV);
    CHECK(errorOf([&] { fs.setMode(pathOf("proc"), 0555); }) == EXDEV);
    CHECK(errorOf([&] { fs.setMtime(pathOf("proc"), {1, 1}); }) == EXDEV);
}

TEST_CASE_METHOD(PosixFixture, "PosixFileSystem: no umask changes a mode", "[fs]")
{
    const KernelCalls calls = GENERATE(KernelCalls::Newest, KernelCalls::Basic);
    const UmaskGuard guard(GENERATE(mode_t{0}, mode_t{077}, mode_t{0777}));
    PosixFileSystem fs(root(), calls);

    const auto file = fs.createFile(pathOf("file"), 0666);
    CHECK(file->stat().mode == 0666);
    CHECK(fs.createFile(pathOf("secret"), 0)->stat().mode == 0);
    if (calls == KernelCalls::Newest || ::geteuid() == 0)
    {
        // Without /proc a folder that its owner cannot read keeps its mode.
        fs.createDirectory(pathOf("folder"), 0777);
        CHECK(fs.stat(pathOf("folder")).value().mode == 0777);
    }
}

TEST_CASE_METHOD(PosixFixture, "PosixFileSystem: offsets beyond 4 GiB are kept", "[fs]")
{
    PosixFileSystem fs(root());
    constexpr std::uint64_t kFar = (std::uint64_t{5} << 30U) + 123;

    fs.createFile(pathOf("sparse"), 0600)->write(kFar, asBytes("end"));

    const auto file = fs.openRead(pathOf("sparse"));
    CHECK(file->stat().size == kFar + 3);
    CHECK(fs.stat(pathOf("sparse")).value().size == kFar + 3);
    Bytes buffer(10);
    CHECK(file->read(kFar - 2, buffer) == 5);
    CHECK(asText(ByteView(buffer).first(5)) == std::string_view("\0\0end", 5));
    const std::uint64_t data = file->nextData(0).value();
    CHECK(data <= kFar);
    CHECK(data > kFar - (1U << 20U));
    CHECK(file->nextHole(data) == kFar + 3);
}

TEST_CASE_METHOD(PosixFixture,
                 "PosixFileSystem: times before 1970 and after 2038 are times like others",
                 "[fs]")
{
    PosixFileSystem fs(root());
    writeFile(fs, "file", "x");
    const FileTime time = GENERATE(FileTime{-2'147'483'647, 7},
                                   FileTime{-1'000'000, 1},
                                   FileTime{-1, 999'999'999},
                                   FileTime{0, 0},
                                   FileTime{1, 5},
                                   FileTime{2'147'483'648, 1},
                                   FileTime{4'294'967'296, 3},
                                   FileTime{13'000'000'000, 9});
    CAPTURE(time.seconds, time.nanoseconds);

    fs.setMtime(pathOf("file"), time);

    CHECK(fs.stat(pathOf("file")).value().mtime == time);
    struct stat status = {};
    REQUIRE(::stat((root() + "/file").c_str(), &status) == 0);
    CHECK(status.st_mtim.tv_sec == time.seconds);
}

TEST_CASE_METHOD(PosixFixture, "PosixFileSystem: writers of other programs are seen", "[fs]")
{
    PosixFileSystem fs(root());
    writeFile(fs, "file", "x");
    const auto reader = fs.openRead(pathOf("file"));

    UniqueFd writer(::open((root() + "/file").c_str(), O_WRONLY | O_CLOEXEC));
    REQUIRE(writer);
    CHECK(reader->isOpenForWriting());
    writer.reset();
    CHECK_FALSE(reader->isOpenForWriting());
}

TEST_CASE_METHOD(PosixFixture,
                 "PosixFileSystem: looking for writers survives one that comes right then",
                 "[fs]")
{
    // The kernel signals the holder of a lease; SIGIO would end this process.
    PosixFileSystem fs(root());
    writeFile(fs, "file", "x");
    const auto reader = fs.openRead(pathOf("file"));
    const Background writing([path = root() + "/file"] {
        const UniqueFd writer(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    });

    for (int i = 0; i < 20000; ++i)
    {
        static_cast<void>(reader->isOpenForWriting());
    }

    SUCCEED("still alive");
}

TEST_CASE_METHOD(PosixFixture, "PosixFileSystem: reading leaves the access time alone", "[fs]")
{
    PosixFileSystem fs(root());
    writeFile(fs, "file", "x");
    // Older than mtime, so that even a relatime mount would renew it.
    const timespec times[2] = {{1000, 0}, {2000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (root() + "/file").c_str(), times, 0) == 0);

    CHECK(readFile(fs, "file") == "x");

    struct stat status = {};
    REQUIRE(::stat((root() + "/file").c_str(), &status) == 0);
    CHECK(status.st_atim.tv_sec == 1000);
}

TEST_CASE_METHOD(PosixFixture, "PosixFileSystem: setMtime leaves the access time alone", "[fs]")
{
    PosixFileSystem fs(root());
    writeFile(fs, "file", "x");
    const timespec times[2] = {{1000, 5}, {2000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (root() + "/file").c_str(), times, 0) == 0);

    fs.setMtime(pathOf("file"), {3000, 7});

    struct stat status = {};
    REQUIRE(::stat((root() + "/file").c_str(), &status) == 0);
    CHECK(status.st_atim.tv_sec == 1000);
    CHECK(status.st_mtim.tv_sec == 3000);
}

TEST_CASE_METHOD(PosixFixture, "PosixFileSystem: hard links are counted", "[fs]")
{
    PosixFileSystem fs(root());
    writeFile(fs, "file", "x");
    std::filesystem::create_hard_link(root() + "/file", root() + "/second");

    CHECK(fs.stat(pathOf("file")).value().links == 2);
}

TEST_CASE_METHOD(PosixFixture, "PosixFileSystem: a deep path of longest names works", "[fs]")
{
    const KernelCalls calls = GENERATE(KernelCalls::Newest, KernelCalls::Basic);
    PosixFileSystem fs(root(), calls);
    const std::string name(kMaxNameBytes, 'n');
    std::string path = name;
    for (int i = 1; i < 16; ++i)
    {
        path += "/" + name;
    }
    REQUIRE(path.size() == kMaxPathBytes);

    writeFile(fs, path, "deep");

    CHECK(readFile(fs, path) == "deep");
    removeTree(fs, RelativePath());
}

TEST_CASE_METHOD(PosixFixture, "PosixFileSystem: errors name operation and path, printable", "[fs]")
{
    PosixFileSystem fs(root());

    CHECK_THROWS_WITH(fs.removeFile(pathOf("a\nb")), "unlink a\\x0ab: No such file or directory");
    CHECK_THROWS_WITH(static_cast<void>(fs.openRead(RelativePath())), "open .: Is a directory");
}
