// What both sides of a handshake mix in step: the SymmetricState of the Noise framework.

#include "shared/noise/SymmetricState.h"

#include <algorithm>

namespace tidewire {

namespace {

/// With hashes of 64 bytes a key is the first half of one.
CipherKey cipherKeyOf(const ChainingKey& output)
{
    CipherKey key;
    std::copy_n(output.data(), CipherKey::size(), key.data());
    return key;
}

} // namespace

SymmetricState::SymmetricState(std::string_view protocolName, ByteView prologue)
{
    const ByteView name = asBytes(protocolName);
    if (name.size() <= _hash.size())
    {
        std::copy(name.begin(), name.end(), _hash.begin());
    }
    else
    {
        _hash = noiseHash(name, {});
    }
    std::copy(_hash.begin(), _hash.end(), _chain.data());
    mixHash(prologue);
}

void SymmetricState::mixHash(ByteView data)
{
    _hash = noiseHash(_hash, data);
}

void SymmetricState::mixKey(const SharedSecret& input)
{
    auto [chain, key] = noiseHkdf(_chain, input.bytes());
    _chain = std::move(chain);
    _cipher.emplace(cipherKeyOf(key));
}

void SymmetricState::encryptAndHash(ByteView plain, Bytes& message)
{
    const std::size_t begin = message.size();
    message.insert(message.end(), plain.begin(), plain.end());
    message.resize(message.size() + kTagBytes);
    const MutableByteView encrypted = MutableByteView(message).subspan(begin);
    _cipher.value().encrypt(_hash, encrypted);
    mixHash(encrypted);
}

Bytes SymmetricState::decryptAndHash(ByteView encrypted)
{
    Bytes bytes(encrypted.begin(), encrypted.end());
    const std::size_t size = _cipher.value().decrypt(_hash, bytes).size();
    bytes.resize(size);
    mixHash(encrypted);
    return bytes;
}

std::pair<CipherState, CipherState> SymmetricState::split() const
{
    const auto [first, second] = noiseHkdf(_chain, {});
    return {CipherState(cipherKeyOf(first)), CipherState(cipherKeyOf(second))};
}

} // namespace tidewire
