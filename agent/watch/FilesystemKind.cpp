// Which filesystems tell inotify of every writer.

#include "agent/watch/FilesystemKind.h"

#include "shared/base/Errors.h"

#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tidewire {

namespace {

struct BlindKind
{
    std::uint32_t magic;
    const char* name;
};

// From statfs(2), linux/magic.h and the filesystems' own headers, as not all are in linux/magic.h.
constexpr std::array<BlindKind, 20> kBlindKinds{{
    {0x6969, "NFS"},        {0x517B, "SMB"},       {0xFE534D42, "SMB2"},   {0xFF534D42, "CIFS"},
    {0x65735546, "FUSE"},   {0x01021997, "9p"},    {0x786F4256, "vboxsf"}, {0xBACBACBC, "vmhgfs"},
    {0x7C7C6673, "prl_fs"}, {0x5346414F, "AFS"},   {0x6B414653, "AFS"},    {0x73757245, "Coda"},
    {0x00C36400, "Ceph"},   {0x7461636F, "OCFS2"}, {0x01161970, "GFS2"},   {0x564C, "NCP"},
    {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"},  {0x20030528, "PVFS2"},  {0x19830326, "BeeGFS"},
}};

} // namespace

const char* blindFilesystem(std::uint32_t magic)
{
    const auto* const found = std::ranges::find(kBlindKinds, magic, &BlindKind::magic);
    return found == kBlindKinds.end() ? nullptr : found->name;
}

std::uint32_t filesystemMagic(const std::string& path)
{
    struct statfs status
    {
    };
    while (::statfs(path.c_str(), &status) != 0)
    {
        if (errno != EINTR)
        {
            throwErrno("statfs", path);
        }
    }
    // f_type is signed and of word size: on 64-bit a magic with the high bit comes as it is, on
    // 32-bit as a negative number.
    return static_cast<std::uint32_t>(status.f_type);
}

} // namespace tidewire
