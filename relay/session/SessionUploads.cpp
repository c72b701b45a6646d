// Order, window and answers of uploads.

#include "relay/session/SessionUploads.h"

#include "shared/wire/FrameCodec.h"

#include <algorithm>
#include <utility>

namespace tidewire {

namespace {

constexpr std::uint32_t kStateInterval = 4;

bool isPublic(const RelativePath& path)
{
    return !path.isRoot() && !path.isPrivate();
}

/// True when the frames in order are all of the content.
bool isWhole(const Proposal& proposal)
{
    return proposal.entry.kind == EntryKind::File &&
           proposal.delta == Delta{{OpKind::Data, 0, 0, proposal.entry.size}};
}

} // namespace

SessionUploads::SessionUploads(ShareWriter& writer,
                               IncomingUploads& incoming,
                               ShareNumber share,
                               bool mayWrite):
    _writer(writer),
    _incoming(incoming),
    _share(share),
    _mayWrite(mayWrite)
{
}

SessionUploads::~SessionUploads()
{
    for (const Item& item : _items)
    {
        _incoming.end(item.incoming);
    }
}

const SessionUploads::Item* SessionUploads::find(const UploadToken& token) const
{
    const auto found = std::find_if(
        _items.begin(), _items.end(), [&](const Item& item) { return item.token == token; });
    return found == _items.end() ? nullptr : &*found;
}

SessionUploads::Item* SessionUploads::find(const UploadToken& token)
{
    return const_cast<Item*>(std::as_const(*this).find(token));
}

bool SessionUploads::isLost(const Item& item)
{
    return item.failed || (item.fate && item.fate->lost);
}

bool SessionUploads::hasFailed(const UploadToken& token) const
{
    const Item* item = find(token);
    return item != nullptr && isLost(*item);
}

void SessionUploads::end(const UploadToken& token)
{
    std::erase_if(_items, [&](const Item& item) {
        if (item.token != token)
        {
            return false;
        }
        _incoming.end(item.incoming);
        return true;
    });
}

void SessionUploads::onProposed(const Proposal& proposal, const ProposalResult& result)
{
    const Item* item = find(*proposal.upload);
    if (item != nullptr && result.verdict == Verdict::Accepted && isWhole(proposal))
    {
        _incoming.propose(item->incoming, proposal.entry.size, result.seq);
    }
    end(*proposal.upload);
}

void SessionUploads::open(const std::string& agent,
                          ConnectionId connection,
                          const UploadOpenMessage& message)
{
    end(message.token);
    if (_items.size() == kMaxOpenUploads)
    {
        _incoming.end(_items.front().incoming);
        _items.pop_front();
    }
    Item item;
    item.token = message.token;
    item.capacity = message.capacity;
    item.opening = true;
    item.fate = _writer.fate();
    _writer.setDue();
    const auto state = _mayWrite ? _writer.openUpload(agent, message) : std::nullopt;
    if (state)
    {
        item.next = state->frames;
        item.stated = state->frames;
        item.digest = state->digest;
    }
    // One that goes on after a break may have been followed before: nobody shall take its beginning again and again.
    if (state && state->frames == 0 && message.whole && isPublic(message.whole->path))
    {
        item.incoming = _incoming.open(connection, *message.whole, state->first);
    }
    item.failed = !state;
    _items.push_back(std::move(item));
}

void SessionUploads::add(const std::string& agent, UploadFrameMessage& message)
{
    Item* item = find(message.token);
    if (item == nullptr)
    {
        throw ProtocolError("UPLOAD_FRAME of an upload that is not open");
    }
    if (isLost(*item))
    {
        return;
    }
    if (message.index != item->next || message.index >= item->capacity)
    {
        throw ProtocolError("UPLOAD_FRAME out of turn");
    }
    if (message.index >= item->stated + kUploadWindow)
    {
        throw ProtocolError("UPLOAD_FRAME beyond the window");
    }
    if (!hasGoodChecksum(message.frame))
    {
        throw ProtocolError("UPLOAD_FRAME with a wrong checksum");
    }
    if (!_writer.addUploadFrame(agent, message))
    {
        item->fate = std::make_shared<const BatchFate>(BatchFate{true});
        return;
    }
    item->fate = _writer.fate();
    _incoming.add(item->incoming, std::move(message.frame));
    ++item->next;
    const bool complete = item->next == item->capacity;
    if (complete || item->next - item->stated >= kStateInterval)
    {
        _writer.setDue();
    }
}

std::vector<UploadStateMessage> SessionUploads::takeStates()
{
    std::vector<UploadStateMessage> states;
    for (Item& item : _items)
    {
        const bool lost = isLost(item);
        const bool newlyLost = lost && !item.failed;
        if (lost)
        {
            _incoming.end(item.incoming);
        }
        const bool advanced = !lost && (item.next - item.stated >= kStateInterval ||
                                        (item.next == item.capacity && item.next != item.stated));
        if (!item.opening && !newlyLost && !advanced)
        {
            continue;
        }
        UploadStateMessage state;
        state.share = _share;
        state.token = item.token;
        state.frames = lost ? 0 : (item.opening ? item.stated : item.next);
        state.digest = item.opening && !lost ? item.digest : 0;
        state.failed = lost;
        states.push_back(state);
        item.stated = state.frames;
        item.failed = lost;
        item.opening = false;
    }
    return states;
}

} // namespace tidewire
