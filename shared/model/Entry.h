// What a share consists of: entries, revisions, and the pieces that describe content.

#pragma once

#include "shared/base/Bytes.h"
#include "shared/fs/FileSystem.h"
#include "shared/fs/RelativePath.h"

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace tidewire {

/// Number of a revision in the journal of a share; rises by one from 1; 0 means "none".
using Seq = std::uint64_t;

/// Number of a frame. In the relay's store and on the way down: given by the relay, per share. On
/// the way up: given by the agent, per connection and share.
using FrameId = std::uint64_t;

/// Most raw bytes in a frame.
inline constexpr std::uint32_t kFrameBytes = 128 * 1024;

/// Largest content, 8 EiB less one frame: sizes and offsets are safe in signed 64 bits.
inline constexpr std::uint64_t kMaxContentBytes = (std::uint64_t{1} << 63U) - 1 - kFrameBytes;

/// Most operations or pieces that describe one content.
inline constexpr std::size_t kMaxPieces = 65536;

/// Longest target of a symbolic link, in bytes.
inline constexpr std::size_t kMaxTargetBytes = 4095;

/// BLAKE2b-256; see shared/delta/ContentHash.h for what goes in.
struct Hash
{
    std::array<std::uint8_t, 32> bytes{};

    friend auto operator<=>(const Hash&, const Hash&) = default;
};

/// Persisted and sent: never renumber.
enum class EntryKind : std::uint8_t
{
    Tombstone = 0, ///< the path has no entry
    File = 1,
    Directory = 2,
    Symlink = 3,
};

/// The state of one path. Fields that a kind does not have are zero or empty.
struct Entry
{
    EntryKind kind = EntryKind::Tombstone;
    std::uint32_t mode = 0; ///< File, Directory: 0..07777
    FileTime mtime; ///< File, Symlink. A folder's mtime changes with its entries: not carried
    std::uint64_t size = 0; ///< File: bytes
    Hash hash;              ///< File: content hash
    std::string target;     ///< Symlink: what it points to, any bytes but NUL

    /// Same kind and same content; mode and mtime may differ.
    [[nodiscard]] bool sameContent(const Entry& other) const
    {
        return kind == other.kind && size == other.size && hash == other.hash &&
               target == other.target;
    }

    friend bool operator==(const Entry&, const Entry&) = default;
};

/// Persisted and sent: never renumber.
enum class OpKind : std::uint8_t
{
    Copy = 0, ///< `length` bytes of the source revision, from `offset`
    Data = 1, ///< `length` raw bytes of frame `frame`, from `offset`; see below
    Zero = 2, ///< a hole of `length` bytes
};

/// One step in the making of a content; the steps in order yield it from front to back.
///
/// Data may run past the end of its frame: it goes on at the start of frame + 1, and so on. All
/// frames of such a run but the last hold exactly kFrameBytes.
struct Op
{
    OpKind kind = OpKind::Zero;
    FrameId frame = 0;        ///< Data only
    std::uint64_t offset = 0; ///< Copy, Data
    std::uint64_t length = 0; ///< never 0

    friend bool operator==(const Op&, const Op&) = default;
};

/// How to make a content from a source revision and frames. May hold Copy.
using Delta = std::vector<Op>;

/// How to make a content from frames alone. Holds no Copy.
using Recipe = std::vector<Op>;

/// One accepted state of one path.
struct Revision
{
    Seq seq = 0;
    RelativePath path;
    Entry entry;
    std::string agent; ///< who proposed it
};

/// Persisted and sent: never renumber.
enum class FrameEncoding : std::uint8_t
{
    Raw = 0,
    Zlib = 1, ///< one zlib stream (RFC 1950)
};

/// Literal bytes as they are stored and sent.
struct Frame
{
    FrameEncoding encoding = FrameEncoding::Raw;
    std::uint32_t rawLength = 0; ///< 1..kFrameBytes
    std::uint64_t checksum = 0;  ///< XXH3-64 of `stored`
    Bytes stored;                ///< at most rawLength bytes; Raw: exactly
};

} // namespace tidewire
