#include "agent/sync/ProposalLog.h"

#include "shared/base/ByteReader.h"
#include "shared/base/ByteWriter.h"

#include <xxhash.h>

#include <utility>

namespace tidewire {

std::uint64_t fingerprintOf(const RelativePath& path, const Entry& entry)
{
    Bytes text;
    ByteWriter writer(text);
    writer.string(path.text());
    writer.u8(static_cast<std::uint8_t>(entry.kind));
    writer.u32(entry.mode);
    writer.u64(static_cast<std::uint64_t>(entry.mtime.seconds));
    writer.u32(entry.mtime.nanoseconds);
    writer.u64(entry.size);
    writer.raw(entry.hash.bytes);
    writer.string(entry.target);
    return ::XXH3_64bits(text.data(), text.size());
}

void ProposalLog::load(ShareId share)
{
    _share = share;
    reload();
}

void ProposalLog::reload()
{
    _former.clear();
    for (const Bytes& batch : _index.sent(_share))
    {
        for (ByteReader reader(batch); reader.remaining() >= sizeof(std::uint64_t);)
        {
            _former.insert(reader.u64());
        }
    }
}

void ProposalLog::send(const Message& message, Lane lane)
{
    if (const auto* proposals = std::get_if<ProposeMessage>(&message))
    {
        record(*proposals);
    }
    _relay.send(message, lane);
}

void ProposalLog::record(const ProposeMessage& message)
{
    Bytes fingerprints;
    ByteWriter writer(fingerprints);
    for (const Proposal& proposal : message.proposals)
    {
        writer.u64(fingerprintOf(proposal.path, proposal.entry));
    }
    const std::int64_t row = _index.addSent(_share, fingerprints);
    for (const Proposal& proposal : message.proposals)
    {
        _rows[proposal.id] = row;
    }
    _open[row] = message.proposals.size();
}

void ProposalLog::answered(std::uint32_t proposal)
{
    const auto node = _rows.extract(proposal);
    if (node.empty())
    {
        return;
    }
    const auto open = _open.find(node.mapped());
    if (--open->second == 0)
    {
        _index.removeSent(open->first);
        _open.erase(open);
    }
}

void ProposalLog::onDisconnected()
{
    _rows.clear();
    if (!_open.empty())
    {
        _open.clear();
        reload();
    }
}

void ProposalLog::onLive()
{
    if (!_former.empty())
    {
        _index.ageSent(_share, kMaxAge);
        reload();
    }
}

bool ProposalLog::made(const Revision& revision) const
{
    return !_former.empty() && _former.contains(fingerprintOf(revision.path, revision.entry));
}

} // namespace tidewire
