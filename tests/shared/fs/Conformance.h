// Runs a test for every FileSystem: the real disk by openat2 and by hand, and the one in memory.

#pragma once

#include "shared/base/Errors.h"
#include "shared/fs/PosixFileSystem.h"
#include "tests/support/FileTools.h"
#include "tests/support/MemoryFileSystem.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <cerrno>

namespace tidewire {

template <KernelCalls Calls>
class DiskFixture
{
public:
    FileSystem& fs() { return _fileSystem; }
    void makeFifo(const std::string& name)
    {
        if (::mkfifo((_folder / name).c_str(), 0600) != 0)
        {
            throwErrno("mkfifo", name);
        }
    }

private:
    TempFolder _folder;
    PosixFileSystem _fileSystem{_folder.path(), Calls};
};

class MemoryFixture
{
public:
    FileSystem& fs() { return _fileSystem; }
    void makeFifo(const std::string& name) { _fileSystem.createOther(pathOf(name)); }

private:
    MemoryFileSystem _fileSystem;
};

using NewestCalls = DiskFixture<KernelCalls::Newest>;
using BasicCalls = DiskFixture<KernelCalls::Basic>;

/// A small tree: d, d/file, d/loop, link and fifo.
template <typename Fixture>
class Conformance
{
public:
    Conformance()
    {
        fs().createDirectory(pathOf("d"), 0755);
        writeFile(fs(), "d/file", "content");
        fs().createSymlink(pathOf("link"), "d");
        fs().createSymlink(pathOf("d/loop"), "loop");
        _fixture.makeFifo("fifo");
    }

protected:
    FileSystem& fs() { return _fixture.fs(); }

    Fixture _fixture;
};

} // namespace tidewire

#define FS_TEST(name)                                                                              \
    TEMPLATE_TEST_CASE_METHOD(Conformance,                                                         \
                              "FileSystem: " name,                                                 \
                              "[fs][conformance]",                                                 \
                              tidewire::NewestCalls,                                               \
                              tidewire::BasicCalls,                                                \
                              tidewire::MemoryFixture)
