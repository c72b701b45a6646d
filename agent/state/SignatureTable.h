// The signatures of the index: cut into parts, so that a small change rewrites a small part.

#pragma once

#include "agent/state/Index.h"
#include "shared/db/Statement.h"

#include <cstdint>
#include <optional>
#include <span>

namespace tidewire {

/// What an entry's row says of its signature.
struct SignatureReference
{
    std::uint64_t number = 0;
    std::uint64_t size = 0;
    std::uint32_t blockBytes = 0;
    std::uint32_t blocks = 0;
    std::uint32_t leaves = 0;
    bool isNew = false; ///< has no parts yet
};

/// See Index for what the methods promise.
///
/// An entry's row says how large its signature is and under which number the parts are; an empty
/// signature has number 0 and no parts.
class SignatureTable
{
public:
    explicit SignatureTable(Database& database);

    void put(ShareId share, const RelativePath& path, const Signature& signature);

    /// What the row of a new entry is to say of the signature; write() follows once the row is there. A reference that is not used
    /// costs a number.
    [[nodiscard]] SignatureReference reserve(const Signature& signature);
    void write(const SignatureReference& reference, const Signature& signature);

    void append(ShareId share,
                const RelativePath& path,
                std::uint64_t newSize,
                const AppendedContent& appended);
    [[nodiscard]] std::optional<Signature> get(ShareId share, const RelativePath& path);
    [[nodiscard]] std::optional<AppendBase>
    appendBase(ShareId share, const RelativePath& path, std::size_t samples);
    void move(ShareId share, const RelativePath& from, const RelativePath& to);
    void copy(ShareId share, const RelativePath& from, const RelativePath& to);
    void drop(ShareId share, const RelativePath& path);

private:
    using Reference = SignatureReference;

    [[nodiscard]] std::optional<Reference> find(ShareId share, const RelativePath& path);
    void refer(ShareId share, const RelativePath& path, const Reference& reference);
    [[nodiscard]] std::uint64_t newNumber();

    /// Gives a number to a reference that is about to get parts, and takes it when none are left.
    void settleNumber(Reference& reference);

    /// Writes the parts from the one that holds `firstBlock` on, where they differ; what is before
    /// it in that part stays, parts behind the end go.
    void writeBlocks(const Reference& reference,
                     std::uint32_t firstBlock,
                     std::span<const BlockSum> blocks);
    void writeLeaves(const Reference& reference, std::span<const Hash> leaves);
    void writePart(const Reference& reference, std::int64_t id, ByteView data);
    void removeParts(std::int64_t first, std::int64_t last);
    void removeAll(std::uint64_t number);

    [[nodiscard]] Bytes readPart(std::int64_t id, std::size_t bytes);
    [[nodiscard]] std::vector<Hash> readLeaves(const Reference& reference);

    Statement _find;
    Statement _refer;
    Statement _unrefer;
    Statement _lastId;
    Statement _readPart;
    Statement _writePart;
    Statement _removeParts;
    std::string _path;             ///< of the database, for messages
    std::uint64_t _nextNumber = 0; ///< 0: not known yet
};

} // namespace tidewire
