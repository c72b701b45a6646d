// The store of a share on the relay's own disk: an SQLite journal and segment files.

#pragma once

#include "relay/store/Store.h"
#include "relay/store/StoreOptions.h"
#include "shared/base/Clock.h"
#include "shared/fs/FileSystem.h"

#include <memory>

namespace tidewire {

/// Store in the folder `<state>/<share>`: `journal.db` (WAL, synchronous=FULL), and
/// `segments/NNNNNN.seg` with the frames.
///
/// A commit syncs the segments that got frames, then commits one SQLite transaction that names
/// them: whatever the journal names is on the medium. What a crash leaves behind it is cut off at
/// the next start. Frames of uploads that are not finished are synced every 8 MiB (or by maintain()
/// after a pause), so commits do not wait for them; a crash costs the uploads that much.
///
/// Thread:    one at a time.
/// Ownership: borrows `state` and `clock`.
/// Errors:    as Store. After an error in a writing call every further one fails until rollback().
/// Memory:    StoreOptions::cacheKiB, the heads of the open batch, and what Uploads and Collector
///            say.
class EmbeddedStore: public Store
{
public:
    /// Opens or makes the store. `state` is the file system whose root is the absolute path
    /// `statePath`.
    ///
    /// Errors: StorageError (EBUSY: another process has it), CorruptError, Error for a store of a
    ///         newer version.
    EmbeddedStore(FileSystem& state,
                  const std::string& statePath,
                  const std::string& share,
                  const Clock& clock,
                  const StoreOptions& options = {});

    /// What is not committed is lost.
    ~EmbeddedStore() override;

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

private:
    struct Parts;

    template <typename Work>
    auto write(Work work);
    void requireSound() const;
    void finish();
    [[nodiscard]] bool upkeep(std::int64_t nowSeconds);

    const std::string _share;
    const Clock& _clock;
    const std::unique_ptr<Parts> _parts;
    std::vector<Accepted> _accepted;
    bool _broken = false;    // a write failed half way
    bool _uncertain = false; // the commit itself failed and may yet have reached the disk
};

} // namespace tidewire
