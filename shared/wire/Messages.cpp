// Headers, limits and types of messages; the bodies are in BodyEncoder.cpp and BodyDecoder.cpp.

#include "shared/wire/Messages.h"

#include "shared/base/Errors.h"
#include "shared/wire/BodyCodec.h"
#include "shared/wire/BodyCompression.h"

#include <type_traits>
#include <utility>

namespace tidewire {

namespace {

struct TypeRule
{
    const char* name;
    std::size_t maxBody;
};

constexpr std::size_t kSmallBody = 64;
constexpr std::size_t kFrameBody = kFrameBytes + 64;

// In the order of MessageType, from 1.
constexpr std::array<TypeRule, std::variant_size_v<Message>> kRules{{
    {"HELLO", 64 << 10},
    {"WELCOME", 64 << 10},
    {"ERROR", 1024},
    {"PING", kSmallBody},
    {"PONG", kSmallBody},
    {"FRAME", kFrameBody},
    {"PROPOSE", kMaxMessageBytes},
    {"RESULT", kMaxResultBytes},
    {"REVISIONS", kMaxMessageBytes},
    {"CURSOR", kSmallBody},
    {"FETCH", 64 << 10},
    {"CONTENT", kMaxMessageBytes},
    {"CREDIT", kSmallBody},
    {"UPLOAD_OPEN", kSmallBody},
    {"UPLOAD_STATE", kSmallBody},
    {"UPLOAD_FRAME", kFrameBody},
    {"CANCEL", kSmallBody},
}};

// In the order of MessageType too: Message's alternatives.
static_assert(
    std::is_same_v<
        std::variant_alternative_t<static_cast<std::size_t>(MessageType::Cancel) - 1, Message>,
        CancelMessage>);

const TypeRule* ruleOf(std::uint8_t type)
{
    return type >= 1 && type <= kRules.size() ? &kRules[type - 1U] : nullptr;
}

bool mayBeCompressed(MessageType type)
{
    return type != MessageType::Frame && type != MessageType::UploadFrame;
}

template <std::size_t Index = 0>
Message emptyMessage(std::size_t index)
{
    if constexpr (Index + 1 < std::variant_size_v<Message>)
    {
        if (index != Index)
        {
            return emptyMessage<Index + 1>(index);
        }
    }
    return Message(std::in_place_index<Index>);
}

void writeHeader(Bytes& out, std::size_t bodyBytes, std::uint8_t type)
{
    ByteWriter writer(out);
    writer.u32(static_cast<std::uint32_t>(bodyBytes + 1));
    writer.u8(type);
}

/// Writes the length into a message whose header was written without it.
void completeHeader(Bytes& message)
{
    Bytes header;
    writeHeader(header, message.size() - kMessageHeaderBytes, message[kMessageHeaderBytes - 1]);
    std::copy(header.begin(), header.end(), message.begin());
}

} // namespace

std::size_t maxBodyBytes(std::uint8_t type)
{
    const TypeRule* rule = ruleOf(type);
    return rule == nullptr ? 0 : rule->maxBody;
}

const char* messageName(std::uint8_t type)
{
    const TypeRule* rule = ruleOf(type);
    return rule == nullptr ? "unknown message" : rule->name;
}

MessageType typeOf(const Message& message)
{
    return static_cast<MessageType>(message.index() + 1);
}

Bytes encodeMessage(const Message& message)
{
    const MessageType type = typeOf(message);
    const auto number = static_cast<std::uint8_t>(type);
    Bytes out;
    if (const auto* frame = std::get_if<FrameMessage>(&message))
    {
        return encodeFrame(frame->share, frame->use, frame->id, frame->frame);
    }
    if (const auto* frame = std::get_if<UploadFrameMessage>(&message))
    {
        out.reserve(kMessageHeaderBytes + kSmallBody + frame->frame.stored.size());
    }
    // The header takes its place first, so that the body is written where it stays.
    writeHeader(out, 0, number);
    ByteWriter writer(out);
    std::visit([&writer](const auto& body) { encodeBody(writer, body); }, message);

    const ByteView body = ByteView(out).subspan(kMessageHeaderBytes);
    if (body.size() > maxBodyBytes(number))
    {
        throw Error(std::string(messageName(number)) + " is too large to be sent");
    }
    if (mayBeCompressed(type) && body.size() >= kMinCompressedBody)
    {
        if (const auto packed = compressBody(body))
        {
            Bytes small;
            small.reserve(kMessageHeaderBytes + packed->size());
            writeHeader(small, packed->size(), static_cast<std::uint8_t>(number | kCompressedBit));
            ByteWriter(small).raw(*packed);
            return small;
        }
    }
    completeHeader(out);
    return out;
}

Bytes encodeFrame(ShareNumber share, FrameUse use, FrameId id, const Frame& frame)
{
    Bytes out;
    out.reserve(kMessageHeaderBytes + kSmallBody + frame.stored.size());
    writeHeader(out, 0, static_cast<std::uint8_t>(MessageType::Frame));
    ByteWriter writer(out);
    encodeFrameBody(writer, share, use, id, frame);
    completeHeader(out);
    return out;
}

Message decodeMessage(std::uint8_t type, ByteView body)
{
    const auto number = static_cast<std::uint8_t>(type & ~kCompressedBit);
    const TypeRule* rule = ruleOf(number);
    if (rule == nullptr)
    {
        throw ProtocolError("unknown message type " + std::to_string(number));
    }
    if (body.size() > rule->maxBody)
    {
        throw ProtocolError(std::string(rule->name) + " is too long");
    }
    Bytes raw;
    if (number != type)
    {
        if (!mayBeCompressed(static_cast<MessageType>(number)))
        {
            throw ProtocolError(std::string(rule->name) + " must not be compressed");
        }
        raw = decompressBody(body, rule->maxBody);
        body = raw;
    }
    Message message = emptyMessage(number - 1U);
    ByteReader reader(body);
    std::visit([&reader](auto& target) { decodeBody(reader, target); }, message);
    if (!reader.ok())
    {
        throw ProtocolError("malformed " + std::string(rule->name));
    }
    return message;
}

} // namespace tidewire
