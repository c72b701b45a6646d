#include "relay/store/JournalSchema.h"

#include "shared/base/Errors.h"
#include "shared/db/Migrations.h"
#include "shared/db/Statement.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace tidewire {

namespace {

// entry      one row per path that has a revision. head is its newest committed revision, NULL
//            while its first one is uncommitted; live is 0 when the head is a tombstone.
// revision   until is the wall time when a newer one took its place, NULL while there is none.
//            recipe is encodeOps(), empty for other kinds than files; it stands last so that the
//            other columns are read without it.
// fragmented heads whose recipe has many small pieces.
// segment    size counts the durable bytes; whatever stands behind them is cut at the next start.
// frame      offset is that of the record's header (SegmentFormat.h).
// pool       garbage counts the events after which frames may be without a reader.
constexpr const char* kVersion1 = R"(
CREATE TABLE share(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    incarnation BLOB NOT NULL,
    head INTEGER NOT NULL,
    tag INTEGER NOT NULL,
    floor INTEGER NOT NULL);
CREATE TABLE entry(
    id INTEGER PRIMARY KEY,
    folder BLOB NOT NULL,
    name BLOB NOT NULL,
    head INTEGER,
    live INTEGER NOT NULL);
CREATE UNIQUE INDEX entryPath ON entry(folder, name);
CREATE UNIQUE INDEX entryHead ON entry(head, live);
CREATE INDEX entryLive ON entry(folder) WHERE live = 1;
CREATE TABLE revision(
    seq INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    mode INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    mtimeNs INTEGER NOT NULL,
    size INTEGER NOT NULL,
    hash BLOB NOT NULL,
    target BLOB NOT NULL,
    agent TEXT NOT NULL,
    base INTEGER NOT NULL,
    tag INTEGER NOT NULL,
    time INTEGER NOT NULL,
    until INTEGER,
    recipe BLOB NOT NULL);
CREATE INDEX revisionEntry ON revision(entry, seq, base);
CREATE INDEX revisionUntil ON revision(until) WHERE until IS NOT NULL;
CREATE INDEX revisionTombstone ON revision(time) WHERE kind = 0 AND until IS NULL;
CREATE TABLE fragmented(seq INTEGER PRIMARY KEY);
CREATE TABLE pool(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    nextFrame INTEGER NOT NULL,
    garbage INTEGER NOT NULL);
CREATE TABLE segment(
    number INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    size INTEGER NOT NULL,
    written INTEGER NOT NULL);
CREATE TABLE frame(
    id INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    raw INTEGER NOT NULL,
    checksum INTEGER NOT NULL);
CREATE INDEX frameSegment ON frame(segment);
CREATE TABLE upload(
    agent TEXT NOT NULL,
    token BLOB NOT NULL,
    first INTEGER NOT NULL,
    capacity INTEGER NOT NULL,
    touched INTEGER NOT NULL,
    PRIMARY KEY (agent, token)) WITHOUT ROWID;
INSERT INTO pool VALUES(1, 1, 0);
)";

constexpr std::array kSteps{kVersion1};

} // namespace

void openJournalSchema(Database& database)
{
    migrate(database, kSteps);
    std::array<std::uint8_t, 16> incarnation{};
    if (::getentropy(incarnation.data(), incarnation.size()) != 0)
    {
        throwErrno("getentropy", database.path());
    }
    Statement create(database, "INSERT OR IGNORE INTO share VALUES(1, ?, 0, 0, 0)");
    Query(create, ByteView(incarnation)).run();
    // The marks of a large share must not stand in memory: see Collector.
    database.exec("PRAGMA temp_store = FILE;"
                  "CREATE TEMP TABLE mark(id INTEGER PRIMARY KEY)");
}

} // namespace tidewire
