// A change that an agent asks the relay to accept, and the answer.

#pragma once

#include "shared/model/Entry.h"

#include <array>
#include <cstdint>
#include <optional>

namespace tidewire {

/// A change of one path, made from the revision `base`.
///
/// Rules, in this order; the first that matches decides:
/// 1. Well formed? Every Copy lies within the source's content, every Data within its frames, the
///    lengths add up to the size; else Refused with Malformed, or SourceUnknown when the source revision is no file or,
///    like a frame or the upload, not (or no longer) there.
/// 2. head(path).seq == base: go on to 4.
/// 3. The same proposal was accepted before from the same agent, that is, a revision of this path has the same agent,
///    base, kind, hash, target, mode and mtime, and a seq above `seen`, and the agent has not deleted the path since:
///    Repeated, with that revision, and with the head when that is a newer one. Else, when base == 0 and the path has no
///    entry (never had, or a tombstone): go on to 4. Else, when the head has the same content (kind, size, hash, target):
///    Same, with the head. Else Refused with BaseChanged and the head. (A deletion of a path that is a tombstone is Same.)
/// 4. The tree stays well formed: the parent is the root or a live directory (else Refused, ParentMissing);
///    a directory with live children is neither deleted nor replaced by another kind (else Refused, NotEmpty).
///    A path in the private folder or the root itself is Refused with Malformed.
/// 5. Nothing would change at all (equal to the head in every field): Same. Else Accepted: the next seq.
struct Proposal
{
    std::uint32_t id = 0; ///< chosen by the agent; comes back in the answer
    RelativePath path;
    Seq base = 0; ///< the revision that the agent's change was made on; 0 for none
    Seq seen =
        0; ///< the agent knows of all revisions of the path up to here and has acted on them: its cursor, or
    ///< less while one of them waits for the answer to this very proposal
    Entry entry;    ///< the new state
    Seq source = 0; ///< revision that Copy operations read; 0 when there are none
    std::optional<std::array<std::uint8_t, 16>>
        upload;  ///< Data operations number this upload's frames
    Delta delta; ///< File: how to make the content. Empty for an empty file and for other kinds
};

/// Persisted and sent: never renumber.
enum class Verdict : std::uint8_t
{
    Accepted = 0,
    Repeated = 1, ///< accepted earlier, the answer was lost
    Same = 2,     ///< the head has that content already
    Refused = 3,
};

/// Persisted and sent: never renumber.
enum class Refusal : std::uint8_t
{
    None = 0,
    BaseChanged = 1,
    ParentMissing = 2,
    NotEmpty = 3,
    SourceUnknown = 4, ///< propose again with the whole content, in new frames
    Malformed = 5,
    NotAllowed = 6,  ///< the agent may not write to this share
    StorageFull = 7, ///< try again later
};

/// What became of a proposal.
struct ProposalResult
{
    std::uint32_t id = 0;
    Verdict verdict = Verdict::Refused;
    Refusal refusal = Refusal::None;
    Seq seq = 0; ///< Accepted, Repeated: the revision it became
    std::optional<Revision>
        head; ///< newest revision of the path, when there is one: Same, Refused with BaseChanged; Repeated when it is not `seq`
};

} // namespace tidewire
