// The handshake Noise_IK_25519_ChaChaPoly_BLAKE2b: two messages, bytes in and bytes out.

#pragma once

#include "shared/noise/SymmetricState.h"

namespace tidewire {

/// Bytes of the messages without payload: e, encrypted s, tag; and e, tag.
inline constexpr std::size_t kIkRequestBytes = kKeyBytes + kKeyBytes + kTagBytes + kTagBytes;
inline constexpr std::size_t kIkAnswerBytes = kKeyBytes + kTagBytes;

/// The keys of one side for what follows the handshake.
struct TransportKeys
{
    CipherState send;
    CipherState receive;
};

/// The side that knows the other's public key and speaks first (Noise revision 34, section 7.5).
///
/// Call request(), answered(), then transport(), each once.
///
/// Thread: one.
/// Errors: ProtocolError from answered() for a message that the responder did not make for this
///         request; the object is of no use afterwards.
class IkInitiator
{
public:
    /// `ephemeral` is for one handshake only: a new pair each time.
    IkInitiator(KeyPair own, const PublicKey& responder, ByteView prologue, KeyPair ephemeral);

    /// The first message. Its payload can be replayed to the responder by anybody.
    [[nodiscard]] Bytes request(ByteView payload = {});

    /// Takes the second message and gives back its payload. The responder has proven its key then.
    [[nodiscard]] Bytes answered(ByteView message);

    [[nodiscard]] TransportKeys transport() const;
    [[nodiscard]] const NoiseHash& hash() const { return _symmetric.hash(); }

private:
    const KeyPair _own;
    const PublicKey _responder;
    const KeyPair _ephemeral;
    SymmetricState _symmetric;
};

/// The side that learns from the first message who speaks.
///
/// Call requested(), answer(), then transport(), each once.
///
/// Thread: one.
/// Errors: ProtocolError from requested() for a message that was not made for this key; the object is
///         of no use afterwards.
class IkResponder
{
public:
    /// `ephemeral` as for IkInitiator.
    IkResponder(KeyPair own, ByteView prologue, KeyPair ephemeral);

    /// Takes the first message and gives back its payload. Whoever made it owns initiator(), but it
    /// may have been made for an earlier connection: only what comes through transport() is new.
    [[nodiscard]] Bytes requested(ByteView message);

    /// After requested().
    [[nodiscard]] const PublicKey& initiator() const { return _initiator; }

    /// The second message.
    [[nodiscard]] Bytes answer(ByteView payload = {});

    [[nodiscard]] TransportKeys transport() const;
    [[nodiscard]] const NoiseHash& hash() const { return _symmetric.hash(); }

private:
    const KeyPair _own;
    const KeyPair _ephemeral;
    SymmetricState _symmetric;
    PublicKey _initiator{};
    PublicKey _theirEphemeral{};
};

} // namespace tidewire
