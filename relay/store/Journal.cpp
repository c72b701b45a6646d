#include "relay/store/Journal.h"

#include "shared/base/Errors.h"
#include "shared/delta/Recipe.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace tidewire {

namespace {

constexpr const char* kRevisionColumns = "r.seq, e.folder, e.name, r.kind, r.mode, r.mtime, "
                                         "r.mtimeNs, r.size, r.hash, r.target, r.agent ";

std::string select(const char* rest)
{
    return std::string("SELECT ") + kRevisionColumns + rest;
}

std::uint64_t randomTag()
{
    std::uint64_t tag = 0;
    if (::getentropy(&tag, sizeof tag) != 0)
    {
        throwErrno("getentropy", "journal");
    }
    return tag;
}

ByteView hashBytes(const Entry& entry)
{
    return entry.kind == EntryKind::File ? ByteView(entry.hash.bytes) : ByteView();
}

Entry readEntry(const Query& query)
{
    Entry entry;
    const std::uint32_t kind = query.u32(3);
    const ByteView hash = query.blob(8);
    const bool isFile = kind == static_cast<std::uint32_t>(EntryKind::File);
    if (kind > static_cast<std::uint32_t>(EntryKind::Symlink) ||
        hash.size() != (isFile ? entry.hash.bytes.size() : 0))
    {
        query.corrupt("a revision has a wrong kind or hash");
    }
    entry.kind = static_cast<EntryKind>(kind);
    entry.mode = query.u32(4);
    entry.mtime = FileTime{query.i64(5), query.u32(6)};
    entry.size = query.u64(7);
    std::copy(hash.begin(), hash.end(), entry.hash.bytes.begin());
    entry.target = query.text(9);
    return entry;
}

} // namespace

Journal::Journal(Database& database):
    _head(
        database,
        select("FROM entry e JOIN revision r ON r.seq = e.head WHERE e.folder = ? AND e.name = ?")),
    _headsAfter(database,
                select("FROM entry e INDEXED BY entryHead JOIN revision r ON r.seq = e.head "
                       "WHERE e.head > ? ORDER BY e.head LIMIT ?")),
    _liveHeadsAfter(database,
                    select("FROM entry e INDEXED BY entryHead JOIN revision r ON r.seq = e.head "
                           "WHERE e.head > ? AND e.live = 1 ORDER BY e.head LIMIT ?")),
    _tag(database, "SELECT tag FROM revision WHERE seq = ?"),
    _recipe(database, "SELECT kind, recipe FROM revision WHERE seq = ?"),
    _entryId(database, "SELECT id, head FROM entry WHERE folder = ? AND name = ?"),
    _addEntry(database,
              "INSERT INTO entry(folder, name, head, live) VALUES(?, ?, NULL, 0) RETURNING id"),
    _add(database, "INSERT INTO revision VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)"),
    _repeated(database,
              "SELECT seq FROM revision r WHERE entry = ? AND seq > ? AND base = ? AND agent = ? "
              "AND kind = ? AND mode = ? AND mtime = ? AND mtimeNs = ? AND size = ? AND hash = ? "
              "AND target = ? AND NOT EXISTS (SELECT 1 FROM revision later WHERE "
              "later.entry = r.entry AND later.seq > r.seq AND later.agent = r.agent AND "
              "later.kind = 0) ORDER BY seq DESC LIMIT 1"),
    _children(database, "SELECT name FROM entry WHERE folder = ? AND live = 1"),
    _setHead(database, "UPDATE entry SET head = ?, live = ? WHERE id = ?"),
    _setUntil(database, "UPDATE revision SET until = ? WHERE seq = ?"),
    _setState(database, "UPDATE share SET head = ?, tag = ?, floor = ?")
{
    Statement select(database, "SELECT incarnation, head, tag, floor FROM share");
    Query query(select);
    if (!query.next() || query.blob(0).size() != _committed.incarnation.size() ||
        query.i64(1) < 0 || query.i64(3) < 0)
    {
        query.corrupt("the share's state is missing or wrong");
    }
    std::ranges::copy(query.blob(0), _committed.incarnation.begin());
    _committed.head = query.u64(1);
    _committed.tag = query.u64(2);
    _committed.floor = query.u64(3);
    _state = _committed;
}

Revision Journal::readRevision(const Query& query) const
{
    std::string text(query.text(1));
    if (!text.empty())
    {
        text += '/';
    }
    text += query.text(2);
    std::optional<RelativePath> path = RelativePath::parse(text);
    if (!path)
    {
        query.corrupt("a path breaks the rules");
    }
    return Revision{query.u64(0), std::move(*path), readEntry(query), std::string(query.text(10))};
}

Recipe Journal::decodeRecipe(const Query& query, int column)
{
    ByteReader reader(query.blob(column));
    Recipe recipe = decodeOps(reader);
    if (!reader.ok() || !reader.atEnd())
    {
        query.corrupt("a recipe is damaged");
    }
    return recipe;
}

std::optional<Revision> Journal::head(const RelativePath& path)
{
    Query query(_head, asBytes(path.folder()), asBytes(path.name()));
    return query.next() ? std::optional(readRevision(query)) : std::nullopt;
}

std::vector<Revision> Journal::headsAfter(Seq after, std::size_t limit, bool liveOnly)
{
    std::vector<Revision> heads;
    if (after >= _committed.head)
    {
        return heads;
    }
    Query query(liveOnly ? _liveHeadsAfter : _headsAfter, after, limit);
    while (query.next())
    {
        heads.push_back(readRevision(query));
    }
    return heads;
}

std::optional<std::uint64_t> Journal::tagOf(Seq seq)
{
    if (seq == 0 || seq > _committed.head)
    {
        return std::nullopt;
    }
    Query query(_tag, seq);
    return query.next() ? std::optional(query.u64(0)) : std::nullopt;
}

std::optional<Recipe> Journal::recipe(Seq seq)
{
    return seq > _committed.head ? std::nullopt : newestRecipe(seq);
}

std::optional<Recipe> Journal::newestRecipe(Seq seq)
{
    Query query(_recipe, seq);
    if (!query.next() || query.u32(0) != static_cast<std::uint32_t>(EntryKind::File))
    {
        return std::nullopt;
    }
    return decodeRecipe(query, 1);
}

std::optional<Revision> Journal::newest(const RelativePath& path)
{
    const auto pending = _pending.find(path);
    return pending != _pending.end() ? std::optional(pending->second.revision) : head(path);
}

bool Journal::isLiveFolder(const RelativePath& path)
{
    const std::optional<Revision> revision = newest(path);
    return revision && revision->entry.kind == EntryKind::Directory;
}

bool Journal::hasLiveChildren(const RelativePath& folder)
{
    // The least name there is: the entries of a folder stand together, sorted by name.
    const auto least = RelativePath::join(folder, "\x01");
    if (!least)
    {
        return false;
    }
    for (auto item = _pending.lower_bound(*least);
         item != _pending.end() && item->first.folder() == folder.text();
         ++item)
    {
        if (item->second.revision.entry.kind != EntryKind::Tombstone)
        {
            return true;
        }
    }
    Query query(_children, asBytes(folder.text()));
    while (query.next())
    {
        const auto child = RelativePath::join(folder, query.text(0));
        if (!child || !_pending.contains(*child))
        {
            return true;
        }
    }
    return false;
}

std::int64_t Journal::entryIdOf(const RelativePath& path, Seq& committedHead)
{
    Query query(_entryId, asBytes(path.folder()), asBytes(path.name()));
    if (!query.next())
    {
        return 0;
    }
    committedHead = query.u64(1);
    return query.i64(0);
}

Seq Journal::findRepeated(const NewRevision& revision, Seq seen)
{
    Seq unused = 0;
    const std::int64_t entryId = entryIdOf(revision.path, unused);
    if (entryId == 0 || seen >= _state.head)
    {
        return 0;
    }
    const Entry& entry = revision.entry;
    Query query(_repeated,
                entryId,
                seen,
                revision.base,
                std::string_view(revision.agent),
                static_cast<std::uint32_t>(entry.kind),
                entry.mode,
                entry.mtime.seconds,
                entry.mtime.nanoseconds,
                entry.size,
                hashBytes(entry),
                asBytes(entry.target));
    return query.next() ? query.u64(0) : 0;
}

Journal::Added Journal::append(const NewRevision& revision, const Recipe& recipe)
{
    auto pending = _pending.find(revision.path);
    Pending next;
    if (pending != _pending.end())
    {
        next = pending->second;
        Query(_setUntil, revision.wallSeconds, next.revision.seq).run();
    }
    else
    {
        next.entryId = entryIdOf(revision.path, next.replaced);
    }
    if (next.entryId == 0)
    {
        Query query(_addEntry, asBytes(revision.path.folder()), asBytes(revision.path.name()));
        next.entryId = query.next() ? query.i64(0) : 0;
    }
    const Added added{_state.head + 1, randomTag()};
    const Entry& entry = revision.entry;
    Bytes encoded;
    ByteWriter writer(encoded);
    if (entry.kind == EntryKind::File)
    {
        encodeOps(writer, recipe);
    }
    Query(_add,
          added.seq,
          next.entryId,
          static_cast<std::uint32_t>(entry.kind),
          entry.mode,
          entry.mtime.seconds,
          entry.mtime.nanoseconds,
          entry.size,
          hashBytes(entry),
          asBytes(entry.target),
          std::string_view(revision.agent),
          revision.base,
          added.tag,
          revision.wallSeconds,
          ByteView(encoded))
        .run();
    next.wallSeconds = revision.wallSeconds;
    next.revision = Revision{added.seq, revision.path, entry, revision.agent};
    _pending.insert_or_assign(revision.path, std::move(next));
    _state.head = added.seq;
    _state.tag = added.tag;
    return added;
}

void Journal::raiseFloor(Seq seq)
{
    _state.floor = std::max(_state.floor, seq);
}

void Journal::settle()
{
    for (const auto& [path, pending] : _pending)
    {
        const Revision& revision = pending.revision;
        if (pending.replaced != 0)
        {
            Query(_setUntil, pending.wallSeconds, pending.replaced).run();
        }
        const bool live = revision.entry.kind != EntryKind::Tombstone;
        Query(_setHead, revision.seq, live ? 1 : 0, pending.entryId).run();
    }
    if (_state.head != _committed.head || _state.floor != _committed.floor)
    {
        Query(_setState, _state.head, _state.tag, _state.floor).run();
    }
}

void Journal::keep()
{
    _committed = _state;
    _pending.clear();
}

void Journal::forget()
{
    _state = _committed;
    _pending.clear();
}

} // namespace tidewire
