// A store over a simulated disk for its segments, and short ways to make proposals.

#pragma once

#include "relay/store/EmbeddedStore.h"
#include "shared/base/Errors.h"
#include "shared/delta/Recipe.h"
#include "shared/wire/FrameCodec.h"
#include "tests/support/ManualClock.h"
#include "tests/support/MemoryFileSystem.h"
#include "tests/support/TempFolder.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <random>
#include <string>
#include <utility>

namespace tidewire {

inline RelativePath pathOf(std::string_view text)
{
    return RelativePath::parse(text).value();
}

/// A hash that stands for a content; the store never looks into it.
inline Hash hashOf(std::string_view content)
{
    Hash hash;
    const std::size_t value = std::hash<std::string_view>{}(content);
    for (std::size_t i = 0; i < sizeof value; ++i)
    {
        hash.bytes.at(i) = static_cast<std::uint8_t>(value >> (8 * i));
    }
    return hash;
}

inline Entry fileOf(std::string_view content, std::uint32_t mode = 0644)
{
    Entry entry;
    entry.kind = EntryKind::File;
    entry.mode = mode;
    entry.mtime = FileTime{1000, 5};
    entry.size = content.size();
    entry.hash = hashOf(content);
    return entry;
}

inline Entry folderOf(std::uint32_t mode = 0755)
{
    Entry entry;
    entry.kind = EntryKind::Directory;
    entry.mode = mode;
    return entry;
}

inline Entry linkOf(std::string target)
{
    Entry entry;
    entry.kind = EntryKind::Symlink;
    entry.mtime = FileTime{-5, 999'999'999};
    entry.target = std::move(target);
    return entry;
}

/// `size` bytes that do not compress, the same for the same seed.
inline std::string noise(std::size_t size, std::uint32_t seed)
{
    std::mt19937 random(seed);
    std::string text(size, '\0');
    for (char& c : text)
    {
        c = static_cast<char>(random());
    }
    return text;
}

inline Frame frameOf(std::string_view content)
{
    return packFrame(asBytes(content));
}

inline UploadToken tokenOf(std::uint8_t value)
{
    UploadToken token{};
    token.front() = value;
    return token;
}

/// The content that a recipe yields from the frames of a store.
inline std::string contentOf(const Store& store, const Recipe& recipe)
{
    std::string content;
    for (const Op& op : recipe)
    {
        if (op.kind == OpKind::Zero)
        {
            content.append(static_cast<std::size_t>(op.length), '\0');
            continue;
        }
        REQUIRE(op.kind == OpKind::Data);
        FrameId frame = op.frame + op.offset / kFrameBytes;
        std::uint64_t offset = op.offset % kFrameBytes;
        std::uint64_t left = op.length;
        while (left != 0)
        {
            const Bytes raw = unpackFrame(store.readFrame(frame));
            REQUIRE(offset < raw.size());
            const std::uint64_t part = std::min<std::uint64_t>(left, raw.size() - offset);
            content += asText(raw).substr(static_cast<std::size_t>(offset),
                                          static_cast<std::size_t>(part));
            left -= part;
            offset = 0;
            ++frame;
        }
    }
    return content;
}

class StoreFixture
{
public:
    explicit StoreFixture(StoreOptions wanted = {}): options(wanted)
    {
        std::filesystem::create_directory(folder / "photos");
        open();
    }

    void open()
    {
        store.reset();
        store = std::make_unique<EmbeddedStore>(disk, folder.path(), "photos", clock, options);
    }

    /// The process ends in the middle of whatever it does, and the power is cut.
    void crash()
    {
        // Nothing that the store would still do at its end reaches the disk.
        disk.setHook([](std::string_view operation, const RelativePath& path) {
            throw StorageError(operation, path.text(), EIO);
        });
        store.reset();
        disk.setHook({});
        disk.crash();
        open();
    }

    [[nodiscard]] Proposal
    proposal(std::string_view path, Seq base, const Entry& entry, Seq seen = 0) const
    {
        Proposal result;
        result.id = 77;
        result.path = pathOf(path);
        result.base = base;
        result.seen = seen;
        result.entry = entry;
        return result;
    }

    /// A proposal of a whole small content, in one frame.
    Proposal contentProposal(std::string_view path, Seq base, std::string_view content)
    {
        Proposal result = proposal(path, base, fileOf(content));
        if (!content.empty())
        {
            const FrameId id = store->addFrame(frameOf(content));
            result.delta = {Op{OpKind::Data, id, 0, content.size()}};
        }
        return result;
    }

    ProposalResult propose(const Proposal& what, const std::string& agent = "kitchen")
    {
        return store->propose(agent, what);
    }

    ProposalResult write(std::string_view path, Seq base, std::string_view content)
    {
        return propose(contentProposal(path, base, content));
    }

    /// `content` appended to the revision `base`, which is `size` long.
    ProposalResult
    append(std::string_view path, Seq base, std::string_view before, std::string_view added)
    {
        const std::string whole = std::string(before) + std::string(added);
        Proposal result = proposal(path, base, fileOf(whole));
        result.source = base;
        const FrameId id = store->addFrame(frameOf(added));
        result.delta = {Op{OpKind::Copy, 0, 0, before.size()},
                        Op{OpKind::Data, id, 0, added.size()}};
        return propose(result);
    }

    Seq accepted(const ProposalResult& result)
    {
        REQUIRE(result.verdict == Verdict::Accepted);
        REQUIRE(result.id == 77);
        return result.seq;
    }

    [[nodiscard]] std::string content(Seq seq) const
    {
        const auto recipe = store->recipe(seq);
        REQUIRE(recipe);
        return contentOf(*store, *recipe);
    }

    /// All upkeep there is at a time; returns the number of steps.
    std::size_t upkeep(std::int64_t now)
    {
        std::size_t steps = 0;
        while (store->maintain(now))
        {
            ++steps;
            REQUIRE(steps < 10000);
        }
        return steps;
    }

    /// Bytes of all segment files.
    [[nodiscard]] std::uint64_t segmentBytes()
    {
        std::uint64_t bytes = 0;
        const RelativePath segments = pathOf("photos/segments");
        disk.list(segments, [&](std::string_view name, FileKind) {
            bytes += disk.stat(RelativePath::join(segments, name).value()).value().size;
            return true;
        });
        return bytes;
    }

    TempFolder folder;
    MemoryFileSystem disk;
    ManualClock clock;
    StoreOptions options;
    std::unique_ptr<EmbeddedStore> store;
};

} // namespace tidewire
