// Plans what goes inline, cuts messages, and shares their bytes.

#include "relay/session/LiveBatch.h"

#include "relay/session/NamedFrames.h"
#include "shared/daemon/LogEvent.h"

#include <algorithm>

namespace tidewire {

namespace {

constexpr std::size_t kChunkItems = 512;
constexpr std::size_t kChunkBytes = 256 << 10;
constexpr std::size_t kItemBytes =
    128;                             // of an item besides its path, target and operations, at most
constexpr std::size_t kOpBytes = 24; // of an operation, at most
constexpr std::size_t kInlineOps = 4096;

} // namespace

LiveBatch::LiveBatch(const Store& store,
                     std::vector<Accepted> accepted,
                     std::unordered_map<Seq, ConnectionId> origins):
    _store(store),
    _accepted(std::move(accepted)),
    _origins(std::move(origins))
{
}

FrameId LiveBatch::newestFrame() const
{
    FrameId newest = 0;
    for (const Accepted& accepted : _accepted)
    {
        for (const Op& op : accepted.delta)
        {
            if (op.kind == OpKind::Data)
            {
                newest = std::max(newest, op.frame + (op.offset + op.length - 1) / kFrameBytes);
            }
        }
    }
    return newest;
}

void LiveBatch::planInline()
{
    _frames.resize(_accepted.size());
    _inline.resize(_accepted.size(), false);
    std::size_t bytes = 0;
    std::size_t ops = 0;
    for (std::size_t i = 0; i < _accepted.size(); ++i)
    {
        const Accepted& accepted = _accepted[i];
        if (accepted.revision.entry.kind != EntryKind::File)
        {
            continue;
        }
        auto frames = namedFrames(accepted.delta);
        if (!frames || ops + accepted.delta.size() > kInlineOps)
        {
            continue;
        }
        if (!loadFrames(*frames, bytes))
        {
            if (bytes > kInlineBytes)
            {
                return;
            }
            continue;
        }
        ops += accepted.delta.size();
        _frames[i] = *std::move(frames);
        _inline[i] = true;
    }
}

bool LiveBatch::loadFrames(const std::vector<FrameId>& frames, std::size_t& bytes)
{
    for (const FrameId id : frames)
    {
        if (_loaded.contains(id))
        {
            continue;
        }
        try
        {
            Frame frame = _store.readFrame(id);
            bytes += frame.stored.size();
            if (bytes > kInlineBytes)
            {
                return false;
            }
            _loaded.emplace(id, std::move(frame));
        }
        catch (const Error& error)
        {
            logWith(Poco::Logger::get("relay.session"),
                    Poco::Message::PRIO_ERROR,
                    "frame " + std::to_string(id) + " cannot be read: " + error.what(),
                    {.event = LogEvent::StoreDamaged});
            return false;
        }
    }
    return true;
}

void LiveBatch::cut()
{
    Chunk chunk;
    std::vector<FrameId> frames;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < _accepted.size(); ++i)
    {
        const Revision& revision = _accepted[i].revision;
        std::vector<FrameId> with = frames;
        addMissing(with, _frames[i]);
        const bool full = chunk.end - chunk.begin == kChunkItems || bytes >= kChunkBytes ||
                          with.size() > kFrameWindow;
        if (full)
        {
            _chunks.push_back(chunk);
            chunk.begin = i;
            with = _frames[i];
            bytes = 0;
        }
        frames = std::move(with);
        bytes += kItemBytes + revision.path.text().size() + revision.entry.target.size() +
                 (_inline[i] ? _accepted[i].delta.size() * kOpBytes : 0);
        chunk.end = i + 1;
    }
    _chunks.push_back(chunk);
}

bool LiveBatch::isOwn(std::size_t index, ConnectionId connection) const
{
    const auto origin = _origins.find(_accepted[index].revision.seq);
    return origin != _origins.end() && origin->second == connection;
}

bool LiveBatch::hasOwn(const Chunk& chunk, ConnectionId connection) const
{
    for (std::size_t i = chunk.begin; i < chunk.end; ++i)
    {
        if (isOwn(i, connection))
        {
            return true;
        }
    }
    return false;
}

bool LiveBatch::isAllOwn(ConnectionId connection) const
{
    for (std::size_t i = 0; i < _accepted.size(); ++i)
    {
        if (!isOwn(i, connection))
        {
            return false;
        }
    }
    return true;
}

std::vector<FrameId> LiveBatch::framesOf(const Chunk& chunk, const Line& line) const
{
    std::vector<FrameId> frames;
    for (std::size_t i = chunk.begin; i < chunk.end; ++i)
    {
        if (!isOwn(i, line.connection()))
        {
            addMissing(frames, _frames[i]);
        }
    }
    return frames;
}

RevisionsMessage LiveBatch::message(const Chunk& chunk, ShareNumber share, const Line& line) const
{
    RevisionsMessage message;
    message.share = share;
    for (std::size_t i = chunk.begin; i < chunk.end; ++i)
    {
        if (isOwn(i, line.connection()))
        {
            continue;
        }
        RevisionsMessage::Item& item = message.items.emplace_back();
        item.revision = _accepted[i].revision;
        if (i < _inline.size() && _inline[i])
        {
            item.hasDelta = true;
            item.source = _accepted[i].source;
            item.delta = _accepted[i].delta;
        }
    }
    const Accepted& last = _accepted[chunk.end - 1];
    message.cursor = last.revision.seq;
    message.tag = last.tag;
    message.live = chunk.end == _accepted.size();
    return message;
}

std::shared_ptr<const Bytes> LiveBatch::frameMessage(ShareNumber share, FrameId id)
{
    std::shared_ptr<const Bytes>& encoded = _frameMessages[{share, id}];
    if (!encoded)
    {
        encoded =
            std::make_shared<const Bytes>(encodeFrame(share, FrameUse::Live, id, _loaded.at(id)));
    }
    return encoded;
}

std::shared_ptr<const Bytes>
LiveBatch::revisionsMessage(std::size_t chunk, ShareNumber share, const Line& line)
{
    if (hasOwn(_chunks[chunk], line.connection()))
    {
        return std::make_shared<const Bytes>(encodeMessage(message(_chunks[chunk], share, line)));
    }
    std::shared_ptr<const Bytes>& encoded = _revisionsMessages[{share, chunk}];
    if (!encoded)
    {
        encoded =
            std::make_shared<const Bytes>(encodeMessage(message(_chunks[chunk], share, line)));
    }
    return encoded;
}

void LiveBatch::send(Line& line, ShareNumber share, SentFrames& window)
{
    if (isAllOwn(line.connection()))
    {
        line.send(message({0, _accepted.size()}, share, line), Lane::Urgent);
        return;
    }
    if (_chunks.empty())
    {
        planInline();
        cut();
    }
    for (std::size_t i = 0; i < _chunks.size(); ++i)
    {
        for (const FrameId id : window.bringIn(share, framesOf(_chunks[i], line)))
        {
            line.send(frameMessage(share, id), Lane::Urgent);
        }
        line.send(revisionsMessage(i, share, line), Lane::Urgent);
    }
}

} // namespace tidewire
