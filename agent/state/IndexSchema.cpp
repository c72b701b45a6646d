// The tables of the agent's index, as SQL.

#include "agent/state/IndexSchema.h"

#include <array>

namespace tidewire {

namespace {

// BLOBs are compared as bytes, which is the order of RelativePath; paths are BLOBs since names need
// not be UTF-8. An empty hash stands for zeros.
//
// Every secondary index of `entry` costs one or two pages of the SD card for each change of its
// columns, so there are three, and each holds only the rows that its query can ask for. The content
// index takes 8 bytes of the hash: enough to tell contents apart, a quarter of the room.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE share(
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE,
    marker BLOB NOT NULL,            -- id in the marker file; empty: none made yet
    incarnation BLOB NOT NULL,       -- of the relay's store; empty: never connected
    cursor INTEGER NOT NULL,
    tag INTEGER NOT NULL,            -- of the revision `cursor`
    ignore_rules BLOB NOT NULL,      -- fingerprint of the rules that were in force
    durable INTEGER NOT NULL,        -- entries with a greater seq may not have reached the medium
    boot BLOB NOT NULL               -- of the system when the share was last open
);

CREATE TABLE entry(
    share INTEGER NOT NULL,
    folder BLOB NOT NULL,            -- path of the folder; empty: the root
    name BLOB NOT NULL,
    seq INTEGER NOT NULL,            -- revision; 0: not known to the relay
    kind INTEGER NOT NULL,           -- EntryKind
    mode INTEGER NOT NULL,
    mtime_s INTEGER NOT NULL,        -- of the revision
    mtime_ns INTEGER NOT NULL,
    size INTEGER NOT NULL,
    hash BLOB NOT NULL,
    target BLOB NOT NULL,
    inode INTEGER NOT NULL,          -- from here on: as last seen on the local disk
    local_size INTEGER NOT NULL,
    local_mtime_s INTEGER NOT NULL,
    local_mtime_ns INTEGER NOT NULL,
    ctime_s INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    sig INTEGER,                     -- NULL: no signature; 0: one without parts; see signature_part
    sig_size INTEGER,
    sig_block_bytes INTEGER,
    sig_blocks INTEGER,
    sig_leaves INTEGER,
    PRIMARY KEY(share, folder, name)
) WITHOUT ROWID;

CREATE INDEX entry_seq ON entry(share, seq) WHERE seq <> 0;
CREATE INDEX entry_inode ON entry(share, inode) WHERE inode <> 0;
CREATE INDEX entry_content ON entry(share, size, substr(hash, 1, 8)) WHERE kind = 1;

-- id = entry.sig * 2048 + number of the part: 0..1023 blocks, 1024..2047 leaf hashes.
-- So a signature is moved by moving a number.
CREATE TABLE signature_part(
    id INTEGER PRIMARY KEY,
    data BLOB NOT NULL               -- blocks: weak u32 LE, strong u64 LE; leaves: 32 bytes each
);

CREATE TABLE pending(
    share INTEGER NOT NULL,
    folder BLOB NOT NULL,
    name BLOB NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    mode INTEGER NOT NULL,
    mtime_s INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    size INTEGER NOT NULL,
    hash BLOB NOT NULL,
    target BLOB NOT NULL,
    agent BLOB NOT NULL,
    failures INTEGER NOT NULL,
    follows INTEGER NOT NULL,        -- 1: comes after the other one of the path
    PRIMARY KEY(share, folder, name, follows)
) WITHOUT ROWID;

CREATE INDEX pending_seq ON pending(share, seq, folder, name) WHERE follows = 0;

-- Proposals that were sent and not answered, one row a message.
CREATE TABLE sent(
    id INTEGER PRIMARY KEY,
    share INTEGER NOT NULL,
    age INTEGER NOT NULL,            -- connections since
    fingerprints BLOB NOT NULL       -- u64 each, of path and entry
);

-- The batch that is on its way to the disk.
CREATE TABLE applying(
    share INTEGER PRIMARY KEY,
    marks BLOB NOT NULL              -- u64 each: fingerprints of path and entry, seq
);

-- Paths that a list of heads named. Not a column of `entry`: a path may be listed before it is put.
CREATE TABLE listed(
    share INTEGER NOT NULL,
    folder BLOB NOT NULL,
    name BLOB NOT NULL,
    PRIMARY KEY(share, folder, name)
) WITHOUT ROWID;
)sql";

constexpr std::array<const char*, 1> kSteps{kVersion1};

} // namespace

std::span<const char* const> indexSchema()
{
    return kSteps;
}

} // namespace tidewire
