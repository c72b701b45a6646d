// The rules of Proposal.h that can be told from a proposal alone.

#pragma once

#include "shared/model/Proposal.h"

#include <cstdint>
#include <functional>
#include <map>

namespace tidewire {

/// True when the entry has exactly the fields of its kind, each in its range, and the operations
/// are those of its kind: a File's lengths add up to its size and its Copies name a source; nothing
/// else has operations or an upload.
[[nodiscard]] bool isWellFormed(const Proposal& proposal);

/// True when the delta copies from its source.
[[nodiscard]] bool hasCopies(const Delta& delta);

/// True when every Copy lies within `size` bytes.
[[nodiscard]] bool copiesLieWithin(const Delta& delta, std::uint64_t size);

/// Checks that Data operations read nothing but bytes of frames; see Op for runs of frames.
///
/// Cost: every frame is looked up once, however many operations read it.
class DataCheck
{
public:
    /// `rawLength` gives 0 for a frame that does not exist.
    explicit DataCheck(std::function<std::uint32_t(FrameId)> rawLength);

    /// SourceUnknown when a frame does not exist, or no longer; Malformed when one is read where it has no bytes.
    [[nodiscard]] Refusal judge(const Delta& delta);

private:
    [[nodiscard]] Refusal judge(const Op& data);
    [[nodiscard]] Refusal judgeRun(FrameId first, FrameId end);

    const std::function<std::uint32_t(FrameId)> _rawLength;
    std::map<FrameId, FrameId> _full; // first -> end of runs that are known to be full
};

} // namespace tidewire
