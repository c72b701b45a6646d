// The rules of a store over maps.

#include "tests/support/MemoryStore.h"

#include "shared/base/ByteWriter.h"
#include "shared/base/Errors.h"
#include "shared/delta/Recipe.h"

#include <xxhash.h>

#include <algorithm>

namespace tidewire {

namespace {

ProposalResult refuse(const Proposal& proposal, Refusal refusal)
{
    ProposalResult result;
    result.id = proposal.id;
    result.refusal = refusal;
    return result;
}

bool isLive(EntryKind kind)
{
    return kind != EntryKind::Tombstone;
}

} // namespace

MemoryStore::MemoryStore(): _incarnation{1} {}

UploadState MemoryStore::Upload::state() const
{
    return {count, XXH3_64bits(checksums.data(), checksums.size())};
}

void MemoryStore::mayFail(const char* operation) const
{
    if (_failure != 0)
    {
        throw StorageError(operation, "memory", _failure);
    }
    if (_broken)
    {
        throw Error("the memory is broken");
    }
}

StoreState MemoryStore::state() const
{
    StoreState state;
    state.incarnation = _incarnation;
    state.head = _committed.nextSeq - 1;
    state.tag = tagOf(state.head).value_or(0);
    state.floor = _floor;
    return state;
}

FrameId MemoryStore::addFrame(const Frame& frame)
{
    mayFail("append");
    _working.frames[_working.nextFrame] = std::make_shared<const Frame>(frame);
    return _working.nextFrame++;
}

UploadState MemoryStore::openUpload(const std::string& agent,
                                    const UploadToken& token,
                                    std::uint32_t capacity,
                                    bool restart)
{
    mayFail("append");
    Upload& upload = _working.uploads[{agent, token}];
    if (restart || upload.capacity != capacity)
    {
        upload = {capacity, _working.nextFrame, 0, {}};
        _working.nextFrame += capacity;
    }
    return upload.state();
}

void MemoryStore::addUploadFrame(const std::string& agent,
                                 const UploadToken& token,
                                 std::uint32_t index,
                                 const Frame& frame)
{
    mayFail("append");
    Upload& upload = _working.uploads[{agent, token}];
    if (index != upload.count || index >= upload.capacity)
    {
        throw ProtocolError("frame out of turn");
    }
    _working.frames[upload.first + index] = std::make_shared<const Frame>(frame);
    ++upload.count;
    ByteWriter(upload.checksums).u64(frame.checksum);
}

const MemoryStore::Record* MemoryStore::headOf(const State& state, const RelativePath& path)
{
    const auto head = state.heads.find(path);
    return head == state.heads.end() ? nullptr : &state.records.at(head->second);
}

bool MemoryStore::framesExist(const Recipe& recipe) const
{
    return std::all_of(recipe.begin(), recipe.end(), [&](const Op& op) {
        std::uint64_t position = op.offset;
        std::uint64_t left = op.kind == OpKind::Data ? op.length : 0;
        while (left > 0)
        {
            const auto frame = _working.frames.find(op.frame + position / kFrameBytes);
            const std::uint64_t offset = position % kFrameBytes;
            const std::uint64_t length = std::min<std::uint64_t>(left, kFrameBytes - offset);
            if (frame == _working.frames.end() || offset + length > frame->second->rawLength)
            {
                return false;
            }
            position += length;
            left -= length;
        }
        return true;
    });
}

std::optional<Recipe>
MemoryStore::makeRecipe(const std::string& agent, const Proposal& proposal, Refusal& refusal) const
{
    refusal = Refusal::Malformed;
    Delta delta = proposal.delta;
    if (proposal.upload)
    {
        const auto upload = _working.uploads.find({agent, *proposal.upload});
        if (upload == _working.uploads.end())
        {
            refusal = Refusal::SourceUnknown;
            return std::nullopt;
        }
        for (Op& op : delta)
        {
            op.frame += op.kind == OpKind::Data ? upload->second.first : 0;
        }
    }
    Recipe source;
    if (proposal.source != 0)
    {
        const auto record = _working.records.find(proposal.source);
        if (record == _working.records.end() ||
            record->second.revision.entry.kind != EntryKind::File)
        {
            refusal = Refusal::SourceUnknown;
            return std::nullopt;
        }
        source = record->second.recipe;
    }
    auto recipe = resolve(delta, source);
    if (!recipe || totalLength(*recipe) != proposal.entry.size)
    {
        return std::nullopt;
    }
    if (!framesExist(*recipe))
    {
        refusal = Refusal::SourceUnknown;
        return std::nullopt;
    }
    return recipe;
}

bool MemoryStore::isRepeated(const std::string& agent,
                             const Proposal& proposal,
                             ProposalResult& result) const
{
    for (auto it = _working.records.rbegin();
         it != _working.records.rend() && it->first > proposal.seen;
         ++it)
    {
        const auto& [seq, record] = *it;
        if (record.revision.agent != agent || record.revision.path != proposal.path)
        {
            continue;
        }
        if (record.base == proposal.base && record.revision.entry == proposal.entry)
        {
            result.verdict = Verdict::Repeated;
            result.seq = seq;
            return true;
        }
        if (!isLive(record.revision.entry.kind))
        {
            return false;
        }
    }
    return false;
}

Refusal MemoryStore::checkTree(const Proposal& proposal) const
{
    const RelativePath parent = proposal.path.parent();
    const Record* folder = headOf(_working, parent);
    const bool isDeletion = proposal.entry.kind == EntryKind::Tombstone;
    if (!isDeletion && !parent.isRoot() &&
        (folder == nullptr || folder->revision.entry.kind != EntryKind::Directory))
    {
        return Refusal::ParentMissing;
    }
    if (proposal.entry.kind == EntryKind::Directory)
    {
        return Refusal::None;
    }
    const bool hasChildren =
        std::any_of(_working.heads.begin(), _working.heads.end(), [&](const auto& head) {
            return head.first != proposal.path && head.first.isWithin(proposal.path) &&
                   isLive(_working.records.at(head.second).revision.entry.kind);
        });
    return hasChildren ? Refusal::NotEmpty : Refusal::None;
}

ProposalResult MemoryStore::propose(const std::string& agent, const Proposal& proposal)
{
    mayFail("append");
    ProposalResult result;
    result.id = proposal.id;
    Refusal refusal = Refusal::None;
    const auto recipe = makeRecipe(agent, proposal, refusal);
    if (!recipe || proposal.path.isRoot() || proposal.path.isPrivate())
    {
        return refuse(proposal, recipe ? Refusal::Malformed : refusal);
    }
    const Record* head = headOf(_working, proposal.path);
    const bool hasEntry = head != nullptr && isLive(head->revision.entry.kind);
    const bool baseHolds = (head != nullptr && head->revision.seq == proposal.base) ||
                           (proposal.base == 0 && !hasEntry);
    const bool isCurrent = head != nullptr && head->revision.seq == proposal.base;
    if (!isCurrent && isRepeated(agent, proposal, result))
    {
        if (head->revision.seq != result.seq)
        {
            result.head = head->revision;
        }
        return result;
    }
    if (!baseHolds)
    {
        result.refusal = Refusal::BaseChanged;
        if (head != nullptr)
        {
            result.head = head->revision;
            const bool same = head->revision.entry.sameContent(proposal.entry);
            result.verdict = same ? Verdict::Same : Verdict::Refused;
            result.refusal = same ? Refusal::None : Refusal::BaseChanged;
        }
        return result;
    }
    if (const Refusal broken = checkTree(proposal); broken != Refusal::None)
    {
        return refuse(proposal, broken);
    }
    if (head != nullptr && head->revision.entry == proposal.entry)
    {
        result.verdict = Verdict::Same;
        result.head = head->revision;
        return result;
    }
    const Seq seq = _working.nextSeq++;
    const std::uint64_t tag = 1000 + seq;
    Record record{{seq, proposal.path, proposal.entry, agent}, proposal.base, tag, *recipe};
    Delta delta = proposal.upload ? *recipe : proposal.delta;
    _working.accepted.push_back({record.revision, tag, proposal.source, std::move(delta)});
    _working.records[seq] = std::move(record);
    _working.heads[proposal.path] = seq;
    result.verdict = Verdict::Accepted;
    result.seq = seq;
    return result;
}

std::vector<Accepted> MemoryStore::commit()
{
    mayFail("commit");
    ++_commits;
    std::vector<Accepted> accepted = std::exchange(_working.accepted, {});
    _committed = _working;
    return accepted;
}

void MemoryStore::rollback()
{
    if (_broken)
    {
        throw Error("the memory is broken");
    }
    _working = _committed;
}

std::optional<Revision> MemoryStore::head(const RelativePath& path) const
{
    const Record* record = headOf(_committed, path);
    return record == nullptr ? std::nullopt : std::optional(record->revision);
}

std::vector<Revision> MemoryStore::headsAfter(Seq after, std::size_t limit, bool liveOnly) const
{
    std::vector<Revision> result;
    for (auto it = _committed.records.upper_bound(after);
         it != _committed.records.end() && result.size() < limit;
         ++it)
    {
        const Revision& revision = it->second.revision;
        const bool isHead = _committed.heads.at(revision.path) == it->first;
        if (isHead && (!liveOnly || isLive(revision.entry.kind)))
        {
            result.push_back(revision);
        }
    }
    return result;
}

std::optional<std::uint64_t> MemoryStore::tagOf(Seq seq) const
{
    const auto record = _committed.records.find(seq);
    return record == _committed.records.end() ? std::nullopt : std::optional(record->second.tag);
}

std::optional<Recipe> MemoryStore::recipe(Seq seq) const
{
    const auto record = _committed.records.find(seq);
    if (record == _committed.records.end() || record->second.revision.entry.kind != EntryKind::File)
    {
        return std::nullopt;
    }
    return record->second.recipe;
}

std::uint32_t MemoryStore::rawLength(FrameId id) const
{
    const auto frame = _committed.frames.find(id);
    return frame == _committed.frames.end() ? 0 : frame->second->rawLength;
}

Frame MemoryStore::readFrame(FrameId id) const
{
    ++_reads;
    const auto frame = _committed.frames.find(id);
    if (frame == _committed.frames.end() || _damaged.contains(id))
    {
        throw CorruptError("frame " + std::to_string(id) + " is damaged");
    }
    return *frame->second;
}

bool MemoryStore::maintain(std::int64_t /*nowSeconds*/)
{
    return false;
}

void MemoryStore::dropTombstones(Seq floor)
{
    _floor = floor;
    for (auto it = _working.heads.begin(); it != _working.heads.end();)
    {
        const Record& record = _working.records.at(it->second);
        const bool expired = it->second <= floor && !isLive(record.revision.entry.kind);
        if (expired)
        {
            const RelativePath path = it->first;
            std::erase_if(_working.records,
                          [&](const auto& item) { return item.second.revision.path == path; });
        }
        it = expired ? _working.heads.erase(it) : std::next(it);
    }
    _committed = _working;
}

void MemoryStore::dropRevision(Seq seq)
{
    _working.records.erase(seq);
    _committed = _working;
}

void MemoryStore::loseUploads()
{
    for (auto& [key, upload] : _working.uploads)
    {
        upload.count = 0;
        upload.checksums.clear();
    }
    _committed = _working;
}

void MemoryStore::dropFrame(FrameId id)
{
    _working.frames.erase(id);
    _committed = _working;
}

void MemoryStore::rewrite(Seq seq, Recipe recipe)
{
    _working.records.at(seq).recipe = std::move(recipe);
    _committed = _working;
}

} // namespace tidewire
