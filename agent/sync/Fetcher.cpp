#include "agent/sync/Fetcher.h"

#include "shared/base/Errors.h"
#include "shared/delta/Recipe.h"

#include <algorithm>
#include <utility>

namespace tidewire {

namespace {

constexpr std::uint32_t kGrantFrom = 128 * 1024;

void appendData(InlineContent& content, ByteView bytes)
{
    content.ops.push_back({OpKind::Data, 0, content.bytes.size(), bytes.size()});
    content.bytes.insert(content.bytes.end(), bytes.begin(), bytes.end());
}

} // namespace

void appendInline(InlineContent& content,
                  const Delta& ops,
                  ShareNumber share,
                  ReceivedFrames& window,
                  ByteView literal)
{
    for (const Op& op : ops)
    {
        if (op.kind != OpKind::Data)
        {
            content.ops.push_back(op);
            continue;
        }
        if (op.frame == kLiteralFrame)
        {
            if (op.offset > literal.size() || op.length > literal.size() - op.offset)
            {
                throw ProtocolError("an operation reaches beyond the literal bytes");
            }
            appendData(content, partOf(literal, op.offset, op.length));
            continue;
        }
        FrameId id = op.frame;
        std::uint64_t offset = op.offset;
        for (std::uint64_t left = op.length; left > 0; ++id)
        {
            const auto raw = window.raw(share, id);
            if (!raw || offset >= raw->size())
            {
                throw ProtocolError("an operation names bytes of frame " + std::to_string(id) +
                                    " that did not come");
            }
            const std::uint64_t part = std::min<std::uint64_t>(left, raw->size() - offset);
            appendData(content, partOf(*raw, offset, part));
            left -= part;
            offset = 0;
        }
    }
}

Fetcher::Fetcher(ShareContext& share, ConnectionState& connection, Callbacks callbacks):
    _share(share),
    _connection(connection),
    _callbacks(std::move(callbacks))
{
}

void Fetcher::want(Wanted wanted)
{
    _waiting.push_back(std::move(wanted));
}

void Fetcher::cancel(const RelativePath& path)
{
    std::erase_if(_waiting, [&](const Wanted& wanted) { return wanted.path == path; });
    for (auto& [id, fetch] : _fetches)
    {
        if (fetch.wanted.path == path && !fetch.cancelled)
        {
            fetch.cancelled = true;
            fetch.content = {};
            _share.relay.send(CancelMessage{id}, Lane::Urgent);
        }
    }
}

void Fetcher::pump()
{
    if (!_share.online)
    {
        return;
    }
    FetchMessage message;
    message.share = _share.number;
    while (!_waiting.empty() && _connection.fetches < ConnectionState::kMaxFetches &&
           message.items.size() < kMaxBatch)
    {
        Wanted& next = _waiting.front();
        if (!next.large && _smallBytes > 0 && _smallBytes + next.size > kMaxSmallBytes)
        {
            break;
        }
        _smallBytes += next.large ? 0 : next.size;
        const std::uint32_t id = _connection.nextFetch++;
        ++_connection.fetches;
        message.items.push_back({id, next.seq, next.base, next.offset});
        _fetches.emplace(id, Fetch{std::move(next), {}, 0, false});
        _waiting.pop_front();
    }
    if (!message.items.empty())
    {
        _share.relay.send(message, Lane::Urgent);
    }
}

bool Fetcher::onContent(ContentMessage& message, std::uint32_t bodyBytes)
{
    const auto found = _fetches.find(message.id);
    if (found == _fetches.end())
    {
        return false;
    }
    Fetch& fetch = found->second;
    const std::uint32_t credit = bodyBytes + std::exchange(_connection.frameCredit, 0);
    if (fetch.wanted.large && !fetch.cancelled && !message.ops.empty())
    {
        const Wanted wanted = fetch.wanted; // onChunk() may cancel the fetch
        _callbacks.onChunk(wanted.path, wanted.seq, chunkOf(message, credit));
    }
    else
    {
        if (!fetch.wanted.large && !fetch.cancelled)
        {
            addSmall(fetch, message);
        }
        grant(credit);
    }
    if (message.status != ContentStatus::More)
    {
        Fetch ended = std::move(fetch);
        _fetches.erase(message.id);
        onEnd(std::move(ended), message.status);
    }
    return true;
}

/// With the frames that its operations read: they may have left the window when the chunk is made.
ContentChunk Fetcher::chunkOf(ContentMessage& message, std::uint32_t credit) const
{
    ContentChunk chunk;
    chunk.credit = credit;
    for (const Op& op : message.ops)
    {
        const std::uint64_t frames =
            op.kind != OpKind::Data || op.frame == kLiteralFrame
                ? 0
                : std::min<std::uint64_t>((op.offset + op.length - 1) / kFrameBytes + 1,
                                          kFrameWindow);
        for (std::uint64_t i = 0; i < frames; ++i)
        {
            if (SharedFrame frame = _connection.fetched.find(_share.number, op.frame + i))
            {
                chunk.frames.emplace_back(op.frame + i, std::move(frame));
            }
        }
    }
    chunk.ops = std::move(message.ops);
    chunk.literal = std::move(message.literal);
    return chunk;
}

void Fetcher::addSmall(Fetch& fetch, const ContentMessage& message)
{
    // Before any memory is taken for it.
    const auto length = totalLength(message.ops);
    if (!length || *length > fetch.wanted.size - fetch.length)
    {
        throw ProtocolError("more bytes came than the content has");
    }
    fetch.length += *length;
    appendInline(fetch.content, message.ops, _share.number, _connection.fetched, message.literal);
}

void Fetcher::onEnd(Fetch&& fetch, ContentStatus status)
{
    const Wanted& wanted = fetch.wanted;
    --_connection.fetches;
    _smallBytes -= wanted.large ? 0 : wanted.size;
    if (!fetch.cancelled && status == ContentStatus::Gone)
    {
        _callbacks.onGone(wanted.path, wanted.seq);
    }
    else if (!fetch.cancelled && !wanted.large)
    {
        _callbacks.onSmall(wanted.path, wanted.seq, std::move(fetch.content));
    }
}

void Fetcher::grant(std::uint32_t bytes)
{
    _connection.credit += bytes;
    if (_connection.credit >= kGrantFrom && _share.online)
    {
        _share.relay.send(CreditMessage{std::exchange(_connection.credit, 0)}, Lane::Urgent);
    }
}

void Fetcher::onDisconnected()
{
    _waiting.clear();
    _fetches.clear();
    _smallBytes = 0;
}

} // namespace tidewire
