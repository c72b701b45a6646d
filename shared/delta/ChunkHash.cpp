// BLAKE2b in vector registers, one chunk in each lane.

#include "shared/delta/ChunkHash.h"

#include "shared/delta/LeafHasher.h"

#if defined(__x86_64__)

#include <array>
#include <cstring>
#include <utility>

namespace tidewire {

namespace {

constexpr std::size_t kBlockBytes = 128; // of BLAKE2b's compression
constexpr std::size_t kWords = kBlockBytes / sizeof(std::uint64_t);

// RFC 7693, 2.6.
constexpr std::array<std::uint64_t, 8> kStart{0x6a09e667f3bcc908,
                                              0xbb67ae8584caa73b,
                                              0x3c6ef372fe94f82b,
                                              0xa54ff53a5f1d36f1,
                                              0x510e527fade682d1,
                                              0x9b05688c2b3e6c1f,
                                              0x1f83d9abfb41bd6b,
                                              0x5be0cd19137e2179};

// RFC 7693, 2.7; the last two rounds repeat the first two.
constexpr std::uint8_t kOrder[12][kWords] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

// A digest of 32 bytes, no key, no tree.
constexpr std::uint64_t kParameters = 0x01010000 ^ sizeof(Hash::bytes);

template <unsigned Lanes>
struct Vector
{
    using Words [[gnu::vector_size(Lanes * 8)]] = std::uint64_t;
    using Octets [[gnu::vector_size(Lanes * 8)]] = std::uint8_t;
};

// What follows must become part of the functions at the end of it, which say for what processor
// they are compiled.

template <unsigned Bits, typename Words>
[[gnu::always_inline]] inline void rotate(Words& x)
{
    x = (x >> Bits) | (x << (64 - Bits));
}

/// AVX2 has no rotation, but those by whole bytes are one shuffle.
template <unsigned Bytes, std::size_t... At>
[[gnu::always_inline]] inline void rotateBytes(Vector<4>::Words& x,
                                               std::index_sequence<At...> /*octets*/)
{
    const auto octets = reinterpret_cast<const Vector<4>::Octets&>(x);
    const Vector<4>::Octets turned =
        __builtin_shufflevector(octets, octets, ((At & ~7U) | ((At + Bytes) & 7U))...);
    x = reinterpret_cast<const Vector<4>::Words&>(turned);
}

template <unsigned Bits>
[[gnu::always_inline]] inline void rotate(Vector<4>::Words& x)
{
    if constexpr (Bits % 8 == 0)
    {
        rotateBytes<Bits / 8>(x, std::make_index_sequence<32>());
    }
    else
    {
        x = (x >> Bits) | (x << (64 - Bits));
    }
}

/// The function G of RFC 7693, 3.1.
template <typename Words>
[[gnu::always_inline]] inline void
mix(Words& a, Words& b, Words& c, Words& d, const Words& x, const Words& y)
{
    a = a + b + x;
    d ^= a;
    rotate<32>(d);
    c += d;
    b ^= c;
    rotate<24>(b);
    a = a + b + y;
    d ^= a;
    rotate<16>(d);
    c += d;
    b ^= c;
    rotate<63>(b);
}

/// The function F of RFC 7693, 3.2; `before` is how much came before this block and with it.
template <typename Words>
[[gnu::always_inline]] inline void
compress(Words (&state)[8], const Words (&m)[kWords], std::uint64_t before, bool isLast)
{
    Words v[16];
    for (std::size_t i = 0; i < 8; ++i)
    {
        v[i] = state[i];
        v[i + 8] = Words{} + kStart[i];
    }
    v[12] ^= Words{} + before;
    v[14] = isLast ? ~v[14] : v[14];
#pragma GCC unroll 12
    for (const auto& order : kOrder)
    {
        mix(v[0], v[4], v[8], v[12], m[order[0]], m[order[1]]);
        mix(v[1], v[5], v[9], v[13], m[order[2]], m[order[3]]);
        mix(v[2], v[6], v[10], v[14], m[order[4]], m[order[5]]);
        mix(v[3], v[7], v[11], v[15], m[order[6]], m[order[7]]);
        mix(v[0], v[5], v[10], v[15], m[order[8]], m[order[9]]);
        mix(v[1], v[6], v[11], v[12], m[order[10]], m[order[11]]);
        mix(v[2], v[7], v[8], v[13], m[order[12]], m[order[13]]);
        mix(v[3], v[4], v[9], v[14], m[order[14]], m[order[15]]);
    }
    for (std::size_t i = 0; i < 8; ++i)
    {
        state[i] ^= v[i] ^ v[i + 8];
    }
}

template <unsigned Lanes>
[[gnu::always_inline]] inline void hashLanes(const std::uint8_t* bytes, Hash* hashes)
{
    using Words = typename Vector<Lanes>::Words;
    Words state[8];
    for (std::size_t i = 0; i < 8; ++i)
    {
        state[i] = Words{} + kStart[i];
    }
    state[0] ^= Words{} + kParameters;
    for (std::size_t at = 0; at < kChunkBytes; at += kBlockBytes)
    {
        Words m[kWords];
        for (std::size_t i = 0; i < kWords; ++i)
        {
            std::array<std::uint64_t, Lanes> words;
            for (unsigned lane = 0; lane < Lanes; ++lane)
            {
                std::memcpy(&words[lane], bytes + lane * kChunkBytes + at + 8 * i, 8);
            }
            std::memcpy(&m[i], words.data(), sizeof m[i]);
        }
        compress(state, m, at + kBlockBytes, at + kBlockBytes == kChunkBytes);
    }
    for (unsigned lane = 0; lane < Lanes; ++lane)
    {
        for (std::size_t i = 0; i < 4; ++i)
        {
            const std::uint64_t word = state[i][lane];
            std::memcpy(hashes[lane].bytes.data() + 8 * i, &word, sizeof word);
        }
    }
}

[[gnu::target("avx2")]] void hashFour(const std::uint8_t* bytes, Hash* hashes)
{
    hashLanes<4>(bytes, hashes);
}

[[gnu::target("avx512f")]] void hashEight(const std::uint8_t* bytes, Hash* hashes)
{
    hashLanes<8>(bytes, hashes);
}

/// As many groups of `count` chunks as there are; what is left stays in `bytes` and `hashes`.
template <typename Function>
void hashGroups(ByteView& bytes, std::span<Hash>& hashes, std::size_t count, Function function)
{
    while (hashes.size() >= count)
    {
        function(bytes.data(), hashes.data());
        bytes = bytes.subspan(count * kChunkBytes);
        hashes = hashes.subspan(count);
    }
}

} // namespace

ChunkLanes bestChunkLanes()
{
    static const ChunkLanes kBest = __builtin_cpu_supports("avx512f") ? ChunkLanes::Eight
                                    : __builtin_cpu_supports("avx2")  ? ChunkLanes::Four
                                                                      : ChunkLanes::One;
    return kBest;
}

} // namespace tidewire

#else

namespace tidewire {

ChunkLanes bestChunkLanes()
{
    return ChunkLanes::One;
}

} // namespace tidewire

#endif

namespace tidewire {

void hashChunks(ByteView bytes, std::span<Hash> hashes, [[maybe_unused]] ChunkLanes lanes)
{
#if defined(__x86_64__)
    if (lanes == ChunkLanes::Eight)
    {
        hashGroups(bytes, hashes, 8, hashEight);
    }
    if (lanes != ChunkLanes::One)
    {
        hashGroups(bytes, hashes, 4, hashFour);
    }
#endif
    Blake2b hasher;
    for (Hash& hash : hashes)
    {
        hasher.reset();
        hasher.update(bytes.first(kChunkBytes));
        hash = hasher.finish();
        bytes = bytes.subspan(kChunkBytes);
    }
}

} // namespace tidewire
