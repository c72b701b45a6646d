#include "agent/sync/ApplyLog.h"

#include "agent/sync/ProposalLog.h"
#include "shared/base/ByteReader.h"
#include "shared/base/ByteWriter.h"

namespace tidewire {

namespace {

constexpr std::size_t kMarkBytes = 3 * sizeof(std::uint64_t);

std::uint64_t keyOf(const RelativePath& path)
{
    return fingerprintOf(path, Entry());
}

} // namespace

void ApplyLog::load(ShareId share)
{
    _share = share;
    _former.clear();
    const Bytes marks = _index.applying(_share);
    for (ByteReader reader(marks); reader.remaining() >= kMarkBytes && _former.size() < kMaxFormer;)
    {
        const std::uint64_t path = reader.u64();
        const std::uint64_t entry = reader.u64();
        _former[path] = {entry, reader.u64()};
    }
}

void ApplyLog::add(const RelativePath& path, Seq seq, const Entry& entry)
{
    if (entry.kind != EntryKind::Tombstone)
    {
        _batch[keyOf(path)] = {fingerprintOf(path, entry), seq};
    }
}

void ApplyLog::begin()
{
    if (!_batch.empty())
    {
        write();
    }
}

void ApplyLog::end()
{
    if (!_batch.empty())
    {
        _batch.clear();
        write();
    }
}

void ApplyLog::write()
{
    Bytes marks;
    ByteWriter writer(marks);
    for (const Marks* some : {&_former, &_batch})
    {
        for (const auto& [path, mark] : *some)
        {
            writer.u64(path);
            writer.u64(mark.entry);
            writer.u64(mark.seq);
        }
    }
    _index.putApplying(_share, marks);
}

std::optional<Seq> ApplyLog::take(const RelativePath& path, const Entry& entry)
{
    const auto found = _former.find(keyOf(path));
    if (found == _former.end() || found->second.entry != fingerprintOf(path, entry))
    {
        return std::nullopt;
    }
    const Seq seq = found->second.seq;
    settle(path);
    return seq;
}

void ApplyLog::settle(const RelativePath& path)
{
    if (!_former.empty() && _former.erase(keyOf(path)) > 0 && _former.empty())
    {
        write();
    }
}

void ApplyLog::clear()
{
    if (!_former.empty())
    {
        _former.clear();
        write();
    }
}

} // namespace tidewire
