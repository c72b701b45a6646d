#include "agent/sync/Upload.h"

#include "shared/base/ByteWriter.h"

#include <sodium.h>

#include <xxhash.h>

#include <algorithm>
#include <utility>

namespace tidewire {

UploadToken uploadToken(const RelativePath& path, const FileStat& stat, Seq base)
{
    Bytes text;
    ByteWriter writer(text);
    writer.string(path.text());
    writer.u64(stat.inode);
    writer.u64(stat.size);
    for (const FileTime& time : {stat.mtime, stat.ctime})
    {
        writer.u64(static_cast<std::uint64_t>(time.seconds));
        writer.u32(time.nanoseconds);
    }
    writer.u64(base);
    UploadToken token{};
    ::crypto_generichash(token.data(), token.size(), text.data(), text.size(), nullptr, 0);
    return token;
}

Upload::Upload(ShareContext& share, const UploadToken& token, std::uint64_t fileSize, bool restart):
    _share(share),
    _token(token),
    _fileSize(fileSize),
    _digest(::XXH3_createState(), ::XXH3_freeState)
{
    ::XXH3_64bits_reset(_digest.get());
    const std::uint64_t frames = fileSize / kFrameBytes + 1;
    UploadOpenMessage open;
    open.share = share.number;
    open.token = token;
    open.capacity = static_cast<std::uint32_t>(std::min<std::uint64_t>(frames, kMaxUploadFrames));
    open.restart = restart;
    share.relay.send(open, Lane::Bulk);
}

Upload::Outcome Upload::onState(const UploadStateMessage& state)
{
    if (state.failed)
    {
        return end(Outcome::Failed);
    }
    if (!_opened)
    {
        if (state.digest == 0)
        {
            // Meant for an upload of the same name that was given up before the relay had answered.
            return _outcome;
        }
        _opened = true;
        _held = state.frames;
        _heldDigest = state.digest;
    }
    _granted = std::max(_granted, state.frames);
    return pump();
}

void Upload::add(std::vector<Frame> frames)
{
    for (Frame& frame : frames)
    {
        _frames.push_back(std::move(frame));
    }
}

Upload::Outcome Upload::park(std::unique_ptr<ReadJob> job)
{
    _waiting = std::move(job);
    return pump();
}

Upload::Outcome Upload::complete(Proposal proposal)
{
    _proposal = std::move(proposal);
    return pump();
}

/// True when the relay holds the frame; it only counts towards the digest then.
bool Upload::skipHeld(const Frame& frame)
{
    if (_next >= _held)
    {
        return false;
    }
    Bytes checksum;
    ByteWriter(checksum).u64(frame.checksum);
    ::XXH3_64bits_update(_digest.get(), checksum.data(), checksum.size());
    return true;
}

Upload::Outcome Upload::pump()
{
    if (_outcome != Outcome::Going)
    {
        return _outcome;
    }
    while (_opened && !_frames.empty() && _next < _granted + kUploadWindow)
    {
        if (!skipHeld(_frames.front()))
        {
            UploadFrameMessage message;
            message.share = _share.number;
            message.token = _token;
            message.index = _next;
            message.frame = std::move(_frames.front());
            _bytes += message.frame.stored.size();
            _share.relay.send(std::move(message), Lane::Bulk);
        }
        _frames.pop_front();
        ++_next;
        if (_next == _held && ::XXH3_64bits_digest(_digest.get()) != _heldDigest)
        {
            return end(Outcome::Mismatch);
        }
    }
    if (_proposal && _frames.empty() && !_sent)
    {
        if (!_opened)
        {
            return Outcome::Going;
        }
        if (_next < _held)
        {
            return end(Outcome::Mismatch);
        }
        _share.relay.send(ProposeMessage{_share.number, {*_proposal}}, Lane::Bulk);
        _sent = true;
    }
    if (_waiting && _frames.size() < kAhead)
    {
        _share.jobs.submit(std::move(_waiting));
    }
    return Outcome::Going;
}

} // namespace tidewire
