// Revisions that were taken in but are not on the disk yet: queries on the table `pending`.

#pragma once

#include "agent/state/Index.h"
#include "shared/db/Statement.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tidewire {

/// A path has a pending revision, and sometimes one behind it.
enum class PendingPlace : std::uint8_t
{
    First = 0,
    Follows = 1,
};

/// See Index for what the methods promise.
class PendingTable
{
public:
    explicit PendingTable(Database& database);

    void put(ShareId share, const Index::Pending& pending, PendingPlace place);
    void remove(ShareId share, const RelativePath& path);
    [[nodiscard]] std::optional<Index::Pending>
    get(ShareId share, const RelativePath& path, PendingPlace place);
    [[nodiscard]] std::vector<Index::Pending>
    after(ShareId share, const Index::PendingPosition& after, std::size_t limit);
    [[nodiscard]] bool hasIn(ShareId share, const RelativePath& folder);

private:
    Statement _put;
    Statement _remove;
    Statement _get;
    Statement _after;
    Statement _hasIn;
};

} // namespace tidewire
