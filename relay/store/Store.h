// What sessions and feeds see of a share's durable state; nothing in here knows how it is kept.

#pragma once

#include "shared/model/Entry.h"
#include "shared/model/Proposal.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// Random id of a store of a share; tells a lost or replaced store from a continued one.
using Incarnation = std::array<std::uint8_t, 16>;

/// Name of a resumable upload, chosen by the agent; unique per agent.
using UploadToken = std::array<std::uint8_t, 16>;

/// Where a journal stands.
struct StoreState
{
    Incarnation incarnation{};
    Seq head = 0;          ///< seq of the newest durable revision; 0 when there is none
    std::uint64_t tag = 0; ///< random tag of the newest revision; see tagOf()
    Seq floor = 0;         ///< tombstones up to here may have been dropped
};

/// How far an upload has come.
struct UploadState
{
    std::uint32_t frames = 0; ///< frames 0..frames-1 are staged
    std::uint64_t digest = 0; ///< XXH3-64 over the checksums (u64 LE) of those frames, in order
};

/// A new revision as it goes to live feeds.
struct Accepted
{
    Revision revision;
    std::uint64_t tag = 0;
    Seq source = 0; ///< revision that `delta` copies from; 0: none
    Delta delta;    ///< the proposal's, with the store's frame ids
};

/// The relay's durable state of one share.
///
/// Writing is done in batches: addFrame(), propose() and the upload calls take effect at once for
/// later calls of this object, and become durable together in commit(). A crash in between loses
/// the whole batch. Nothing of a batch may be acknowledged or forwarded before commit() has
/// returned.
///
/// Thread:  one at a time.
/// Errors:  StorageError (a full disk is transient: call rollback(), the store then stands where
///          the last commit() left it); CorruptError for bytes that fail their checksum.
class Store
{
public:
    virtual ~Store() = default;

    [[nodiscard]] virtual StoreState state() const = 0;

    // --- writing ---

    /// Stages a frame; its checksum has been verified by the caller.
    virtual FrameId addFrame(const Frame& frame) = 0;

    /// Opens an upload of at most `capacity` frames, or finds it again with the frames that are
    /// durable. Its frames get consecutive ids. A different capacity, or `restart`, begins anew.
    virtual UploadState openUpload(const std::string& agent,
                                   const UploadToken& token,
                                   std::uint32_t capacity,
                                   bool restart) = 0;

    /// Stages frame number `index`, which must be the next one (ProtocolError otherwise). All
    /// frames of an upload but the last must hold kFrameBytes raw.
    virtual void addUploadFrame(const std::string& agent,
                                const UploadToken& token,
                                std::uint32_t index,
                                const Frame& frame) = 0;

    /// Decides on a proposal whose Data operations have been given the store's frame ids, or, when
    /// `proposal.upload` is set, number the frames of that upload from 0. See Proposal.h for the
    /// rules. The upload ends with the acceptance or a refusal.
    [[nodiscard]] virtual ProposalResult propose(const std::string& agent,
                                                 const Proposal& proposal) = 0;

    /// Makes the batch durable and returns the revisions that it accepted, in order. Frames of
    /// uploads that are still open may wait for a later commit (a crash then costs a bounded part
    /// of the upload); rollback() keeps those of earlier batches, unless the disk itself has
    /// failed: then openUpload() tells what is left.
    virtual std::vector<Accepted> commit() = 0;

    /// Forgets the batch. After an error in a writing call nothing else may be written before this.
    virtual void rollback() = 0;

    // --- reading: sees what is committed ---

    /// Newest revision of a path, tombstones included.
    [[nodiscard]] virtual std::optional<Revision> head(const RelativePath& path) const = 0;

    /// Revisions that are the newest of their path, with seq in (after, head], ascending, at most
    /// `limit`. With `liveOnly` tombstones are left out.
    [[nodiscard]] virtual std::vector<Revision>
    headsAfter(Seq after, std::size_t limit, bool liveOnly) const = 0;

    /// Tag of the revision `seq`: a random number that no other journal has at that seq. Nothing
    /// when the revision was dropped or never was.
    [[nodiscard]] virtual std::optional<std::uint64_t> tagOf(Seq seq) const = 0;

    /// How to make the content of a file revision; nothing when the revision is unknown, dropped,
    /// or no file.
    [[nodiscard]] virtual std::optional<Recipe> recipe(Seq seq) const = 0;

    /// Raw length of a frame; 0 when there is no such frame.
    [[nodiscard]] virtual std::uint32_t rawLength(FrameId id) const = 0;

    /// Reads a frame back and checks it. CorruptError when it is damaged or missing.
    [[nodiscard]] virtual Frame readFrame(FrameId id) const = 0;

    /// One bounded step of upkeep (expired revisions and tombstones, segments with little alive,
    /// abandoned uploads, recipes of many tiny pieces) at wall time `nowSeconds`. Returns false
    /// when there was nothing to do. Call it between batches only.
    virtual bool maintain(std::int64_t nowSeconds) = 0;
};

} // namespace tidewire
