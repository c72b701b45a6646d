// PrivateFolder: the marker there and back, damaged, foreign; and its place for temporaries.

#include "agent/sync/PrivateFolder.h"

#include "shared/base/Errors.h"
#include "tests/support/FileTools.h"
#include "tests/support/MemoryFileSystem.h"

#include <catch2/catch.hpp>

#include <cerrno>

using namespace tidewire;

namespace {

Marker someMarker(std::uint8_t first = 1)
{
    Marker marker{"photos", {}};
    for (std::size_t i = 0; i < marker.id.size(); ++i)
    {
        marker.id[i] = static_cast<std::uint8_t>(first + i * 17);
    }
    return marker;
}

constexpr std::string_view kMarkerPath = ".tidewire/marker";

} // namespace

TEST_CASE("PrivateFolder: a marker is read as it was written", "[privatefolder]")
{
    MemoryFileSystem files;
    PrivateFolder folder(files);
    CHECK_FALSE(folder.readMarker());

    folder.writeMarker(someMarker());

    const auto read = folder.readMarker();
    REQUIRE(read);
    CHECK(read->share == "photos");
    CHECK(read->id == someMarker().id);
    CHECK(folder.temporaries().empty());
}

TEST_CASE("PrivateFolder: a new marker takes the place of an old one", "[privatefolder]")
{
    MemoryFileSystem files;
    PrivateFolder folder(files);
    folder.writeMarker(someMarker(1));

    folder.writeMarker(someMarker(99));

    CHECK(folder.readMarker()->id == someMarker(99).id);
    CHECK(folder.temporaries().empty());
}

TEST_CASE("PrivateFolder: a marker is replaced where the filesystem cannot exchange names",
          "[privatefolder]")
{
    MemoryFileSystem files;
    PrivateFolder folder(files);
    folder.writeMarker(someMarker(1));
    files.setHook([](std::string_view operation, const RelativePath& path) {
        if (operation == "exchange")
        {
            throw StorageError(operation, path.text(), EINVAL);
        }
    });

    folder.writeMarker(someMarker(99));

    CHECK(folder.readMarker()->id == someMarker(99).id);
    CHECK(folder.temporaries().empty());
}

TEST_CASE("PrivateFolder: a folder has one keeper at a time", "[privatefolder]")
{
    MemoryFileSystem files;
    auto first = PrivateFolder(files).lock();
    REQUIRE(first);
    CHECK_THROWS_AS(PrivateFolder(files).lock(), Error);

    first.reset();
    CHECK(PrivateFolder(files).lock());
}

TEST_CASE("PrivateFolder: a lock does not outlive a power cut", "[privatefolder]")
{
    MemoryFileSystem files;
    PrivateFolder(files).writeMarker(someMarker());
    const auto first = PrivateFolder(files).lock();
    files.crash();

    CHECK(PrivateFolder(files).lock());
}

TEST_CASE("PrivateFolder: a folder that cannot be written to has no lock", "[privatefolder]")
{
    MemoryFileSystem files;
    PrivateFolder(files).prepare();
    files.setHook([](std::string_view operation, const RelativePath& path) {
        if (operation == "createFile")
        {
            throw StorageError(operation, path.text(), EROFS);
        }
    });
    CHECK_FALSE(PrivateFolder(files).lock());
}

TEST_CASE("PrivateFolder: a marker left half way is nobody's content", "[privatefolder]")
{
    MemoryFileSystem files;
    PrivateFolder folder(files);
    folder.writeMarker(someMarker());
    writeFile(files, ".tidewire/tmp/marker.new", "an old marker");
    writeFile(files, ".tidewire/tmp/old-7", "somebody's");

    folder.prepare();

    CHECK(folder.temporaries() == std::vector<std::string>{"old-7"});
    CHECK(folder.readMarker()->id == someMarker().id);
}

TEST_CASE("PrivateFolder: a marker that was written survives a power cut", "[privatefolder]")
{
    MemoryFileSystem files;
    PrivateFolder(files).writeMarker(someMarker());

    files.crash();

    CHECK(PrivateFolder(files).readMarker()->id == someMarker().id);
}

TEST_CASE(
    "PrivateFolder: a power cut or an error while a marker is written leaves one or the other",
    "[privatefolder]")
{
    const bool crashes = GENERATE(true, false);
    for (unsigned number = 1;; ++number)
    {
        MemoryFileSystem files;
        PrivateFolder folder(files);
        folder.writeMarker(someMarker(1));
        unsigned count = 0;
        files.setHook([&](std::string_view operation, const RelativePath&) {
            if (++count >= number)
            {
                throw StorageError(operation, "", EIO);
            }
        });
        const int error = errorOf([&] { folder.writeMarker(someMarker(99)); });
        files.setHook({});
        if (crashes)
        {
            files.crash();
        }

        CAPTURE(number, crashes);
        const auto read = folder.readMarker();
        REQUIRE(read);
        CHECK((read->id == someMarker(1).id || read->id == someMarker(99).id));
        folder.writeMarker(someMarker(42));
        CHECK(folder.readMarker()->id == someMarker(42).id);
        if (error == 0)
        {
            break;
        }
    }
}

TEST_CASE("PrivateFolder: a damaged or foreign marker is an error, never none", "[privatefolder]")
{
    MemoryFileSystem files;
    PrivateFolder folder(files);
    folder.writeMarker(someMarker());
    const std::string sound = readFile(files, kMarkerPath);
    const std::string damaged = GENERATE_COPY(std::string(),
                                              std::string("x"),
                                              std::string("some other program's file\nphotos\n"),
                                              sound.substr(0, sound.size() - 2),
                                              sound.substr(0, sound.size() / 2),
                                              sound.substr(0, sound.size() - 3) + "xy\n",
                                              sound.substr(0, sound.size() - 1) + "00\n",
                                              std::string(10000, 'x'),
                                              std::string(600, '\0'));
    CAPTURE(damaged);
    writeFile(files, kMarkerPath, damaged);

    CHECK_THROWS_AS(folder.readMarker(), CorruptError);
}

TEST_CASE("PrivateFolder: what is in the way of the marker is an error", "[privatefolder]")
{
    MemoryFileSystem files;
    PrivateFolder folder(files);
    SECTION("a file as the private folder")
    {
        writeFile(files, ".tidewire", "a file");
        CHECK(errorOf([&] { folder.prepare(); }) == ENOTDIR);
    }
    SECTION("a link as the private folder")
    {
        files.createSymlink(pathOf(".tidewire"), "/etc");
        CHECK(errorOf([&] { folder.prepare(); }) == ENOTDIR);
        CHECK(errorOf([&] { folder.writeMarker(someMarker()); }) != 0);
    }
    SECTION("a file as tmp")
    {
        writeFile(files, ".tidewire/tmp", "a file");
        CHECK(errorOf([&] { folder.prepare(); }) == ENOTDIR);
    }
    SECTION("a folder as the marker")
    {
        makeFolders(files, pathOf(kMarkerPath));
        CHECK(errorOf([&] { static_cast<void>(folder.readMarker()); }) != 0);
    }
}

TEST_CASE("PrivateFolder: nobody else reads what is in it", "[privatefolder]")
{
    MemoryFileSystem files;
    PrivateFolder(files).writeMarker(someMarker());

    CHECK(files.stat(pathOf(".tidewire"))->mode == 0700);
    CHECK(files.stat(pathOf(".tidewire/tmp"))->mode == 0700);
    CHECK(files.stat(pathOf(kMarkerPath))->mode == 0600);
}

TEST_CASE("PrivateFolder: temporaries are listed, and none where there is no folder",
          "[privatefolder]")
{
    MemoryFileSystem files;
    PrivateFolder folder(files);
    CHECK(folder.temporaries().empty());
    folder.prepare();
    folder.prepare();
    writeFile(files, PrivateFolder::temporary("get-5").text(), "x");

    CHECK(folder.temporaries() == std::vector<std::string>{"get-5"});
    CHECK(PrivateFolder::temporary("get-5").isPrivate());
}
