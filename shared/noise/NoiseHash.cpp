// BLAKE2b-512 as the Noise framework uses it: HASH, HMAC-HASH and HKDF.

#include "shared/noise/NoiseHash.h"

#include <initializer_list>

namespace tidewire {

namespace {

constexpr std::size_t kBlockBytes = 128;

/// A running hash; its state, which may depend on a key, is wiped.
class Hasher
{
public:
    Hasher() { ::crypto_generichash_blake2b_init(&_state, nullptr, 0, kNoiseHashBytes); }
    ~Hasher() { ::sodium_memzero(&_state, sizeof _state); }
    Hasher(const Hasher&) = delete;
    Hasher& operator=(const Hasher&) = delete;

    void add(ByteView bytes)
    {
        ::crypto_generichash_blake2b_update(&_state, bytes.data(), bytes.size());
    }
    void finish(MutableByteView hash)
    {
        ::crypto_generichash_blake2b_final(&_state, hash.data(), hash.size());
    }

private:
    crypto_generichash_blake2b_state _state{};
};

ChainingKey hmac(const ChainingKey& key, std::initializer_list<ByteView> input)
{
    Secret<kBlockBytes> inner;
    Secret<kBlockBytes> outer;
    for (std::size_t i = 0; i < kBlockBytes; ++i)
    {
        const std::uint8_t byte = i < ChainingKey::size() ? key.bytes()[i] : std::uint8_t{0};
        inner.bytes()[i] = byte ^ 0x36U;
        outer.bytes()[i] = byte ^ 0x5CU;
    }
    ChainingKey result;
    Hasher first;
    first.add(inner.bytes());
    for (const ByteView piece : input)
    {
        first.add(piece);
    }
    first.finish(result.bytes());
    Hasher second;
    second.add(outer.bytes());
    second.add(result.bytes());
    second.finish(result.bytes());
    return result;
}

} // namespace

NoiseHash noiseHash(ByteView first, ByteView second)
{
    NoiseHash hash{};
    Hasher hasher;
    hasher.add(first);
    hasher.add(second);
    hasher.finish(hash);
    return hash;
}

std::pair<ChainingKey, ChainingKey> noiseHkdf(const ChainingKey& key, ByteView input)
{
    constexpr std::array<std::uint8_t, 1> kOne{1};
    constexpr std::array<std::uint8_t, 1> kTwo{2};
    const ChainingKey temporary = hmac(key, {input});
    ChainingKey first = hmac(temporary, {kOne});
    ChainingKey second = hmac(temporary, {first.bytes(), kTwo});
    return {std::move(first), std::move(second)};
}

} // namespace tidewire
