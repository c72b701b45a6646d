#include "agent/sync/DownloadJob.h"

#include "shared/base/Errors.h"
#include "shared/wire/FrameCodec.h"
#include "shared/wire/Messages.h"

#include <algorithm>

namespace tidewire {

namespace {

constexpr std::uint64_t kStepBytes = 1 << 20;

} // namespace

DownloadJob::DownloadJob(FileSystem& files, ModePolicy modes, DownloadRequest request, Done done):
    _files(files),
    _modes(modes),
    _request(std::move(request)),
    _done(std::move(done))
{
}

void DownloadJob::finish(JobPtr self)
{
    std::unique_ptr<DownloadJob> job(static_cast<DownloadJob*>(self.release()));
    const Done done = job->_done;
    done(std::move(job));
}

std::uint32_t DownloadJob::undigested() const
{
    std::uint32_t credit = 0;
    for (const ContentChunk& chunk : _chunks)
    {
        credit += chunk.credit;
    }
    return credit;
}

bool DownloadJob::step()
{
    try
    {
        if (!_writer && !open())
        {
            return false;
        }
        if (_writer->readBack())
        {
            return true;
        }
        if (!_chunks.empty())
        {
            apply(_chunks.front());
            return true;
        }
        return complete();
    }
    catch (const StorageError& failure)
    {
        error = failure.what();
        code = failure.code();
        return end(DownloadStatus::Failed);
    }
    catch (const CorruptError& failure)
    {
        error = failure.what();
        return end(DownloadStatus::WrongContent);
    }
    catch (const Error& failure)
    {
        // The base was cut short while it was read.
        error = failure.what();
        return end(DownloadStatus::BaseChanged);
    }
}

bool DownloadJob::open()
{
    if (_request.resumeAt > 0)
    {
        // One that was whole has the mode of the entry, which may not allow writing.
        _files.setMode(_request.temporary, 0600);
        _out = _files.openWrite(_request.temporary);
    }
    else
    {
        _out = _files.createFile(_request.temporary, 0600);
    }
    if (!_request.basePath.isRoot())
    {
        _base = _files.openRead(_request.basePath);
        if (LocalIdentity::of(_base->stat()) != _request.baseIdentity)
        {
            return end(DownloadStatus::BaseChanged);
        }
    }
    _writer =
        std::make_unique<ContentWriter>(*_out, _request.entry.size, _base.get(), _request.resumeAt);
    return true;
}

/// Appends what a Data operation names: bytes of a run of frames (see Op), or of the literal.
void DownloadJob::writeRun(const ContentChunk& chunk, const Op& op)
{
    if (op.frame == kLiteralFrame)
    {
        if (op.offset > chunk.literal.size() || op.length > chunk.literal.size() - op.offset)
        {
            throw CorruptError("an operation reaches beyond the literal bytes");
        }
        _writer->data(partOf(chunk.literal, op.offset, op.length));
        return;
    }
    FrameId id = op.frame;
    std::uint64_t offset = op.offset;
    std::uint64_t left = op.length;
    while (left > 0)
    {
        const auto found = std::find_if(chunk.frames.begin(),
                                        chunk.frames.end(),
                                        [&](const auto& frame) { return frame.first == id; });
        if (found == chunk.frames.end())
        {
            throw CorruptError("an operation names a frame that did not come");
        }
        const ByteView raw = unpacked(found->second);
        if (offset >= raw.size())
        {
            throw CorruptError("an operation reaches beyond its frame");
        }
        const std::uint64_t part = std::min<std::uint64_t>(left, raw.size() - offset);
        _writer->data(partOf(raw, offset, part));
        left -= part;
        offset = 0;
        ++id;
    }
}

ByteView DownloadJob::unpacked(const SharedFrame& frame)
{
    if (_lastFrame != frame)
    {
        _lastFrame.reset();
        _lastRaw = unpackFrame(*frame, _buffer);
        _lastFrame = frame;
    }
    return _lastRaw;
}

void DownloadJob::apply(ContentChunk& chunk)
{
    std::uint64_t budget = kStepBytes;
    while (_nextOp < chunk.ops.size() && budget > 0)
    {
        const Op& op = chunk.ops[_nextOp];
        std::uint64_t part = op.length - _doneOfOp;
        if (op.kind == OpKind::Copy)
        {
            part = std::min(part, budget);
            _writer->copy(op.offset + _doneOfOp, part);
        }
        else if (op.kind == OpKind::Zero)
        {
            _writer->zero(part);
        }
        else
        {
            writeRun(chunk, op);
        }
        budget -= std::min(budget, op.kind == OpKind::Zero ? 1 : part);
        _doneOfOp += part;
        if (_doneOfOp == op.length)
        {
            _doneOfOp = 0;
            ++_nextOp;
        }
    }
    if (_nextOp == chunk.ops.size())
    {
        digested += chunk.credit;
        _chunks.pop_front();
        _nextOp = 0;
    }
}

bool DownloadJob::complete()
{
    if (_writer->position() < _request.entry.size)
    {
        // What has come outlives this attempt.
        _writer->flush();
        status = DownloadStatus::Hungry;
        return false;
    }
    auto made = _writer->finish();
    if (!made || made->first != _request.entry.hash)
    {
        error = "the content has another hash than the revision";
        return end(DownloadStatus::WrongContent);
    }
    signature = std::move(made->second);
    _out->setMode(_request.entry.mode & _modes.mask());
    _out->setMtime(_request.entry.mtime);
    _out->sync();
    if (_request.entry.size >= kUncachedBytes)
    {
        _out->dropFromCache(0, _request.entry.size);
    }
    return end(DownloadStatus::Finished);
}

bool DownloadJob::end(DownloadStatus result)
{
    status = result;
    _writer.reset();
    _base.reset();
    _out.reset();
    return false;
}

} // namespace tidewire
