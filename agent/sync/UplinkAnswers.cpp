// Uplink: the relay's answers, and proposals that were lost with their answers.

#include "agent/sync/DiskState.h"
#include "agent/sync/Uplink.h"
#include "shared/base/Errors.h"

#include <utility>

namespace tidewire {

namespace {

constexpr SteadyTime kRetryDelay = std::chrono::seconds(1);
constexpr SteadyTime kStorageDelay = std::chrono::seconds(30);

} // namespace

void Uplink::onResult(ResultMessage& message)
{
    for (ProposalResult& result : message.results)
    {
        auto node = _flights.extract(result.id);
        _log.answered(result.id);
        if (!node.empty())
        {
            _deletions.erase(node.mapped().path);
            _flightBytes -= node.mapped().bytes;
        }
        if (node.empty())
        {
            throw ProtocolError("a result for proposal " + std::to_string(result.id) +
                                ", which was not made");
        }
        onVerdict(result, std::move(node.mapped()));
    }
}

bool Uplink::takeLost(const Revision& revision)
{
    auto lost = _lost.extract(revision.path);
    if (!lost.empty() && lost.mapped().entry == revision.entry)
    {
        accepted(lost.mapped(), revision.seq);
        return true;
    }
    if (!_log.made(revision))
    {
        return false;
    }
    // Without its identity it is read again: what was done to it since is a change of this revision.
    Flight flight;
    flight.path = revision.path;
    flight.entry = revision.entry;
    accepted(flight, revision.seq);
    return true;
}

/// A proposal that was made and never sent.
void Uplink::forgetFlight(const RelativePath& path)
{
    std::erase_if(_flights, [&](const auto& item) { return item.second.path == path; });
}

void Uplink::onVerdict(ProposalResult& result, Flight flight)
{
    switch (result.verdict)
    {
    case Verdict::Accepted:
    case Verdict::Repeated:
        accepted(flight, result.seq);
        if (result.head)
        {
            _host.superseded(*result.head);
        }
        release(flight.path);
        break;
    case Verdict::Same:
        if (flight.entry.kind == EntryKind::Tombstone)
        {
            _share.index.remove(_share.record.id, flight.path);
        }
        else
        {
            // Seq 0: our content, whose metadata the head's revision has still to settle.
            accepted(flight, 0);
            _host.refused(flight.path, result.head);
        }
        release(flight.path);
        break;
    case Verdict::Refused:
        onRefusal(result, flight);
        break;
    }
}

void Uplink::accepted(const Flight& flight, Seq seq)
{
    const ShareId share = _share.record.id;
    std::optional<IndexEntry> row;
    if (flight.entry.kind == EntryKind::Tombstone)
    {
        _share.index.remove(share, flight.path);
    }
    else
    {
        row = IndexEntry{flight.path, seq, flight.entry, flight.local};
        _share.noteUnsynced(seq);
        if (flight.signature)
        {
            _share.index.put(share, *row, *flight.signature);
        }
        else
        {
            _share.index.put(share, *row);
        }
        if (!flight.signature && flight.appended)
        {
            _share.index.appendSignature(share, flight.path, flight.entry.size, *flight.appended);
            _host.grown(flight.path);
        }
        else if (!flight.signature && flight.like)
        {
            _share.index.copySignature(share, *flight.like, flight.path);
        }
    }
    if (_share.log.debug())
    {
        _share.log.debug(_share.options.name + ": revision " + std::to_string(seq) + " is " +
                         printable(flight.path.text()) + " of this agent");
    }
    // A folder that was moved meanwhile took this entry along, and no scan could miss it while the
    // index did not have it.
    if (!isAsRecorded(_share.files, flight.path, row, _share.options.modes.mask()))
    {
        _host.lookAgain(flight.path, HintScope::Entry, SteadyTime(0));
    }
}

void Uplink::onRefusal(ProposalResult& result, const Flight& flight)
{
    const RelativePath path = flight.path;
    switch (result.refusal)
    {
    case Refusal::BaseChanged:
        if (const auto row = _share.index.get(_share.record.id, path);
            row && row->entry.sameContent(flight.entry))
        {
            // Only its metadata was changed here: that is no content that could be lost.
            _share.index.put(_share.record.id, {path, row->seq, row->entry, flight.local});
            _share.noteUnsynced(row->seq);
        }
        _host.refused(path, result.head);
        release(path);
        return;
    case Refusal::ParentMissing:
        if (_share.options.mode == ShareMode::Send)
        {
            // No feed tells that the folder is gone there: it is proposed anew.
            _share.index.remove(_share.record.id, path.parent());
        }
        _host.lookAgain(path.parent(), HintScope::Entry, kRetryDelay);
        tryAgainLater(path, HintScope::Entry);
        return;
    case Refusal::NotEmpty:
        if (flight.entry.kind == EntryKind::Tombstone)
        {
            _host.cannotVanish(path);
        }
        else
        {
            _host.cannotReplace(path);
        }
        release(path);
        return;
    case Refusal::SourceUnknown:
        if (auto row = _share.index.get(_share.record.id, path); row && row->seq != 0)
        {
            row->local = {};
            _share.index.put(_share.record.id, *row);
        }
        if (const auto stat = statIfPossible(_share.files, path);
            stat && stat->kind == FileKind::File)
        {
            ReadPlan plan;
            plan.withBase = false;
            plan.hashFirst = false;
            _reads.read(path, *stat, plan);
            return;
        }
        tryAgainLater(path, HintScope::Entry);
        return;
    case Refusal::NotAllowed:
        if (!_share.readOnly)
        {
            _share.readOnly = true;
            _share.log.warning(
                _share.options.name +
                    ": the relay takes no changes of this agent; it only receives now",
                {.event = LogEvent::ShareRefused});
        }
        putDown(path);
        _host.onlyReceiving();
        return;
    case Refusal::StorageFull:
        _host.lookAgain(path, HintScope::Entry, kStorageDelay);
        putDown(path);
        return;
    case Refusal::Malformed:
    case Refusal::None:
        _share.log.error(_share.options.name + ": the relay does not take " +
                             printable(path.text()) + " (refusal " +
                             std::to_string(static_cast<int>(result.refusal)) +
                             "); it stays as it is here",
                         {.event = LogEvent::PathLeftAlone, .path = path.text()});
        putDown(path);
        return;
    }
}

void Uplink::onDisconnected()
{
    _batcher.reset();
    _reads.onDisconnected();
    _walk.reset();
    // The relay may have accepted some of these: their revisions are known again when they come.
    if (_lost.size() > kMaxFlights)
    {
        _lost.clear();
    }
    for (auto& [id, flight] : std::exchange(_flights, {}))
    {
        const RelativePath path = flight.path;
        _lost.insert_or_assign(path, std::move(flight));
    }
    _flightBytes = 0;
    _unknown.clear();
    _closing.clear();
    _deletions.clear();
    for (const RelativePath& path : std::exchange(_held, {}))
    {
        _paths.release(path);
        _host.lookAgain(path, HintScope::Entry, SteadyTime(0));
        _host.released(path);
    }
}

} // namespace tidewire
