// The handshake Noise_IK_25519_ChaChaPoly_BLAKE2b: the tokens of both messages, as each side sees them.

#include "shared/noise/IkHandshake.h"

#include "shared/base/Errors.h"

#include <algorithm>

namespace tidewire {

namespace {

constexpr std::string_view kProtocolName = "Noise_IK_25519_ChaChaPoly_BLAKE2b";

PublicKey publicKeyFrom(ByteView bytes)
{
    PublicKey key{};
    std::copy_n(bytes.begin(), key.size(), key.begin());
    return key;
}

void requireSize(ByteView message, std::size_t least)
{
    if (message.size() < least)
    {
        throw ProtocolError("a handshake message is too short");
    }
}

} // namespace

IkInitiator::IkInitiator(KeyPair own,
                         const PublicKey& responder,
                         ByteView prologue,
                         KeyPair ephemeral):
    _own(std::move(own)),
    _responder(responder),
    _ephemeral(std::move(ephemeral)),
    _symmetric(kProtocolName, prologue)
{
    _symmetric.mixHash(_responder);
}

Bytes IkInitiator::request(ByteView payload)
{
    Bytes message(_ephemeral.open.begin(), _ephemeral.open.end());
    _symmetric.mixHash(_ephemeral.open);
    _symmetric.mixKey(agree(_ephemeral.secret, _responder));
    _symmetric.encryptAndHash(_own.open, message);
    _symmetric.mixKey(agree(_own.secret, _responder));
    _symmetric.encryptAndHash(payload, message);
    return message;
}

Bytes IkInitiator::answered(ByteView message)
{
    requireSize(message, kIkAnswerBytes);
    const PublicKey ephemeral = publicKeyFrom(message);
    _symmetric.mixHash(ephemeral);
    _symmetric.mixKey(agree(_ephemeral.secret, ephemeral));
    _symmetric.mixKey(agree(_own.secret, ephemeral));
    return _symmetric.decryptAndHash(message.subspan(kKeyBytes));
}

TransportKeys IkInitiator::transport() const
{
    auto [fromInitiator, fromResponder] = _symmetric.split();
    return {std::move(fromInitiator), std::move(fromResponder)};
}

IkResponder::IkResponder(KeyPair own, ByteView prologue, KeyPair ephemeral):
    _own(std::move(own)),
    _ephemeral(std::move(ephemeral)),
    _symmetric(kProtocolName, prologue)
{
    _symmetric.mixHash(_own.open);
}

Bytes IkResponder::requested(ByteView message)
{
    requireSize(message, kIkRequestBytes);
    _theirEphemeral = publicKeyFrom(message);
    _symmetric.mixHash(_theirEphemeral);
    _symmetric.mixKey(agree(_own.secret, _theirEphemeral));
    _initiator =
        publicKeyFrom(_symmetric.decryptAndHash(message.subspan(kKeyBytes, kKeyBytes + kTagBytes)));
    _symmetric.mixKey(agree(_own.secret, _initiator));
    return _symmetric.decryptAndHash(message.subspan(kKeyBytes + kKeyBytes + kTagBytes));
}

Bytes IkResponder::answer(ByteView payload)
{
    Bytes message(_ephemeral.open.begin(), _ephemeral.open.end());
    _symmetric.mixHash(_ephemeral.open);
    _symmetric.mixKey(agree(_ephemeral.secret, _theirEphemeral));
    _symmetric.mixKey(agree(_ephemeral.secret, _initiator));
    _symmetric.encryptAndHash(payload, message);
    return message;
}

TransportKeys IkResponder::transport() const
{
    auto [fromInitiator, fromResponder] = _symmetric.split();
    return {std::move(fromResponder), std::move(fromInitiator)};
}

} // namespace tidewire
