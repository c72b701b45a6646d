// The revisions of a share: the order, the newest of each path, and the tree they form.

#pragma once

#include "relay/store/Store.h"
#include "shared/db/Statement.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidewire {

/// A revision that is to be added.
struct NewRevision
{
    const RelativePath& path;
    const Entry& entry;
    const std::string& agent;
    Seq base = 0;
    std::int64_t wallSeconds = 0;
};

/// Revisions over the tables `share`, `entry` and `revision`.
///
/// The heads of a batch are held in memory and written by settle(), so that the reading half keeps
/// showing what is committed although it uses the same connection.
///
/// Thread:  one at a time.
/// Errors:  StorageError, CorruptError.
/// Memory:  a Revision per path that the open batch has changed.
class Journal
{
public:
    explicit Journal(Database& database);

    // --- committed ---

    [[nodiscard]] const StoreState& state() const { return _committed; }
    [[nodiscard]] std::optional<Revision> head(const RelativePath& path);
    [[nodiscard]] std::vector<Revision> headsAfter(Seq after, std::size_t limit, bool liveOnly);
    [[nodiscard]] std::optional<std::uint64_t> tagOf(Seq seq);
    [[nodiscard]] std::optional<Recipe> recipe(Seq seq);

    // --- with the open batch ---

    [[nodiscard]] std::optional<Revision> newest(const RelativePath& path);
    [[nodiscard]] std::optional<Recipe> newestRecipe(Seq seq);
    [[nodiscard]] bool isLiveFolder(const RelativePath& path);
    [[nodiscard]] bool hasLiveChildren(const RelativePath& folder);

    /// The latest revision of `path` after `seen` that is the same proposal, see Proposal.h, rule
    /// 3; 0 when there is none.
    [[nodiscard]] Seq findRepeated(const NewRevision& revision, Seq seen);

    /// Adds a revision as the newest of its path; gives its seq and tag.
    struct Added
    {
        Seq seq = 0;
        std::uint64_t tag = 0;
    };
    Added append(const NewRevision& revision, const Recipe& recipe);

    /// Tombstones up to `seq` were dropped.
    void raiseFloor(Seq seq);

    /// Before the commit: writes the heads and the state.
    void settle();
    void keep();
    void forget();

    /// The recipe in a column, for the upkeep that reads the table itself. CorruptError when it is
    /// none.
    [[nodiscard]] static Recipe decodeRecipe(const Query& query, int column);

private:
    struct Pending
    {
        std::int64_t entryId = 0;
        Seq replaced = 0; // committed head; 0: none
        std::int64_t wallSeconds = 0;
        Revision revision;
    };

    [[nodiscard]] Revision readRevision(const Query& query) const;
    [[nodiscard]] std::int64_t entryIdOf(const RelativePath& path, Seq& committedHead);

    StoreState _committed;
    StoreState _state; // with the batch
    std::map<RelativePath, Pending> _pending;

    Statement _head;
    Statement _headsAfter;
    Statement _liveHeadsAfter;
    Statement _tag;
    Statement _recipe;
    Statement _entryId;
    Statement _addEntry;
    Statement _add;
    Statement _repeated;
    Statement _children;
    Statement _setHead;
    Statement _setUntil;
    Statement _setState;
};

} // namespace tidewire
