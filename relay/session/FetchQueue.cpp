// Chooses the next fetch and makes a slice of it.

#include "relay/session/FetchQueue.h"

#include "shared/base/Errors.h"
#include "shared/daemon/LogEvent.h"
#include "shared/wire/FrameCodec.h"

#include <Poco/Logger.h>

#include <algorithm>
#include <iterator>

namespace tidewire {

namespace {

constexpr std::size_t kLookAhead = 64;           // fetches that are planned ahead
constexpr std::size_t kAheadOps = kMaxPieces;    // operations above which no more are planned ahead
constexpr std::size_t kHeldOps = 2 * kMaxPieces; // above it a plan is made anew for its next turn
constexpr std::size_t kSliceOps = 4096;
constexpr std::size_t kSliceReads = 8;

bool holds(const std::vector<FrameId>& frames, FrameId id)
{
    return std::find(frames.begin(), frames.end(), id) != frames.end();
}

void logDamage(Seq seq, const CorruptError& error)
{
    logWith(Poco::Logger::get("relay.session.fetch"),
            Poco::Message::PRIO_ERROR,
            "revision " + std::to_string(seq) + " cannot be read: " + error.what(),
            {.event = LogEvent::StoreDamaged, .seq = seq});
}

} // namespace

void FetchQueue::add(const Store& store, ShareNumber share, const FetchMessage::Item& item)
{
    if (_fetches.size() == kMaxQueuedFetches)
    {
        throw ProtocolError("more than " + std::to_string(kMaxQueuedFetches) + " fetches");
    }
    const bool inUse = std::any_of(_fetches.begin(), _fetches.end(), [&](const Fetch& fetch) {
        return fetch.item.id == item.id;
    });
    if (inUse)
    {
        throw ProtocolError("FETCH with an id that is in use");
    }
    Fetch& fetch = _fetches.emplace_back();
    fetch.item = item;
    fetch.share = share;
    fetch.store = &store;
    fetch.sent = item.offset;
}

void FetchQueue::cancel(std::uint32_t id)
{
    const auto found = std::find_if(
        _fetches.begin(), _fetches.end(), [id](const Fetch& fetch) { return fetch.item.id == id; });
    if (found != _fetches.end())
    {
        forgetPlan(*found);
        found->ended = true;
        _fetches.splice(_fetches.begin(), _fetches, found);
    }
}

void FetchQueue::addCredit(std::uint32_t bytes)
{
    _credit = std::min<std::int64_t>(_credit + bytes, kFetchCredit);
}

bool FetchQueue::canServe(const Line& line) const
{
    return !_fetches.empty() && _credit > 0 && line.queued(Lane::Bulk) < kBulkBytes;
}

void FetchQueue::plan(Fetch& fetch)
{
    if (fetch.plan || fetch.ended)
    {
        return;
    }
    try
    {
        fetch.plan = FetchPlan::make(*fetch.store, fetch.item.seq, fetch.item.base, fetch.sent);
    }
    catch (const CorruptError& error)
    {
        logDamage(fetch.item.seq, error);
    }
    fetch.ended = !fetch.plan;
    _heldOps += fetch.plan ? fetch.plan->opCount() : 0;
}

void FetchQueue::forgetPlan(Fetch& fetch)
{
    _heldOps -= fetch.plan ? fetch.plan->opCount() : 0;
    fetch.plan.reset();
}

void FetchQueue::planAhead()
{
    plan(_fetches.front());
    const std::size_t count = std::min(kLookAhead, _fetches.size());
    auto fetch = _fetches.begin();
    for (std::size_t i = 0; i < count && _heldOps < kAheadOps; ++i, ++fetch)
    {
        plan(*fetch);
    }
}

FetchQueue::Position FetchQueue::choose()
{
    // A small file out of a frame that the agent still has goes first: later the frame would have to be sent again.
    const auto end = std::next(_fetches.begin(),
                               static_cast<std::ptrdiff_t>(std::min(kLookAhead, _fetches.size())));
    const auto found = std::find_if(_fetches.begin(), end, [&](const Fetch& fetch) {
        if (!fetch.plan || fetch.plan->isDone() || !fetch.plan->isSmall(kFrameBytes))
        {
            return false;
        }
        const Op piece = fetch.plan->piece();
        return piece.kind == OpKind::Data && _window.contains({fetch.share, piece.frame});
    });
    return found == end || _fetches.front().ended ? _fetches.begin() : found;
}

void FetchQueue::serve(Line& line)
{
    planAhead();
    const Position fetch = choose();
    if (!fetch->ended)
    {
        sendSlice(line, *fetch);
    }
    if (fetch->ended)
    {
        ContentMessage gone;
        gone.id = fetch->item.id;
        gone.status = ContentStatus::Gone;
        sendContent(line, gone);
    }
    if (fetch->ended || fetch->plan->isDone())
    {
        forgetPlan(*fetch);
        _fetches.erase(fetch);
        return;
    }
    if (_heldOps > kHeldOps)
    {
        forgetPlan(*fetch);
    }
    _fetches.splice(_fetches.end(), _fetches, fetch);
}

void FetchQueue::sendSlice(Line& line, Fetch& fetch)
{
    Slice slice;
    slice.content.id = fetch.item.id;
    try
    {
        addPieces(line, fetch, slice);
    }
    catch (const CorruptError& error)
    {
        planAnew(fetch, error);
        if (fetch.ended || slice.content.ops.empty())
        {
            return;
        }
    }
    slice.content.status = fetch.plan->isDone() ? ContentStatus::Done : ContentStatus::More;
    sendContent(line, slice.content);
}

void FetchQueue::addPieces(Line& line, Fetch& fetch, Slice& slice)
{
    while (!fetch.plan->isDone() && slice.content.ops.size() < kSliceOps)
    {
        const std::uint64_t length = fetch.plan->piece().length;
        if (!addPiece(line, fetch, slice))
        {
            return;
        }
        fetch.sent += length;
        fetch.plan->advance();
    }
}

/// A frame could not be read. Since the plan was made, upkeep may have merged the revision's pieces into other frames, or dropped
/// the revision; bytes that are still to be read at the same place are damaged.
void FetchQueue::planAnew(Fetch& fetch, const CorruptError& error)
{
    const Op failed = fetch.plan->piece();
    forgetPlan(fetch);
    plan(fetch);
    if (fetch.plan && (fetch.plan->isDone() || fetch.plan->piece() == failed))
    {
        logDamage(fetch.item.seq, error);
        fetch.ended = true;
    }
}

bool FetchQueue::addPiece(Line& line, Fetch& fetch, Slice& slice)
{
    const Op piece = fetch.plan->piece();
    if (piece.kind == OpKind::Data && !_window.contains({fetch.share, piece.frame}))
    {
        const bool atHand = _read && _read->key == SentFrames::Key{fetch.share, piece.frame};
        if (!atHand && slice.reads == kSliceReads)
        {
            return false;
        }
        read(fetch, piece.frame, slice);
        if (holds(slice.literals, piece.frame) || !isWorthWhole(fetch, piece))
        {
            return addLiteral(fetch, slice, piece);
        }
        if (!canBringIn(fetch, slice))
        {
            return false;
        }
        sendFrame(line, fetch, piece.frame, slice);
    }
    if (piece.kind == OpKind::Data)
    {
        slice.used.push_back(piece.frame);
    }
    slice.content.ops.push_back(piece);
    return true;
}

bool FetchQueue::addLiteral(Fetch& fetch, Slice& slice, const Op& piece)
{
    Bytes& literal = slice.content.literal;
    if (literal.size() + piece.length > kMaxLiteralBytes)
    {
        return false;
    }
    ReadFrame& source = read(fetch, piece.frame, slice);
    if (source.raw.empty())
    {
        source.raw = unpackFrame(source.frame);
    }
    if (piece.offset + piece.length > source.raw.size())
    {
        throw CorruptError("frame " + std::to_string(piece.frame) + " is too short");
    }
    const ByteView bytes = partOf(source.raw, piece.offset, piece.length);
    slice.content.ops.push_back({OpKind::Data, kLiteralFrame, literal.size(), piece.length});
    literal.insert(literal.end(), bytes.begin(), bytes.end());
    if (!holds(slice.literals, piece.frame))
    {
        slice.literals.push_back(piece.frame);
    }
    return true;
}

bool FetchQueue::canBringIn(const Fetch& fetch, const Slice& slice) const
{
    const SentFrames::Key* out = _window.next();
    const bool wouldPushOut =
        out != nullptr && out->share == fetch.share && holds(slice.used, out->id);
    return !slice.sentFrame && !wouldPushOut;
}

bool FetchQueue::isWorthWhole(const Fetch& fetch, const Op& piece)
{
    std::uint64_t wanted = 0;
    std::size_t looked = 0;
    for (const Fetch& other : _fetches)
    {
        if (looked++ == kLookAhead)
        {
            break;
        }
        if (other.share == fetch.share && other.plan)
        {
            wanted += other.plan->wanted(piece.frame);
        }
    }
    return piece.length > kMaxLiteralBytes || wanted * 2 >= _read->frame.stored.size();
}

FetchQueue::ReadFrame& FetchQueue::read(const Fetch& fetch, FrameId frame, Slice& slice)
{
    const SentFrames::Key key{fetch.share, frame};
    if (!_read || _read->key != key)
    {
        _read.reset();
        ++slice.reads;
        _read = ReadFrame{key, fetch.store->readFrame(frame), {}};
    }
    return *_read;
}

void FetchQueue::sendFrame(Line& line, const Fetch& fetch, FrameId frame, Slice& slice)
{
    auto message = std::make_shared<const Bytes>(
        encodeFrame(fetch.share, FrameUse::Fetch, frame, read(fetch, frame, slice).frame));
    _credit -= static_cast<std::int64_t>(line.send(std::move(message), Lane::Bulk));
    _window.push({fetch.share, frame});
    slice.sentFrame = true;
}

void FetchQueue::sendContent(Line& line, const ContentMessage& content)
{
    _credit -= static_cast<std::int64_t>(line.send(content, Lane::Bulk));
}

} // namespace tidewire
