// `.tidewire/` in the root of a share: the marker, and the place for files that are not finished.

#pragma once

#include "shared/fs/FileSystem.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidewire {

/// Random id that the index and the marker file have in common.
using MarkerId = std::array<std::uint8_t, 16>;

/// What the marker says about a share's folder.
struct Marker
{
    std::string share;
    MarkerId id{};
};

/// The private folder of one share.
///
/// Errors: StorageError.
class PrivateFolder
{
public:
    explicit PrivateFolder(FileSystem& files): _files(files) {}

    /// The marker; nothing when there is none. CorruptError when it cannot be understood.
    [[nodiscard]] std::optional<Marker> readMarker() const;

    /// Makes the private folder and the marker, durably.
    void writeMarker(const Marker& marker);

    /// Makes `tmp/` when it is missing; removes from it what is left of an interrupted writeMarker().
    void prepare();

    /// Makes the private folder when it is missing, and takes it for this share until the File is closed; null where the filesystem
    /// has no locks, or is read-only. Error when another agent, or another share of this one, has it.
    [[nodiscard]] std::unique_ptr<File> lock();

    /// Path of a temporary of that name.
    [[nodiscard]] static RelativePath temporary(std::string_view name);

    /// Where the content of a revision is made.
    [[nodiscard]] static RelativePath partial(std::uint64_t seq);

    /// Names in `tmp/`.
    [[nodiscard]] std::vector<std::string> temporaries() const;

private:
    FileSystem& _files;
};

/// Prefixes of names in `tmp/`; they tell a restarted agent what it finds there.
inline constexpr std::string_view kPartialPrefix = "get-"; ///< a content that is being made
inline constexpr std::string_view kPlacedPrefix =
    "put-";                                            ///< is being exchanged: may be either side's
inline constexpr std::string_view kOldPrefix = "old-"; ///< what a new version took the place of

} // namespace tidewire
