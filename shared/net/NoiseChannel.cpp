// The channels of `security = noise`: a handshake that proves both keys, then encrypted records.

#include "shared/net/NoiseChannel.h"

#include "shared/base/Errors.h"
#include "shared/net/Preamble.h"

#include <algorithm>
#include <array>

namespace tidewire {

namespace {

static_assert(Channel::kMaxSealBytes == kMaxRecordPlainBytes);

constexpr std::size_t kRoleBytes = 5;

/// Binds who speaks first, the version and the security to the handshake: both preambles, each with
/// the role of its sender. A side that was shown another preamble ends the connection by itself.
std::array<std::uint8_t, 2 * (kRoleBytes + kPreambleBytes)> prologue()
{
    const auto preamble = makePreamble(Security::Noise);
    std::array<std::uint8_t, 2 * (kRoleBytes + kPreambleBytes)> bytes{};
    auto out = std::copy_n("agent", kRoleBytes, bytes.begin());
    out = std::copy(preamble.begin(), preamble.end(), out);
    out = std::copy_n("relay", kRoleBytes, out);
    std::copy(preamble.begin(), preamble.end(), out);
    return bytes;
}

} // namespace

bool NoiseChannel::isCut() const
{
    return _reader ? _reader->isCut() : true;
}

bool NoiseChannel::collect(MutableByteView& bytes)
{
    const std::size_t missing = std::min(_handshakeBytes - _handshake.size(), bytes.size());
    _handshake.insert(
        _handshake.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(missing));
    bytes = bytes.subspan(missing);
    return hasWhole();
}

void NoiseChannel::open(TransportKeys&& keys)
{
    _writer.emplace(std::move(keys.send));
    _reader.emplace(std::move(keys.receive));
}

NoiseInitiatorChannel::NoiseInitiatorChannel(const KeyPair& own, const PublicKey& responder):
    NoiseChannel(kIkAnswerBytes),
    _handshake(std::in_place, own, responder, prologue(), makeKeyPair())
{
}

void NoiseInitiatorChannel::start(Bytes& wire)
{
    const Bytes request = _handshake.value().request();
    wire.insert(wire.end(), request.begin(), request.end());
}

ByteView NoiseInitiatorChannel::receive(MutableByteView& bytes)
{
    if (!ready())
    {
        if (!collect(bytes))
        {
            return {};
        }
        static_cast<void>(_handshake.value().answered(handshake()));
        open(_handshake->transport());
        _handshake.reset();
    }
    return reader().next(bytes);
}

NoiseResponderChannel::NoiseResponderChannel(std::shared_ptr<const KeyPair> own,
                                             std::function<bool(const PublicKey&)> isKnown):
    NoiseChannel(kIkRequestBytes),
    _own(std::move(own)),
    _isKnown(std::move(isKnown))
{
}

void NoiseResponderChannel::answer(Bytes& wire)
{
    IkResponder responder(*_own, prologue(), makeKeyPair());
    static_cast<void>(responder.requested(handshake()));
    if (!_isKnown(responder.initiator()))
    {
        throw ProtocolError("the key " + publicKeyText(responder.initiator()) +
                            " belongs to no agent");
    }
    const Bytes answer = responder.answer();
    wire.insert(wire.end(), answer.begin(), answer.end());
    open(responder.transport());
}

ByteView NoiseResponderChannel::receive(MutableByteView& bytes)
{
    if (!ready())
    {
        // The keys of the records depend on the answer, so nobody can have sent one.
        if (collect(bytes) && !bytes.empty())
        {
            throw ProtocolError("bytes behind the handshake that nobody can have encrypted");
        }
        return {};
    }
    return reader().next(bytes);
}

} // namespace tidewire
