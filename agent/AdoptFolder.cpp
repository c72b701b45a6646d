#include "agent/AdoptFolder.h"

#include "agent/state/Index.h"
#include "agent/sync/PrivateFolder.h"
#include "shared/base/Errors.h"
#include "shared/daemon/StateLock.h"
#include "shared/fs/PosixFileSystem.h"

#include <sodium.h>

#include <algorithm>

namespace tidewire {

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
    PrivateFolder folder(files);
    const auto folderLock = folder.lock();
    Index index(config.state + "/index.db");
    ShareRecord record = index.share(share);
    Marker marker{share, {}};
    ::randombytes_buf(marker.id.data(), marker.id.size());
    index.begin();
    index.forgetShare(record);
    record.marker = marker.id;
    index.putShare(record);
    index.commit();
    folder.writeMarker(marker);
}

} // namespace tidewire
