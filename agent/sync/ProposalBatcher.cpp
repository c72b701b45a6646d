#include "agent/sync/ProposalBatcher.h"

#include <functional>
#include <utility>

namespace tidewire {

/// Compresses one frame on a worker.
class ProposalBatcher::PackJob: public Job
{
public:
    PackJob(std::shared_ptr<Batch> batch, PackEffort effort, std::function<void()> done):
        _batch(std::move(batch)),
        _effort(effort),
        _raw(std::move(_batch->raw)),
        _done(std::move(done))
    {
    }

    bool step() override
    {
        _frame = packFrame(_raw, _effort);
        return false;
    }

    void finish(JobPtr) override
    {
        _batch->frame = std::move(_frame);
        _done();
    }

private:
    const std::shared_ptr<Batch> _batch; // the worker does not touch it
    const PackEffort _effort;
    const Bytes _raw;
    Frame _frame;
    const std::function<void()> _done;
};

void ProposalBatcher::add(Proposal proposal, ByteView literal)
{
    const std::size_t text = proposal.path.text().size() + proposal.entry.target.size();
    const bool fits = !_batches.empty() && !_batches.back()->closed &&
                      _batches.back()->raw.size() + literal.size() <= kFrameBytes &&
                      _batches.back()->proposals.size() < kMaxProposals &&
                      _batches.back()->ops + proposal.delta.size() <= kMaxOps &&
                      _batches.back()->text + text <= kMaxTextBytes;
    if (!fits)
    {
        // Many small files: the processor is what they wait for.
        close(PackEffort::Quick);
        _batches.push_back(std::make_shared<Batch>());
    }
    Batch& batch = *_batches.back();
    for (Op& op : proposal.delta)
    {
        if (op.kind == OpKind::Data)
        {
            op.offset += op.frame * kFrameBytes + batch.raw.size();
        }
    }
    batch.raw.insert(batch.raw.end(), literal.begin(), literal.end());
    batch.ops += proposal.delta.size();
    batch.text += text;
    batch.proposals.push_back(std::move(proposal));
}

void ProposalBatcher::flush()
{
    close(PackEffort::Usual);
    sendReady();
}

void ProposalBatcher::reset()
{
    _batches.clear();
    _nextFrame = 0;
}

void ProposalBatcher::close(PackEffort effort)
{
    if (_batches.empty() || _batches.back()->closed)
    {
        return;
    }
    const std::shared_ptr<Batch>& batch = _batches.back();
    batch->closed = true;
    if (batch->raw.empty())
    {
        batch->frame.emplace();
    }
    else if (batch->raw.size() <= kPackInline)
    {
        batch->frame = packFrame(batch->raw);
    }
    else
    {
        _share.jobs.submit(std::make_unique<PackJob>(batch, effort, [this] { sendReady(); }));
    }
}

void ProposalBatcher::sendReady()
{
    while (!_batches.empty() && _batches.front()->closed && _batches.front()->frame)
    {
        send(*_batches.front());
        _batches.pop_front();
    }
}

void ProposalBatcher::send(Batch& batch)
{
    if (batch.frame->rawLength > 0)
    {
        const FrameId id = _nextFrame++;
        for (Proposal& proposal : batch.proposals)
        {
            for (Op& op : proposal.delta)
            {
                op.frame = op.kind == OpKind::Data ? id : 0;
            }
        }
        _sent.bytes += batch.frame->stored.size();
        FrameMessage message;
        message.share = _share.number;
        message.id = id;
        message.frame = std::move(*batch.frame);
        _share.relay.send(message, Lane::Urgent);
    }
    _sent.proposals += batch.proposals.size();
    _share.relay.send(ProposeMessage{_share.number, std::move(batch.proposals)}, Lane::Urgent);
}

} // namespace tidewire
