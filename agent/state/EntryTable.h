// The entries of the index: queries on the table `entry`.

#pragma once

#include "agent/state/Index.h"
#include "agent/state/SignatureTable.h"
#include "shared/db/Statement.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tidewire {

/// See Index for what the methods promise.
class EntryTable
{
public:
    explicit EntryTable(Database& database);

    [[nodiscard]] std::optional<IndexEntry> get(ShareId share, const RelativePath& path);
    void put(ShareId share, const IndexEntry& entry);

    /// Puts an entry that is not there yet, with what its row says of the signature; false when it is there: nothing was done.
    bool add(ShareId share, const IndexEntry& entry, const SignatureReference& signature);

    void remove(ShareId share, const RelativePath& path);

    [[nodiscard]] std::vector<IndexEntry>
    children(ShareId share, const RelativePath& folder, std::string_view after, std::size_t limit);
    [[nodiscard]] bool hasChildren(ShareId share, const RelativePath& folder);
    [[nodiscard]] std::vector<IndexEntry> subtree(ShareId share,
                                                  const RelativePath& folder,
                                                  const RelativePath& after,
                                                  std::size_t limit);
    [[nodiscard]] std::vector<IndexEntry>
    withContent(ShareId share, std::uint64_t size, const Hash& hash, std::size_t limit);
    [[nodiscard]] bool hasFileOfSize(ShareId share, std::uint64_t size);
    [[nodiscard]] std::vector<IndexEntry>
    withInode(ShareId share, std::uint64_t inode, std::size_t limit);
    [[nodiscard]] std::optional<IndexEntry> withSeq(ShareId share, Seq seq);
    [[nodiscard]] std::vector<IndexEntry> withSeqAfter(ShareId share, Seq seq, std::size_t limit);
    void forgetRevisions(ShareId share);

    void markListed(ShareId share, const RelativePath& path);
    [[nodiscard]] std::vector<IndexEntry>
    unlisted(ShareId share, const RelativePath& after, std::size_t limit);
    void clearListed(ShareId share);

private:
    template <typename... Signature>
    bool insert(ShareId share, const IndexEntry& row, const Signature&... signature);
    void update(ShareId share, const IndexEntry& before, const IndexEntry& after);

    Database& _database;
    Statement _get;
    Statement _insert;
    Statement _updateRest;
    Statement _updateSeq;
    Statement _updateInode;
    Statement _updateContent;
    Statement _remove;
    Statement _children;
    Statement _hasChildren;
    Statement _range;
    Statement _withContent;
    Statement _hasFileOfSize;
    Statement _withInode;
    Statement _withSeq;
    Statement _withSeqAfter;
    Statement _forgetRevisions;
    Statement _markListed;
    Statement _unlisted;
    Statement _clearListed;
};

} // namespace tidewire
