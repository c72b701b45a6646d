// Paths, entries and revisions as differences to the ones before.

#include "shared/wire/EntryCodec.h"

#include "shared/wire/Messages.h"

#include <algorithm>

namespace tidewire {

namespace {

constexpr std::uint32_t kMaxMode = 07777;
constexpr std::uint64_t kMaxNanoseconds = 999999999;

// Differences wrap around, so that every pair of values has one.
std::int64_t wrappingDifference(std::uint64_t value, std::uint64_t before)
{
    return static_cast<std::int64_t>(value - before);
}

void encodeTime(ByteWriter& writer, const FileTime& time, EntryContext& context)
{
    writer.zigzag(wrappingDifference(static_cast<std::uint64_t>(time.seconds),
                                     static_cast<std::uint64_t>(context.seconds)));
    writer.varint(time.nanoseconds);
    context.seconds = time.seconds;
}

FileTime decodeTime(ByteReader& reader, EntryContext& context)
{
    FileTime time;
    time.seconds = static_cast<std::int64_t>(static_cast<std::uint64_t>(context.seconds) +
                                             static_cast<std::uint64_t>(reader.zigzag()));
    time.nanoseconds = static_cast<std::uint32_t>(reader.varint(kMaxNanoseconds));
    context.seconds = time.seconds;
    return time;
}

bool hasMode(EntryKind kind)
{
    return kind == EntryKind::File || kind == EntryKind::Directory;
}

} // namespace

std::uint8_t entryFlags(const Entry& entry, const EntryContext& context)
{
    const auto kind = static_cast<std::uint8_t>(entry.kind);
    const bool sameMode = hasMode(entry.kind) && entry.mode == context.mode;
    return static_cast<std::uint8_t>(kind | (sameMode ? kSameMode : 0U));
}

void encodePath(ByteWriter& writer, const RelativePath& path, EntryContext& context)
{
    const std::string& text = path.text();
    const auto differs =
        std::mismatch(text.begin(), text.end(), context.path.begin(), context.path.end()).first;
    const auto shared = static_cast<std::size_t>(differs - text.begin());
    writer.varint(shared);
    writer.string(std::string_view(text).substr(shared));
    context.path = text;
}

RelativePath decodePath(ByteReader& reader, EntryContext& context)
{
    const auto shared = static_cast<std::size_t>(reader.varint(context.path.size()));
    const std::string_view suffix = reader.string(kMaxPathBytes - shared);
    if (!reader.ok())
    {
        return {};
    }
    context.path.resize(shared);
    context.path += suffix;
    auto path = RelativePath::parse(context.path);
    if (!path)
    {
        reader.fail();
        return {};
    }
    return *std::move(path);
}

void encodeEntry(ByteWriter& writer, const Entry& entry, EntryContext& context)
{
    if (hasMode(entry.kind))
    {
        if (entry.mode != context.mode)
        {
            writer.varint(entry.mode);
        }
        context.mode = entry.mode;
    }
    if (entry.kind == EntryKind::File)
    {
        encodeTime(writer, entry.mtime, context);
        writer.varint(entry.size);
        writer.raw(entry.hash.bytes);
    }
    else if (entry.kind == EntryKind::Symlink)
    {
        encodeTime(writer, entry.mtime, context);
        writer.string(entry.target);
    }
}

Entry decodeEntry(ByteReader& reader, std::uint8_t flags, EntryContext& context)
{
    Entry entry;
    entry.kind = static_cast<EntryKind>(flags & kKindMask);
    if (hasMode(entry.kind))
    {
        entry.mode = (flags & kSameMode) != 0 ? context.mode
                                              : static_cast<std::uint32_t>(reader.varint(kMaxMode));
        context.mode = entry.mode;
    }
    else if ((flags & kSameMode) != 0)
    {
        reader.fail();
    }
    if (entry.kind == EntryKind::File)
    {
        entry.mtime = decodeTime(reader, context);
        entry.size = reader.varint(kMaxContentBytes);
        const ByteView hash = reader.raw(entry.hash.bytes.size());
        std::copy(hash.begin(), hash.end(), entry.hash.bytes.begin());
    }
    else if (entry.kind == EntryKind::Symlink)
    {
        entry.mtime = decodeTime(reader, context);
        entry.target = reader.string(kMaxTargetBytes);
        if (entry.target.empty() || entry.target.find('\0') != std::string::npos)
        {
            reader.fail();
        }
    }
    return entry;
}

void encodeRevision(ByteWriter& writer,
                    const Revision& revision,
                    std::uint8_t extraFlags,
                    EntryContext& context)
{
    const bool sameAgent = revision.agent == context.agent;
    writer.u8(static_cast<std::uint8_t>(entryFlags(revision.entry, context) | extraFlags |
                                        (sameAgent ? kSameAgent : 0U)));
    writer.zigzag(wrappingDifference(revision.seq, context.seq));
    context.seq = revision.seq;
    encodePath(writer, revision.path, context);
    if (!sameAgent)
    {
        writer.string(revision.agent);
        context.agent = revision.agent;
    }
    encodeEntry(writer, revision.entry, context);
}

Revision decodeRevision(ByteReader& reader,
                        std::uint8_t allowedExtra,
                        std::uint8_t& flags,
                        EntryContext& context)
{
    Revision revision;
    flags = reader.u8();
    if ((flags & ~(kKindMask | kSameMode | kSameAgent | allowedExtra)) != 0)
    {
        reader.fail();
    }
    revision.seq = context.seq + static_cast<std::uint64_t>(reader.zigzag());
    context.seq = revision.seq;
    revision.path = decodePath(reader, context);
    if ((flags & kSameAgent) == 0)
    {
        context.agent = reader.string(kMaxAgentNameBytes);
    }
    revision.agent = context.agent;
    revision.entry = decodeEntry(reader, flags, context);
    return revision;
}

} // namespace tidewire
