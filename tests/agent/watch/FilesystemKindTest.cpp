// Tests which filesystems are polled.

#include "agent/watch/FilesystemKind.h"

#include "shared/base/Errors.h"

#include <catch2/catch.hpp>

#include <string>

namespace tidewire {

TEST_CASE("FilesystemKind: where others write, inotify is blind", "[watch]")
{
    CHECK(std::string(blindFilesystem(0x6969)) == "NFS");
    CHECK(std::string(blindFilesystem(0xFF534D42)) == "CIFS");
    CHECK(std::string(blindFilesystem(0xFE534D42)) == "SMB2");
    CHECK(std::string(blindFilesystem(0x65735546)) == "FUSE");
    CHECK(std::string(blindFilesystem(0x01021997)) == "9p");
    CHECK(std::string(blindFilesystem(0x786F4256)) == "vboxsf");
    CHECK(std::string(blindFilesystem(0x00C36400)) == "Ceph");
    CHECK(std::string(blindFilesystem(0x7461636F)) == "OCFS2");
    CHECK(std::string(blindFilesystem(0x01161970)) == "GFS2");
}

TEST_CASE("FilesystemKind: local filesystems are watched", "[watch]")
{
    CHECK(blindFilesystem(0xEF53) == nullptr);     // ext2, ext3, ext4
    CHECK(blindFilesystem(0x9123683E) == nullptr); // btrfs
    CHECK(blindFilesystem(0xF2F52010) == nullptr); // F2FS
    CHECK(blindFilesystem(0x58465342) == nullptr); // XFS
    CHECK(blindFilesystem(0x4D44) == nullptr);     // FAT
    CHECK(blindFilesystem(0x01021994) == nullptr); // tmpfs
    CHECK(blindFilesystem(0x794C7630) == nullptr); // overlayfs
}

TEST_CASE("FilesystemKind: a path that is not there is an error", "[watch]")
{
    CHECK_THROWS_AS(filesystemMagic("/nonexistent/folder"), StorageError);
    CHECK(filesystemMagic("/proc") == 0x9FA0);
}

} // namespace tidewire
