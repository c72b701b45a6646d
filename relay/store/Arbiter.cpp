#include "relay/store/Arbiter.h"

#include "relay/store/MergePlan.h"
#include "relay/store/ProposalRules.h"
#include "shared/delta/Recipe.h"

#include <algorithm>
#include <utility>

namespace tidewire {

namespace {

ProposalResult refused(Refusal reason)
{
    ProposalResult result;
    result.verdict = Verdict::Refused;
    result.refusal = reason;
    return result;
}

ProposalResult repeatedAs(Seq seq, const std::optional<Revision>& head)
{
    ProposalResult result;
    result.verdict = Verdict::Repeated;
    result.seq = seq;
    if (head && head->seq != seq)
    {
        result.head = head;
    }
    return result;
}

ProposalResult same(std::optional<Revision> head)
{
    ProposalResult result;
    result.verdict = Verdict::Same;
    result.head = std::move(head);
    return result;
}

} // namespace

Arbiter::Arbiter(Database& database, Journal& journal, FramePool& pool, Uploads& uploads):
    _journal(journal),
    _pool(pool),
    _uploads(uploads),
    _addFragmented(database, "INSERT INTO fragmented VALUES(?)")
{
}

Judgement
Arbiter::decide(const std::string& agent, const Proposal& proposal, std::int64_t wallSeconds)
{
    const NewRevision revision{proposal.path, proposal.entry, agent, proposal.base, wallSeconds};
    Content content;
    Judgement judgement;
    ProposalResult& result = judgement.result;
    if (const Refusal flaw = makeContent(agent, proposal, content); flaw != Refusal::None)
    {
        result = refused(flaw);
    }
    else
    {
        const std::optional<Revision> head = _journal.newest(proposal.path);
        const Entry current = head ? head->entry : Entry();
        const bool isCurrent = head ? head->seq == proposal.base : false;
        const bool isNew = proposal.base == 0 && current.kind == EntryKind::Tombstone;
        const Seq repeated = isCurrent ? 0 : _journal.findRepeated(revision, proposal.seen);
        if (repeated != 0)
        {
            result = repeatedAs(repeated, head);
        }
        else if (!isCurrent && !isNew)
        {
            result = judgeStale(revision, head);
        }
        else if (const Refusal hurt = checkTree(revision, current); hurt != Refusal::None)
        {
            result = refused(hurt);
        }
        else if (proposal.entry == current)
        {
            result = same(head);
        }
        else
        {
            result.verdict = Verdict::Accepted;
        }
    }
    const bool accepted = result.verdict == Verdict::Accepted;
    endUpload(agent, proposal, accepted, wallSeconds);
    if (accepted)
    {
        judgement.accepted = accept(revision, std::move(content));
        result.seq = judgement.accepted->revision.seq;
    }
    result.id = proposal.id;
    return judgement;
}

Refusal Arbiter::makeContent(const std::string& agent, const Proposal& proposal, Content& content)
{
    if (!isWellFormed(proposal))
    {
        return Refusal::Malformed;
    }
    content.delta = proposal.delta;
    if (const Refusal flaw = placeData(agent, proposal, content.delta); flaw != Refusal::None)
    {
        return flaw;
    }
    Recipe source;
    if (hasCopies(proposal.delta))
    {
        std::optional<Recipe> found = _journal.newestRecipe(proposal.source);
        if (!found)
        {
            return Refusal::SourceUnknown;
        }
        source = std::move(*found);
        content.source = proposal.source;
        if (!copiesLieWithin(proposal.delta, totalLength(source).value_or(0)))
        {
            return Refusal::Malformed;
        }
    }
    std::optional<Recipe> recipe = resolve(content.delta, source);
    if (!recipe)
    {
        // Too many pieces: the whole content in one upload makes one.
        return Refusal::SourceUnknown;
    }
    content.recipe = std::move(*recipe);
    return Refusal::None;
}

Refusal Arbiter::placeData(const std::string& agent, const Proposal& proposal, Delta& delta)
{
    if (!proposal.upload)
    {
        DataCheck check([&](FrameId id) { return id > kMaxFrameId ? 0 : _pool.rawLength(id); });
        return check.judge(delta);
    }
    const std::optional<UploadRange> range = _uploads.find(agent, *proposal.upload);
    if (!range)
    {
        return Refusal::SourceUnknown;
    }
    DataCheck check([&](FrameId number) {
        const bool isLast = number + 1 == range->frames;
        return number >= range->frames ? 0 : isLast ? range->lastRaw : kFrameBytes;
    });
    if (const Refusal flaw = check.judge(delta); flaw != Refusal::None)
    {
        return flaw;
    }
    for (Op& op : delta)
    {
        if (op.kind == OpKind::Data)
        {
            op.frame += range->first;
        }
    }
    return Refusal::None;
}

ProposalResult Arbiter::judgeStale(const NewRevision& revision, std::optional<Revision> head)
{
    // A path whose tombstone was dropped, or that never was, is as good as deleted.
    if (revision.entry.sameContent(head ? head->entry : Entry()))
    {
        return same(std::move(head));
    }
    ProposalResult result = refused(Refusal::BaseChanged);
    result.head = std::move(head);
    return result;
}

Refusal Arbiter::checkTree(const NewRevision& revision, const Entry& head)
{
    if (revision.path.isRoot() || revision.path.isPrivate())
    {
        return Refusal::Malformed;
    }
    // A deletion cannot leave anything without a parent, whatever became of its own.
    if (revision.entry.kind != EntryKind::Tombstone)
    {
        const RelativePath parent = revision.path.parent();
        if (!parent.isRoot() && !_journal.isLiveFolder(parent))
        {
            return Refusal::ParentMissing;
        }
    }
    if (head.kind == EntryKind::Directory && revision.entry.kind != EntryKind::Directory &&
        _journal.hasLiveChildren(revision.path))
    {
        return Refusal::NotEmpty;
    }
    return Refusal::None;
}

void Arbiter::endUpload(const std::string& agent,
                        const Proposal& proposal,
                        bool accepted,
                        std::int64_t wallSeconds)
{
    const bool hasData =
        std::ranges::any_of(proposal.delta, [](const Op& op) { return op.kind == OpKind::Data; });
    if (!accepted && hasData)
    {
        _pool.noteGarbage();
    }
    if (proposal.upload)
    {
        if (accepted)
        {
            _uploads.persist(agent, *proposal.upload, wallSeconds);
        }
        _uploads.close(agent, *proposal.upload);
    }
}

Accepted Arbiter::accept(const NewRevision& revision, Content&& content)
{
    const Journal::Added added = _journal.append(revision, content.recipe);
    if (isFragmented(content.recipe))
    {
        Query(_addFragmented, added.seq).run();
    }
    if (_pool.isMarking())
    {
        for (const Op& op : content.delta)
        {
            if (op.kind == OpKind::Data)
            {
                _pool.mark(op);
            }
        }
    }
    return Accepted{Revision{added.seq, revision.path, revision.entry, revision.agent},
                    added.tag,
                    content.source,
                    std::move(content.delta)};
}

} // namespace tidewire
