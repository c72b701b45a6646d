// Drops what has been out of date for long: old revisions, tombstones and uploads.

#pragma once

#include "relay/store/FramePool.h"
#include "relay/store/Journal.h"
#include "relay/store/StoreOptions.h"
#include "relay/store/Uploads.h"

#include <cstdint>

namespace tidewire {

/// One step at a time; each drops at most a few hundred rows. A head that is no tombstone is never
/// dropped.
///
/// A revision's age counts from the moment a newer one took its place. Times from before a clock
/// was set (boards without a clock chip wake up in 1970) are taken for the present.
///
/// Thread:  one at a time.
/// Errors:  StorageError, CorruptError.
class Retention
{
public:
    Retention(Database& database,
              Journal& journal,
              FramePool& pool,
              Uploads& uploads,
              const StoreOptions& options);

    /// Needs an open transaction. False when there was nothing to do.
    bool step(std::int64_t nowSeconds);

private:
    [[nodiscard]] bool adoptTimes(std::int64_t nowSeconds);
    [[nodiscard]] bool dropRevisions(std::int64_t nowSeconds);
    [[nodiscard]] bool dropTombstones(std::int64_t nowSeconds);

    Database& _database;
    Journal& _journal;
    FramePool& _pool;
    Uploads& _uploads;
    const StoreOptions _options;

    Statement _adoptUntil;
    Statement _adoptTombstones;
    Statement _adoptUploads;
    Statement _dropRevisions;
    Statement _oldTombstones;
    Statement _dropRevision;
    Statement _dropEntry;
};

} // namespace tidewire
