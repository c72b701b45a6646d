// What both sides of a handshake mix in step: the SymmetricState of the Noise framework.

#pragma once

#include "shared/noise/CipherState.h"
#include "shared/noise/Keys.h"
#include "shared/noise/NoiseHash.h"

#include <optional>
#include <utility>

namespace tidewire {

/// The chaining key, the handshake hash and the key of the moment (Noise revision 34, section 5.2).
///
/// Thread: one.
/// Errors: ProtocolError from decryptAndHash().
class SymmetricState
{
public:
    SymmetricState(std::string_view protocolName, ByteView prologue);

    void mixHash(ByteView data);
    void mixKey(const SharedSecret& input);

    /// Appends `plain`, encrypted, to `message`. Only after mixKey().
    void encryptAndHash(ByteView plain, Bytes& message);

    /// The plain bytes of `encrypted`. Only after mixKey().
    [[nodiscard]] Bytes decryptAndHash(ByteView encrypted);

    /// The keys of the transport: the initiator sends with the first.
    [[nodiscard]] std::pair<CipherState, CipherState> split() const;

    /// Names this handshake among all; no secret.
    [[nodiscard]] const NoiseHash& hash() const { return _hash; }

private:
    ChainingKey _chain;
    NoiseHash _hash{};
    std::optional<CipherState> _cipher;
};

} // namespace tidewire
