// A Store that lives in memory, for tests of what stands above the seam.

#pragma once

#include "relay/store/Store.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace tidewire {

/// Follows the rules of Proposal.h; keeps all revisions until a test drops them. Copies its whole state per batch: for
/// small shares only.
class MemoryStore: public Store
{
public:
    MemoryStore();

    [[nodiscard]] StoreState state() const override;
    FrameId addFrame(const Frame& frame) override;
    UploadState openUpload(const std::string& agent,
                           const UploadToken& token,
                           std::uint32_t capacity,
                           bool restart) override;
    void addUploadFrame(const std::string& agent,
                        const UploadToken& token,
                        std::uint32_t index,
                        const Frame& frame) override;
    [[nodiscard]] ProposalResult propose(const std::string& agent,
                                         const Proposal& proposal) override;
    std::vector<Accepted> commit() override;
    void rollback() override;
    [[nodiscard]] std::optional<Revision> head(const RelativePath& path) const override;
    [[nodiscard]] std::vector<Revision>
    headsAfter(Seq after, std::size_t limit, bool liveOnly) const override;
    [[nodiscard]] std::optional<std::uint64_t> tagOf(Seq seq) const override;
    [[nodiscard]] std::optional<Recipe> recipe(Seq seq) const override;
    [[nodiscard]] std::uint32_t rawLength(FrameId id) const override;
    [[nodiscard]] Frame readFrame(FrameId id) const override;
    bool maintain(std::int64_t nowSeconds) override;

    // --- what tests do to it ---

    /// Every write fails with this errno until 0 is given.
    void failWrites(int code) { _failure = code; }

    /// Every write, and rollback() as well, fails with what SQLite has no errno for.
    void breakDown(bool broken) { _broken = broken; }

    /// As after a failed sync: frames of uploads that were staged are gone.
    void loseUploads();

    /// As upkeep does with frames that nobody reads.
    void dropFrame(FrameId id);

    /// As upkeep does when it merges small pieces: the revision reads its bytes elsewhere.
    void rewrite(Seq seq, Recipe recipe);

    /// Reading this frame throws CorruptError.
    void damageFrame(FrameId id) { _damaged.insert(id); }

    /// Drops the tombstones up to `floor`.
    void dropTombstones(Seq floor);

    /// Forgets a revision, as retention does.
    void dropRevision(Seq seq);

    /// As if another store had been put in its place.
    void replace(const Incarnation& incarnation) { _incarnation = incarnation; }

    [[nodiscard]] std::size_t commits() const { return _commits; }
    [[nodiscard]] std::size_t reads() const { return _reads; }

private:
    struct Record
    {
        Revision revision;
        Seq base = 0;
        std::uint64_t tag = 0;
        Recipe recipe;
    };
    struct Upload
    {
        std::uint32_t capacity = 0;
        FrameId first = 0;
        std::uint32_t count = 0;
        Bytes checksums; // of its frames, u64 each

        [[nodiscard]] UploadState state() const;
    };
    struct State
    {
        std::map<Seq, Record> records;
        std::map<RelativePath, Seq> heads;
        std::map<FrameId, std::shared_ptr<const Frame>> frames;
        std::map<std::pair<std::string, UploadToken>, Upload> uploads;
        FrameId nextFrame = 1;
        Seq nextSeq = 1;
        std::vector<Accepted> accepted;
    };

    void mayFail(const char* operation) const;
    [[nodiscard]] static const Record* headOf(const State& state, const RelativePath& path);
    [[nodiscard]] bool
    isRepeated(const std::string& agent, const Proposal& proposal, ProposalResult& result) const;
    [[nodiscard]] Refusal checkTree(const Proposal& proposal) const;
    [[nodiscard]] std::optional<Recipe>
    makeRecipe(const std::string& agent, const Proposal& proposal, Refusal& refusal) const;
    [[nodiscard]] bool framesExist(const Recipe& recipe) const;

    State _committed;
    State _working;
    Incarnation _incarnation;
    Seq _floor = 0;
    int _failure = 0;
    bool _broken = false;
    std::set<FrameId> _damaged;
    std::size_t _commits = 0;
    mutable std::size_t _reads = 0;
};

} // namespace tidewire
