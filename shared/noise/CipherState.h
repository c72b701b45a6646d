// One direction's key and counter: the CipherState of the Noise framework with ChaCha20-Poly1305.

#pragma once

#include "shared/noise/Secret.h"

#include <cstdint>
#include <utility>

namespace tidewire {

using CipherKey = Secret<32>;

/// Bytes that encryption adds: the Poly1305 tag.
inline constexpr std::size_t kTagBytes = 16;

/// ChaCha20-Poly1305 (RFC 8439) with a counter for a nonce: 32 bits of zeros, then the counter as u64
/// LE (Noise revision 34, section 12.3). Each call takes the next counter, so none is used twice.
///
/// Thread: one.
/// Errors: ProtocolError when the counter is used up; 2^64 - 1 is rekey()'s.
class CipherState
{
public:
    explicit CipherState(CipherKey key): _key(std::move(key)) {}

    /// Encrypts in place: `bytes` holds the plain text and room for the tag behind it.
    void encrypt(ByteView associated, MutableByteView bytes);

    /// Decrypts in place and gives back the plain text. ProtocolError when key, counter, associated
    /// data or the bytes themselves are not what was encrypted; the object is of no use afterwards.
    MutableByteView decrypt(ByteView associated, MutableByteView bytes);

    /// REKEY() of the specification: a new key from the old one, which cannot be had back. The
    /// counter goes on.
    void rekey();

private:
    std::uint64_t takeCounter();

    CipherKey _key;
    std::uint64_t _counter = 0;
};

} // namespace tidewire
