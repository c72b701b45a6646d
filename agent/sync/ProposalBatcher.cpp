#include "agent/sync/ProposalBatcher.h"

#include <functional>
#include <utility>

namespace tidewire {

namespace {

// Less among what compresses does no harm.
constexpr std::size_t kLeastRandom = 1024;

} // namespace

/// Compresses the frames of a batch on a worker.
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
        _frames = pack(_raw, _effort);
        return false;
    }

    void finish(JobPtr) override
    {
        _batch->frames = std::move(_frames);
        _batch->packed = true;
        _done();
    }

private:
    const std::shared_ptr<Batch> _batch; // the worker does not touch it
    const PackEffort _effort;
    const Streams _raw;
    Frames _frames;
    const std::function<void()> _done;
};

void ProposalBatcher::add(Proposal proposal, ByteView literal)
{
    const std::size_t stream = literal.size() >= kLeastRandom && looksRandom(literal) ? 1 : 0;
    const std::size_t text = proposal.path.text().size() + proposal.entry.target.size();
    const bool fits = !_batches.empty() && !_batches.back()->closed &&
                      _batches.back()->raw[stream].size() + literal.size() <= kFrameBytes &&
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
    Bytes& raw = batch.raw[stream];
    for (Op& op : proposal.delta)
    {
        if (op.kind == OpKind::Data)
        {
            op.offset += op.frame * kFrameBytes + raw.size();
            op.frame = stream;
        }
    }
    raw.insert(raw.end(), literal.begin(), literal.end());
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
    if (batch->raw[0].size() + batch->raw[1].size() <= kPackInline)
    {
        batch->frames = pack(batch->raw, PackEffort::Usual);
        batch->packed = true;
    }
    else
    {
        _share.jobs.submit(std::make_unique<PackJob>(batch, effort, [this] { sendReady(); }));
    }
}

void ProposalBatcher::sendReady()
{
    while (!_batches.empty() && _batches.front()->packed)
    {
        send(*_batches.front());
        _batches.pop_front();
    }
}

ProposalBatcher::Frames ProposalBatcher::pack(const Streams& raw, PackEffort effort)
{
    Frames frames;
    for (std::size_t i = 0; i < kStreams; ++i)
    {
        if (!raw[i].empty())
        {
            frames[i] = packFrame(raw[i], effort);
        }
    }
    return frames;
}

void ProposalBatcher::send(Batch& batch)
{
    std::array<FrameId, kStreams> ids{};
    for (std::size_t i = 0; i < kStreams; ++i)
    {
        if (!batch.frames[i])
        {
            continue;
        }
        ids[i] = _nextFrame++;
        _sent.bytes += batch.frames[i]->stored.size();
        FrameMessage message;
        message.share = _share.number;
        message.id = ids[i];
        message.frame = *std::move(batch.frames[i]);
        _share.relay.send(message, Lane::Urgent);
    }
    for (Proposal& proposal : batch.proposals)
    {
        for (Op& op : proposal.delta)
        {
            op.frame = op.kind == OpKind::Data ? ids.at(static_cast<std::size_t>(op.frame)) : 0;
        }
    }
    _sent.proposals += batch.proposals.size();
    _share.relay.send(ProposeMessage{_share.number, std::move(batch.proposals)}, Lane::Urgent);
}

} // namespace tidewire
