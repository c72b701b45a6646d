// Resumable uploads: which frames of a large file have come so far.

#pragma once

#include "relay/store/FramePool.h"
#include "relay/store/Store.h"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// Open uploads of one agent; one more ends the one that was used least recently.
inline constexpr std::size_t kMaxUploadsPerAgent = 64;

/// Raw bytes of an upload that may be staged without being durable: what a crash costs at most.
inline constexpr std::uint64_t kUploadStepBytes = 8 << 20;

/// What has come of an upload.
struct UploadRange
{
    FrameId first = 0;
    std::uint32_t frames = 0;
    std::uint32_t lastRaw = 0; ///< raw length of the last of them; the others hold kFrameBytes
};

/// The uploads of a share.
///
/// Staged frames are written to the bulk lane at once and wait in memory for the next step of 8 MiB
/// (or for the proposal) before they are entered into the journal, so that a commit of a small
/// change need not sync them.
///
/// Thread:  one at a time.
/// Errors:  ProtocolError where the agent broke the rules of Store.h; StorageError, CorruptError.
/// Memory:  per known upload its key and at most 64 waiting frames of 48 bytes.
class Uploads
{
public:
    Uploads(Database& database, FramePool& pool);

    /// See Store::openUpload(). Needs a transaction only when isNew().
    UploadState open(const std::string& agent,
                     const UploadToken& token,
                     std::uint32_t capacity,
                     std::int64_t wallSeconds);

    /// True when open() would have to begin anew.
    [[nodiscard]] bool
    isNew(const std::string& agent, const UploadToken& token, std::uint32_t capacity);

    /// ProtocolError when add() would refuse the frame.
    void check(const std::string& agent,
               const UploadToken& token,
               std::uint32_t index,
               const Frame& frame);

    /// Stages a frame that check() has let through. Needs no transaction.
    void add(const std::string& agent,
             const UploadToken& token,
             const Frame& frame,
             std::int64_t wallSeconds);

    [[nodiscard]] std::optional<UploadRange> find(const std::string& agent,
                                                  const UploadToken& token);

    /// Enters the waiting frames into the journal.
    void persist(const std::string& agent, const UploadToken& token, std::int64_t wallSeconds);

    /// Ends an upload; its frames stay as long as a recipe reads them.
    void close(const std::string& agent, const UploadToken& token);

    /// True when some upload has a whole step waiting, or anything since `before`.
    [[nodiscard]] bool isDue(std::int64_t before) const;

    /// persist() for those.
    void persistDue(std::int64_t before, std::int64_t wallSeconds);

    /// Ends one upload that was last used at or before `cutoff`; false when there is none.
    bool sweep(std::int64_t cutoff);

    /// Ranges of the durable frames of all uploads, as Data operations.
    [[nodiscard]] std::vector<Op> ranges();

    void keep();

    /// Goes back to the last keep(). With `lost` the waiting frames are gone as well.
    void forget(bool lost);

private:
    struct Key
    {
        std::string agent;
        UploadToken token{};
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    struct Upload
    {
        FrameId first = 0;
        std::uint32_t capacity = 0;
        std::uint32_t durable = 0;        // frames in the journal
        std::uint32_t lastRaw = 0;        // of the last staged frame
        std::uint32_t durableRaw = 0;     // of the last frame in the journal
        std::uint64_t waitingBytes = 0;   // raw
        std::int64_t touched = 0;         // wall time of the last frame
        std::vector<StagedFrame> waiting; // staged, not in the journal
        [[nodiscard]] std::uint32_t staged() const
        {
            return durable + static_cast<std::uint32_t>(waiting.size());
        }
    };

    [[nodiscard]] Upload* load(const Key& key);
    [[nodiscard]] std::uint64_t digest(const Upload& upload);
    void remember(const Key& key);
    void persist(const Key& key, Upload& upload, std::int64_t wallSeconds);
    void close(const Key& key);
    void makeRoom(const std::string& agent);
    [[nodiscard]] static bool isDue(const Upload& upload, std::int64_t before);

    FramePool& _pool;
    std::map<Key, Upload> _uploads;               // loaded so far
    std::map<Key, std::optional<Upload>> _before; // as of keep(), for those changed since

    Statement _select;
    Statement _insert;
    Statement _touch;
    Statement _delete;
    Statement _count;
    Statement _oldestOf;
    Statement _oldest;
    Statement _all;
    Statement _checksums;
};

} // namespace tidewire
