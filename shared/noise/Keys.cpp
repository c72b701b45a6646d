// X25519 keys: making them, and their text form.

#include "shared/noise/Keys.h"

#include "shared/base/Errors.h"

#include <algorithm>

namespace tidewire {

namespace {

static_assert(kKeyTextBytes + 1 ==
              sodium_base64_ENCODED_LEN(kKeyBytes, sodium_base64_VARIANT_ORIGINAL));

/// `text` gets the key and a zero behind it.
void encode(ByteView key, std::array<char, kKeyTextBytes + 1>& text)
{
    ::sodium_bin2base64(
        text.data(), text.size(), key.data(), key.size(), sodium_base64_VARIANT_ORIGINAL);
}

/// libsodium's decoder takes no other spelling of the same bytes and does not branch on them.
bool decode(std::string_view text, MutableByteView key)
{
    std::size_t size = 0;
    return text.size() == kKeyTextBytes &&
           ::sodium_base642bin(key.data(),
                               key.size(),
                               text.data(),
                               text.size(),
                               nullptr,
                               &size,
                               nullptr,
                               sodium_base64_VARIANT_ORIGINAL) == 0 &&
           size == key.size();
}

} // namespace

void prepareCrypto()
{
    static const bool kReady = ::sodium_init() >= 0;
    if (!kReady)
    {
        throw Error("libsodium cannot be used: the system gives no random bytes");
    }
}

KeyPair makeKeyPair()
{
    prepareCrypto();
    PrivateKey secret;
    ::randombytes_buf(secret.data(), PrivateKey::size());
    secret.bytes().front() &= 248U;
    secret.bytes().back() = static_cast<std::uint8_t>((secret.bytes().back() & 127U) | 64U);
    return keyPairOf(secret);
}

KeyPair keyPairOf(const PrivateKey& secret)
{
    prepareCrypto();
    KeyPair pair{secret, {}};
    // It fails for no private key.
    static_cast<void>(::crypto_scalarmult_curve25519_base(pair.open.data(), secret.data()));
    return pair;
}

SharedSecret agree(const PrivateKey& mine, const PublicKey& theirs)
{
    SharedSecret shared;
    if (::crypto_scalarmult_curve25519(shared.data(), mine.data(), theirs.data()) != 0)
    {
        throw ProtocolError("the peer's key is none");
    }
    return shared;
}

std::string_view withoutBlanks(std::string_view text)
{
    constexpr std::string_view kBlanks = " \t\r\n";
    const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

std::string publicKeyText(const PublicKey& key)
{
    std::array<char, kKeyTextBytes + 1> text{};
    encode(key, text);
    return text.data();
}

std::optional<PublicKey> parsePublicKey(std::string_view text)
{
    PublicKey key{};
    return decode(text, key) ? std::optional(key) : std::nullopt;
}

Secret<kKeyTextBytes> privateKeyText(const PrivateKey& key)
{
    std::array<char, kKeyTextBytes + 1> text{};
    encode(key.bytes(), text);
    Secret<kKeyTextBytes> result;
    std::copy_n(text.begin(), kKeyTextBytes, result.data());
    ::sodium_memzero(text.data(), text.size());
    return result;
}

std::optional<PrivateKey> parsePrivateKey(std::string_view text)
{
    PrivateKey key;
    return decode(text, key.bytes()) ? std::optional(key) : std::nullopt;
}

} // namespace tidewire
