#include "agent/AdoptFolder.h"

#include "agent/state/Index.h"
#include "agent/sync/PrivateFolder.h"
#include "shared/base/Errors.h"
#include "shared/daemon/StateLock.h"
#include "shared/fs/PosixFileSystem.h"

#include <sodium.h>

#include <algorithm>

namespace tidewire {

namespace {

constexpr std::size_t kPage = 256;

void forgetShare(Index& index, ShareRecord& record)
{
    for (;;)
    {
        const auto page = index.subtree(record.id, RelativePath(), RelativePath(), kPage);
        for (const IndexEntry& entry : page)
        {
            index.remove(record.id, entry.path);
        }
        if (page.size() < kPage)
        {
            break;
        }
    }
    for (;;)
    {
        const auto page = index.pendingAfter(record.id, 0, kPage);
        for (const Index::Pending& pending : page)
        {
            index.removePending(record.id, pending.revision.path);
        }
        if (page.size() < kPage)
        {
            break;
        }
    }
    record.cursor = 0;
    record.tag = 0;
    record.incarnation = {};
}

} // namespace

void adoptFolder(const AgentConfig& config, const std::string& share)
{
    const auto found =
        std::find_if(config.shares.begin(), config.shares.end(), [&](const AgentShareConfig& item) {
            return item.name == share;
        });
    if (found == config.shares.end())
    {
        throw Error("there is no section [share." + printable(share) + "] in the configuration");
    }
    const StateLock lock(config.state);
    PosixFileSystem files(found->path);
    Index index(config.state + "/index.db");
    ShareRecord record = index.share(share);
    Marker marker{share, {}};
    ::randombytes_buf(marker.id.data(), marker.id.size());
    index.begin();
    forgetShare(index, record);
    record.marker = marker.id;
    index.putShare(record);
    index.commit();
    PrivateFolder(files).writeMarker(marker);
}

} // namespace tidewire
