// Decides on proposals by the rules of Proposal.h and adds what it accepts to the journal.

#pragma once

#include "relay/store/FramePool.h"
#include "relay/store/Journal.h"
#include "relay/store/Uploads.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tidewire {

/// What became of a proposal.
struct Judgement
{
    ProposalResult result;
    std::optional<Accepted> accepted; ///< when it was accepted
};

/// Applies the rules of Proposal.h; reads no content.
///
/// Thread:  one at a time.
/// Errors:  StorageError, CorruptError: the batch is to be rolled back then.
class Arbiter
{
public:
    Arbiter(Database& database, Journal& journal, FramePool& pool, Uploads& uploads);

    /// Needs an open transaction.
    [[nodiscard]] Judgement
    decide(const std::string& agent, const Proposal& proposal, std::int64_t wallSeconds);

private:
    struct Content
    {
        Delta delta; // with the store's frame ids
        Recipe recipe;
        Seq source = 0;
    };

    [[nodiscard]] Refusal
    makeContent(const std::string& agent, const Proposal& proposal, Content& content);
    [[nodiscard]] Refusal
    placeData(const std::string& agent, const Proposal& proposal, Delta& delta);
    [[nodiscard]] static ProposalResult judgeStale(const NewRevision& revision,
                                                   std::optional<Revision> head);
    [[nodiscard]] Refusal checkTree(const NewRevision& revision, const Entry& head);
    void endUpload(const std::string& agent,
                   const Proposal& proposal,
                   bool accepted,
                   std::int64_t wallSeconds);
    [[nodiscard]] Accepted accept(const NewRevision& revision, Content&& content);

    Journal& _journal;
    FramePool& _pool;
    Uploads& _uploads;
    Statement _addFragmented;
};

} // namespace tidewire
