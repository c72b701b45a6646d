// The agent's index: one database, four groups of tables.

#include "agent/state/Index.h"

#include "agent/state/EntryTable.h"
#include "agent/state/IndexRows.h"
#include "agent/state/IndexSchema.h"
#include "agent/state/PendingTable.h"
#include "agent/state/SentTable.h"
#include "agent/state/SignatureTable.h"
#include "shared/db/Database.h"
#include "shared/db/Migrations.h"

namespace tidewire {

namespace {

/// A database whose tables are there, for the members that prepare statements.
class IndexDatabase: public Database
{
public:
    explicit IndexDatabase(const std::string& path): Database(path)
    {
        migrate(*this, indexSchema());
    }
};

} // namespace

class Index::Impl
{
public:
    explicit Impl(const std::string& path):
        database(path),
        entries(database),
        signatures(database),
        pendings(database),
        sents(database),
        findShare(
            database,
            "SELECT id, marker, incarnation, cursor, tag, ignore_rules, durable, boot FROM share"
            " WHERE name = ?"),
        addShare(database,
                 "INSERT INTO share(name, marker, incarnation, cursor, tag, ignore_rules,"
                 " durable, boot) VALUES(?, x'', x'', 0, 0, x'', 0, x'')"),
        updateShare(database,
                    "UPDATE share SET marker = ?2, incarnation = ?3, cursor = ?4,"
                    " tag = ?5, ignore_rules = ?6, durable = ?7, boot = ?8 WHERE id = ?1"),
        putApplying(database, "INSERT OR REPLACE INTO applying(share, marks) VALUES(?, ?)"),
        removeApplying(database, "DELETE FROM applying WHERE share = ?"),
        findApplying(database, "SELECT marks FROM applying WHERE share = ?")
    {
    }

    /// Runs `work` as a whole or not at all: in the open transaction, or in one of its own.
    template <typename Work>
    void atomically(const Work& work)
    {
        if (database.inTransaction())
        {
            work();
            return;
        }
        Transaction transaction(database);
        work();
        transaction.commit();
    }

    IndexDatabase database;
    EntryTable entries;
    SignatureTable signatures;
    PendingTable pendings;
    SentTable sents;
    Statement findShare;
    Statement addShare;
    Statement updateShare;
    Statement putApplying;
    Statement removeApplying;
    Statement findApplying;
};

Index::Index(const std::string& path): _impl(std::make_unique<Impl>(path)) {}

Index::~Index() = default;

void Index::begin()
{
    _impl->database.begin();
}

void Index::commit()
{
    _impl->database.commit();
}

void Index::rollback()
{
    _impl->database.rollback();
}

bool Index::inTransaction() const
{
    return _impl->database.inTransaction();
}

void Index::releaseMemory()
{
    _impl->database.releaseMemory();
}

std::uint64_t Index::rowsWritten() const
{
    return _impl->database.totalChanges();
}

ShareRecord Index::share(const std::string& name)
{
    for (int attempt = 0;; ++attempt)
    {
        {
            Query query(_impl->findShare, asBytes(name));
            if (query.next())
            {
                return {query.u32(0),
                        name,
                        readPacked<16>(query, 1),
                        readPacked<16>(query, 2),
                        query.u64(3),
                        query.u64(4),
                        {readPacked<32>(query, 5)},
                        query.u64(6),
                        std::string(query.text(7))};
            }
        }
        Query(_impl->addShare, asBytes(name)).run();
    }
}

void Index::putShare(const ShareRecord& record)
{
    Query(_impl->updateShare,
          record.id,
          packed(record.marker),
          packed(record.incarnation),
          record.cursor,
          record.tag,
          packed(record.ignoreRules.bytes),
          record.durable,
          asBytes(record.boot))
        .run();
}

std::optional<IndexEntry> Index::get(ShareId share, const RelativePath& path)
{
    return _impl->entries.get(share, path);
}

void Index::put(ShareId share, const IndexEntry& entry)
{
    _impl->atomically([&] {
        _impl->entries.put(share, entry);
        if (entry.entry.kind != EntryKind::File)
        {
            _impl->signatures.drop(share, entry.path);
        }
    });
}

void Index::put(ShareId share, const IndexEntry& entry, const Signature& signature)
{
    _impl->atomically([&] {
        const SignatureReference reference = _impl->signatures.reserve(signature);
        if (_impl->entries.add(share, entry, reference))
        {
            _impl->signatures.write(reference, signature);
            return;
        }
        _impl->entries.put(share, entry);
        _impl->signatures.put(share, entry.path, signature);
    });
}

void Index::remove(ShareId share, const RelativePath& path)
{
    _impl->atomically([&] {
        _impl->signatures.drop(share, path);
        _impl->entries.remove(share, path);
    });
}

std::vector<IndexEntry> Index::children(ShareId share,
                                        const RelativePath& folder,
                                        std::string_view after,
                                        std::size_t limit)
{
    return _impl->entries.children(share, folder, after, limit);
}

bool Index::hasChildren(ShareId share, const RelativePath& folder)
{
    return _impl->entries.hasChildren(share, folder);
}

std::vector<IndexEntry> Index::subtree(ShareId share,
                                       const RelativePath& folder,
                                       const RelativePath& after,
                                       std::size_t limit)
{
    return _impl->entries.subtree(share, folder, after, limit);
}

std::vector<IndexEntry>
Index::withContent(ShareId share, std::uint64_t size, const Hash& hash, std::size_t limit)
{
    return _impl->entries.withContent(share, size, hash, limit);
}

bool Index::hasFileOfSize(ShareId share, std::uint64_t size)
{
    return _impl->entries.hasFileOfSize(share, size);
}

std::vector<IndexEntry> Index::withInode(ShareId share, std::uint64_t inode, std::size_t limit)
{
    return _impl->entries.withInode(share, inode, limit);
}

std::optional<IndexEntry> Index::withSeq(ShareId share, Seq seq)
{
    return _impl->entries.withSeq(share, seq);
}

std::vector<IndexEntry> Index::withSeqAfter(ShareId share, Seq seq, std::size_t limit)
{
    return _impl->entries.withSeqAfter(share, seq, limit);
}

void Index::forgetRevisions(ShareId share)
{
    _impl->entries.forgetRevisions(share);
}

void Index::putSignature(ShareId share, const RelativePath& path, const Signature& signature)
{
    _impl->atomically([&] { _impl->signatures.put(share, path, signature); });
}

void Index::appendSignature(ShareId share,
                            const RelativePath& path,
                            std::uint64_t newSize,
                            const AppendedContent& appended)
{
    _impl->atomically([&] { _impl->signatures.append(share, path, newSize, appended); });
}

std::optional<Signature> Index::signature(ShareId share, const RelativePath& path)
{
    return _impl->signatures.get(share, path);
}

std::optional<AppendBase>
Index::appendBase(ShareId share, const RelativePath& path, std::size_t samples)
{
    return _impl->signatures.appendBase(share, path, samples);
}

void Index::moveSignature(ShareId share, const RelativePath& from, const RelativePath& to)
{
    _impl->atomically([&] { _impl->signatures.move(share, from, to); });
}

void Index::copySignature(ShareId share, const RelativePath& from, const RelativePath& to)
{
    _impl->atomically([&] { _impl->signatures.copy(share, from, to); });
}

void Index::putPending(ShareId share, const Pending& pending)
{
    _impl->pendings.put(share, pending, PendingPlace::First);
}

void Index::removePending(ShareId share, const RelativePath& path)
{
    _impl->pendings.remove(share, path);
}

std::int64_t Index::addSent(ShareId share, ByteView fingerprints)
{
    return _impl->sents.add(share, fingerprints);
}

void Index::removeSent(std::int64_t batch)
{
    _impl->sents.remove(batch);
}

std::vector<Bytes> Index::sent(ShareId share)
{
    return _impl->sents.all(share);
}

void Index::ageSent(ShareId share, unsigned limit)
{
    _impl->sents.age(share, limit);
}

void Index::putApplying(ShareId share, ByteView marks)
{
    if (marks.empty())
    {
        Query(_impl->removeApplying, share).run();
    }
    else
    {
        Query(_impl->putApplying, share, marks).run();
    }
}

Bytes Index::applying(ShareId share)
{
    Query query(_impl->findApplying, share);
    if (!query.next())
    {
        return {};
    }
    const ByteView marks = query.blob(0);
    return {marks.begin(), marks.end()};
}

std::optional<Index::Pending> Index::pending(ShareId share, const RelativePath& path)
{
    return _impl->pendings.get(share, path, PendingPlace::First);
}

void Index::putFollowing(ShareId share, const Pending& pending)
{
    _impl->pendings.put(share, pending, PendingPlace::Follows);
}

std::optional<Index::Pending> Index::following(ShareId share, const RelativePath& path)
{
    return _impl->pendings.get(share, path, PendingPlace::Follows);
}

std::vector<Index::Pending>
Index::pendingAfter(ShareId share, const PendingPosition& after, std::size_t limit)
{
    return _impl->pendings.after(share, after, limit);
}

bool Index::hasPendingIn(ShareId share, const RelativePath& folder)
{
    return _impl->pendings.hasIn(share, folder);
}

void Index::markListed(ShareId share, const RelativePath& path)
{
    _impl->entries.markListed(share, path);
}

std::vector<IndexEntry> Index::unlisted(ShareId share, const RelativePath& after, std::size_t limit)
{
    return _impl->entries.unlisted(share, after, limit);
}

void Index::clearListed(ShareId share)
{
    _impl->entries.clearListed(share);
}

void Index::forgetShare(ShareRecord& record)
{
    constexpr std::size_t kPage = 256;
    std::vector<IndexEntry> entries;
    do
    {
        entries = subtree(record.id, RelativePath(), RelativePath(), kPage);
        for (const IndexEntry& entry : entries)
        {
            remove(record.id, entry.path);
        }
    } while (entries.size() == kPage);
    std::vector<Pending> revisions;
    do
    {
        revisions = pendingAfter(record.id, {}, kPage);
        for (const Pending& pending : revisions)
        {
            removePending(record.id, pending.revision.path);
        }
    } while (revisions.size() == kPage);
    putApplying(record.id, {});
    record.cursor = 0;
    record.tag = 0;
    record.durable = 0;
    record.incarnation = {};
}

} // namespace tidewire
