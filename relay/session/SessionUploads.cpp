// Order, window and answers of uploads.

#include "relay/session/SessionUploads.h"

#include "shared/wire/FrameCodec.h"

#include <algorithm>
#include <utility>

namespace tidewire {

namespace {

constexpr std::uint32_t kStateInterval = 4;

} // namespace

SessionUploads::SessionUploads(ShareWriter& writer, ShareNumber share, bool mayWrite):
    _writer(writer),
    _share(share),
    _mayWrite(mayWrite)
{
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
    std::erase_if(_items, [&](const Item& item) { return item.token == token; });
}

void SessionUploads::open(const std::string& agent, const UploadOpenMessage& message)
{
    end(message.token);
    if (_items.size() == kMaxOpenUploads)
    {
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
    item.failed = !state;
    _items.push_back(std::move(item));
}

void SessionUploads::add(const std::string& agent, const UploadFrameMessage& message)
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
