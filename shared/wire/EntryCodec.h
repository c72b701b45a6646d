// Encodes paths, entries and revisions, each against the one before it in the same message.

#pragma once

#include "shared/base/ByteReader.h"
#include "shared/base/ByteWriter.h"
#include "shared/model/Entry.h"

#include <string>

namespace tidewire {

/// What an item of a message is coded against: the fields of the items before it.
///
/// Neighbours in a batch mostly share folder, time, mode and agent, so that an item takes a few bytes
/// besides its hash. Encoder and decoder start with a fresh object for every message.
struct EntryContext
{
    std::string path;
    std::string agent;
    std::int64_t seconds = 0;
    std::uint32_t mode = 0;
    Seq seq = 0;
};

/// Bits of the flags byte that leads an item; bits 0 and 1 are the kind.
inline constexpr std::uint8_t kKindMask = 0x03;
inline constexpr std::uint8_t kSameMode = 0x04;  ///< mode as before: no mode field
inline constexpr std::uint8_t kSameAgent = 0x08; ///< revisions: agent as before
inline constexpr std::uint8_t kHasSource = 0x10;
inline constexpr std::uint8_t kHasDelta = 0x20;
inline constexpr std::uint8_t kHasUpload = 0x40; ///< proposals

/// Kind and kSameMode of an entry.
[[nodiscard]] std::uint8_t entryFlags(const Entry& entry, const EntryContext& context);

void encodePath(ByteWriter& writer, const RelativePath& path, EntryContext& context);

/// Fails the reader for a path that RelativePath does not take.
[[nodiscard]] RelativePath decodePath(ByteReader& reader, EntryContext& context);

/// The fields of the entry's kind; the flags stand elsewhere.
void encodeEntry(ByteWriter& writer, const Entry& entry, EntryContext& context);

/// Fails the reader for values that an entry cannot have.
[[nodiscard]] Entry decodeEntry(ByteReader& reader, std::uint8_t flags, EntryContext& context);

/// A revision with its flags byte, to which `extraFlags` are added.
void encodeRevision(ByteWriter& writer,
                    const Revision& revision,
                    std::uint8_t extraFlags,
                    EntryContext& context);

/// Gives back the flags. Fails the reader for flags other than those of `allowedExtra`.
[[nodiscard]] Revision decodeRevision(ByteReader& reader,
                                      std::uint8_t allowedExtra,
                                      std::uint8_t& flags,
                                      EntryContext& context);

} // namespace tidewire
