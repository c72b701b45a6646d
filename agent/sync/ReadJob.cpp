#include "agent/sync/ReadJob.h"

#include "shared/base/Errors.h"
#include "shared/delta/Recipe.h"
#include "shared/wire/FrameCodec.h"

#include <cerrno>
#include <utility>

namespace tidewire {

/// Collects operations, and literal bytes as one stream.
class ReadJob::Sink: public DeltaSink
{
public:
    explicit Sink(ReadJob& job): _job(job) {}

    void copy(std::uint64_t offset, std::uint64_t length) override
    {
        appendOp(_job.delta, {OpKind::Copy, 0, offset, length});
    }

    void zero(std::uint64_t length) override { appendOp(_job.delta, {OpKind::Zero, 0, 0, length}); }

    void literal(ByteView bytes) override
    {
        appendOp(_job.delta,
                 {OpKind::Data, _position / kFrameBytes, _position % kFrameBytes, bytes.size()});
        _position += bytes.size();
        if (_job._request.hashOnly)
        {
            return;
        }
        Bytes& buffer = _job.literal;
        if (_job.streaming && buffer.empty() && bytes.size() == kFrameBytes)
        {
            _job.frames.push_back(packFrame(bytes));
            return;
        }
        buffer.insert(buffer.end(), bytes.begin(), bytes.end());
        _job.streaming = _job.streaming || buffer.size() > kInlineLiteral;
        if (_job.streaming)
        {
            packFull();
        }
    }

    /// Packs the rest of the stream.
    void flush()
    {
        if (_job.streaming && !_job.literal.empty())
        {
            _job.frames.push_back(packFrame(_job.literal));
            _job.literal.clear();
        }
    }

private:
    void packFull()
    {
        std::size_t packed = 0;
        Bytes& buffer = _job.literal;
        while (buffer.size() - packed >= kFrameBytes)
        {
            _job.frames.push_back(packFrame(ByteView(buffer).subspan(packed, kFrameBytes)));
            packed += kFrameBytes;
        }
        buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(packed));
    }

    ReadJob& _job;
    std::uint64_t _position = 0;
};

ReadJob::ReadJob(FileSystem& files, ReadRequest request, Done done):
    _files(files),
    _request(std::move(request)),
    _done(std::move(done))
{
}

ReadJob::~ReadJob() = default;

JobWeight ReadJob::weight() const
{
    return _request.expected.size >= kHeavyBytes ? JobWeight::Heavy : JobWeight::Light;
}

bool ReadJob::step()
{
    try
    {
        if (!_file && !open())
        {
            return false;
        }
        return advance();
    }
    catch (const StorageError& error)
    {
        failure = error;
        return end(error.code() == ENOENT ? ReadStatus::Missing : ReadStatus::Failed);
    }
    catch (const Error&)
    {
        return end(ReadStatus::Changed);
    }
}

void ReadJob::finish(JobPtr self)
{
    // The pointer is this very object: the cast only restores what submit() was given.
    std::unique_ptr<ReadJob> job(static_cast<ReadJob*>(self.release()));
    const Done done = job->_done;
    done(std::move(job));
}

bool ReadJob::open()
{
    _file = _files.openRead(_request.path);
    if (LocalIdentity::of(_file->stat()) != LocalIdentity::of(_request.expected))
    {
        return end(ReadStatus::Changed);
    }
    if (!_request.forced && _file->isOpenForWriting())
    {
        return end(ReadStatus::Writing);
    }
    _sink = std::make_unique<Sink>(*this);
    return true;
}

bool ReadJob::advance()
{
    if (_request.append)
    {
        appended = scanAppend(*_file, _request.expected.size, *_request.append, *_sink);
        if (!appended)
        {
            return end(ReadStatus::NotAppended);
        }
        hash = appended->hash;
        return complete();
    }
    if (!_scan)
    {
        const Signature* base = _request.base ? &*_request.base : nullptr;
        _scan = std::make_unique<ContentScan>(*_file, _request.expected.size, base, *_sink);
    }
    const bool more = _scan->step();
    if (delta.size() > kMaxPieces)
    {
        // Too scattered to be worth a delta; whoever asked reads it again without a base.
        failure = StorageError("find a recipe of", _request.path.text(), EFBIG);
        return end(_request.base ? ReadStatus::NotAppended : ReadStatus::Failed);
    }
    if (more)
    {
        status = ReadStatus::Frames;
        return frames.empty();
    }
    ScannedContent content = _scan->finish();
    hash = content.hash;
    signature = std::move(content.signature);
    return complete();
}

bool ReadJob::complete()
{
    _sink->flush();
    const FileStat now = _file->stat();
    const FileStat& expected = _request.expected;
    const bool same = LocalIdentity::of(now) == LocalIdentity::of(expected);
    // A log that never rests: its first bytes are a whole version, what was added follows later.
    const bool onlyGrown = _request.forced && now.size > expected.size;
    return end(same || onlyGrown ? ReadStatus::Complete : ReadStatus::Changed);
}

bool ReadJob::end(ReadStatus result)
{
    status = result;
    _scan.reset();
    _file.reset();
    return false;
}

} // namespace tidewire
