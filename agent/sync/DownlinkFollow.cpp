// Downlink: contents that are taken while their authors still send them.

#include "agent/sync/DiskState.h"
#include "agent/sync/Downlink.h"
#include "agent/sync/PrivateFolder.h"

namespace tidewire {

namespace {

// What a disk must have left besides.
constexpr std::uint64_t kSpareBytes = 64 << 20;

} // namespace

void Downlink::onIncoming(const IncomingMessage& message)
{
    const RelativePath& path = message.file.path;
    const std::uint64_t size = message.file.size;
    const bool isOurs = !path.isRoot() && !path.isPrivate() && !_share.rules.isIgnored(path, false);
    if (!_share.live || _share.options.mode == ShareMode::Send || !isOurs ||
        size <= RevisionQueue::kLargeBytes || _queue.find(path) != nullptr)
    {
        return;
    }
    try
    {
        // What stands there may be that very content, and it is looked at when its revision has come.
        _downloads.dropFollowed(path);
        const std::uint64_t room = _share.files.freeBytes();
        if (_share.files.stat(path) || room < kSpareBytes || room - kSpareBytes < size ||
            !_downloads.canFollow(path))
        {
            return;
        }
    }
    catch (const StorageError&)
    {
        return;
    }
    if (_fetcher.follow(path, size, message.upload))
    {
        _downloads.follow(path, size, message.upload);
    }
}

/// True when the content of the revision is what is followed for its path; its hash has still to prove it.
bool Downlink::adoptFollowed(Item& item)
{
    const Revision& revision = item.revision;
    if (!_downloads.adopt(revision.path, revision.seq, revision.entry, item.upload))
    {
        return false;
    }
    _queue.detach(item);
    item.state = RevisionQueue::State::Fetching;
    return true;
}

void Downlink::onFollowedEnd(const RelativePath& path, Seq seq, bool complete)
{
    if (seq == 0)
    {
        _downloads.onFollowedEnd(path, complete);
        return;
    }
    Item* item = _queue.find(path);
    if (!complete && item != nullptr && item->revision.seq == seq)
    {
        // The relay cannot read what it sent before.
        _downloads.drop(path);
        removeIfThere(_share.files, PrivateFolder::partial(seq));
        _queue.toDecide(*item);
    }
}

} // namespace tidewire
