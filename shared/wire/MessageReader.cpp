// Cuts a stream of bytes into messages, and refuses what is too long before it is there.

#include "shared/base/ByteReader.h"
#include "shared/base/Errors.h"
#include "shared/wire/Messages.h"

namespace tidewire {

namespace {

constexpr std::size_t kLengthBytes = 4;

} // namespace

void MessageReader::feed(ByteView bytes)
{
    if (_begin > 0)
    {
        _buffer.erase(_buffer.begin(), _buffer.begin() + static_cast<std::ptrdiff_t>(_begin));
        _checked -= _begin;
        _begin = 0;
    }
    _buffer.insert(_buffer.end(), bytes.begin(), bytes.end());
    checkHeaders();
}

void MessageReader::checkHeaders()
{
    while (_checked < _buffer.size() && _buffer.size() - _checked >= kMessageHeaderBytes)
    {
        ByteReader reader(ByteView(_buffer).subspan(_checked, kMessageHeaderBytes));
        const std::size_t length = reader.u32();
        const auto type = static_cast<std::uint8_t>(reader.u8() & ~kCompressedBit);
        const std::size_t limit = maxBodyBytes(type);
        if (limit == 0)
        {
            throw ProtocolError("unknown message type " + std::to_string(type));
        }
        if (length == 0 || length - 1 > limit)
        {
            throw ProtocolError(std::string(messageName(type)) + " announces " +
                                std::to_string(length) + " bytes");
        }
        _checked += kLengthBytes + length;
    }
}

bool MessageReader::next(Message& message, std::size_t& wireBytes)
{
    const ByteView rest = ByteView(_buffer).subspan(_begin);
    if (rest.size() < kMessageHeaderBytes)
    {
        return false;
    }
    ByteReader reader(rest);
    const std::size_t length = reader.u32();
    if (rest.size() - kLengthBytes < length)
    {
        return false;
    }
    wireBytes = kLengthBytes + length;
    const ByteView body = rest.subspan(kMessageHeaderBytes, length - 1);
    message = decodeMessage(rest[kLengthBytes], body);
    _begin += wireBytes;
    if (_begin == _buffer.size())
    {
        _buffer.clear();
        _checked = 0;
        _begin = 0;
    }
    return true;
}

} // namespace tidewire
