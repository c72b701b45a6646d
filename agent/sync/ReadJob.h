// Reads a local file: its hash, its signature, and what changed against the last synchronised content.

#pragma once

#include "agent/state/Index.h"
#include "agent/sync/Job.h"
#include "shared/base/Errors.h"
#include "shared/delta/ContentScan.h"
#include "shared/fs/FileSystem.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// What to read, and against what.
struct ReadRequest
{
    RelativePath path;
    FileStat expected;                ///< what lstat told; the read is for this state of the file
    std::optional<Signature> base;    ///< find a delta against this
    std::optional<AppendBase> append; ///< try the fast path for appends
    bool hashOnly = false;            ///< no literal is kept
    bool forced = false;              ///< read although somebody has it open for writing
};

enum class ReadStatus : std::uint8_t
{
    Complete,
    Frames,  ///< `frames` are to be taken; submit the job again to go on
    Changed, ///< not, or no longer, what was expected
    Missing,
    Writing,     ///< somebody has it open for writing
    NotAppended, ///< the fast path does not apply: ask again without it
    Failed,
};

/// One read of one file.
///
/// The literal bytes of the delta form one stream; Data operations number its frames from 0. Up to kInlineLiteral bytes stay in
/// `literal`; a longer stream is handed over as packed frames, about 1 MiB at a time.
///
/// Memory: signature and block table of the base (see ContentScan), and about 2 MiB of frames.
class ReadJob: public Job
{
public:
    static constexpr std::size_t kInlineLiteral = kFrameBytes;

    /// A file of at least this size is read in turns with others.
    static constexpr std::uint64_t kHeavyBytes = 1 << 20;

    using Done = std::function<void(std::unique_ptr<ReadJob>)>;

    ReadJob(FileSystem& files, ReadRequest request, Done done);
    ~ReadJob() override;

    [[nodiscard]] JobWeight weight() const override;
    bool step() override;
    void finish(JobPtr self) override;

    [[nodiscard]] const ReadRequest& request() const { return _request; }

    // --- results ---
    ReadStatus status = ReadStatus::Failed;
    std::optional<StorageError> failure; ///< Failed
    Hash hash;
    std::optional<Signature> signature;      ///< Complete without the fast path
    std::optional<AppendedContent> appended; ///< Complete with it
    Delta delta;
    Bytes literal;             ///< the whole stream, when it was not handed over
    std::vector<Frame> frames; ///< next part of the stream
    bool streaming = false;    ///< the stream is, or was, handed over as frames

private:
    class Sink;

    bool open();
    bool advance();
    bool complete();
    bool end(ReadStatus result);

    FileSystem& _files;
    ReadRequest _request;
    Done _done;
    std::unique_ptr<File> _file;
    std::unique_ptr<Sink> _sink;
    std::unique_ptr<ContentScan> _scan;
};

} // namespace tidewire
