// One direction's key and counter: the CipherState of the Noise framework with ChaCha20-Poly1305.

#include "shared/noise/CipherState.h"

#include "shared/base/Errors.h"

#include <algorithm>
#include <array>
#include <limits>

namespace tidewire {

namespace {

constexpr std::uint64_t kRekeyCounter = std::numeric_limits<std::uint64_t>::max();

using Nonce = std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES>;

static_assert(CipherKey::size() == crypto_aead_chacha20poly1305_ietf_KEYBYTES);
static_assert(kTagBytes == crypto_aead_chacha20poly1305_ietf_ABYTES);

Nonce nonceOf(std::uint64_t counter)
{
    Nonce nonce{};
    for (std::size_t i = 0; i < sizeof counter; ++i)
    {
        nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
    }
    return nonce;
}

} // namespace

std::uint64_t CipherState::takeCounter()
{
    if (_counter == kRekeyCounter)
    {
        throw ProtocolError("the counter of the encryption is used up");
    }
    return _counter++;
}

void CipherState::encrypt(ByteView associated, MutableByteView bytes)
{
    const Nonce nonce = nonceOf(takeCounter());
    ::crypto_aead_chacha20poly1305_ietf_encrypt(bytes.data(),
                                                nullptr,
                                                bytes.data(),
                                                bytes.size() - kTagBytes,
                                                associated.data(),
                                                associated.size(),
                                                nullptr,
                                                nonce.data(),
                                                _key.data());
}

MutableByteView CipherState::decrypt(ByteView associated, MutableByteView bytes)
{
    const Nonce nonce = nonceOf(takeCounter());
    if (::crypto_aead_chacha20poly1305_ietf_decrypt(bytes.data(),
                                                    nullptr,
                                                    nullptr,
                                                    bytes.data(),
                                                    bytes.size(),
                                                    associated.data(),
                                                    associated.size(),
                                                    nonce.data(),
                                                    _key.data()) != 0)
    {
        throw ProtocolError("encrypted bytes that were not made for this place");
    }
    return bytes.first(bytes.size() - kTagBytes);
}

void CipherState::rekey()
{
    Secret<CipherKey::size() + kTagBytes> bytes;
    const Nonce nonce = nonceOf(kRekeyCounter);
    ::crypto_aead_chacha20poly1305_ietf_encrypt(bytes.data(),
                                                nullptr,
                                                bytes.data(),
                                                CipherKey::size(),
                                                nullptr,
                                                0,
                                                nullptr,
                                                nonce.data(),
                                                _key.data());
    std::copy_n(bytes.data(), CipherKey::size(), _key.data());
}

} // namespace tidewire
