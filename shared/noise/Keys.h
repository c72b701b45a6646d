// X25519 keys: making them, and their text form.

#pragma once

#include "shared/noise/Secret.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire {

inline constexpr std::size_t kKeyBytes = 32;

/// Characters of a key as text: base64 with padding, as WireGuard writes it.
inline constexpr std::size_t kKeyTextBytes = 44;

using PublicKey = std::array<std::uint8_t, kKeyBytes>;
using PrivateKey = Secret<kKeyBytes>;
using SharedSecret = Secret<kKeyBytes>;

/// A private key and the public one that belongs to it.
struct KeyPair
{
    PrivateKey secret;
    PublicKey open{};
};

/// Lets libsodium choose the code for this processor; without it everything is right but slow. May
/// be called often, from any thread. Error when the system gives no random bytes.
void prepareCrypto();

/// A new random private key (clamped, see RFC 7748) and its public one.
[[nodiscard]] KeyPair makeKeyPair();

/// The pair of a private key.
[[nodiscard]] KeyPair keyPairOf(const PrivateKey& secret);

/// X25519. ProtocolError for a public key that leads to zeros whatever the private one is: an honest
/// peer has none like that.
[[nodiscard]] SharedSecret agree(const PrivateKey& mine, const PublicKey& theirs);

/// `text` without the blanks and line ends around it.
[[nodiscard]] std::string_view withoutBlanks(std::string_view text);

[[nodiscard]] std::string publicKeyText(const PublicKey& key);

/// Nothing unless `text` is the one text form of 32 bytes.
[[nodiscard]] std::optional<PublicKey> parsePublicKey(std::string_view text);

/// The text form of a private key; the buffer is wiped with the rest.
[[nodiscard]] Secret<kKeyTextBytes> privateKeyText(const PrivateKey& key);

/// As parsePublicKey().
[[nodiscard]] std::optional<PrivateKey> parsePrivateKey(std::string_view text);

} // namespace tidewire
