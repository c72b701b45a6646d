// Brings the tables of a database file to the form that this program knows.

#pragma once

#include "shared/db/Database.h"

#include <span>

namespace tidewire {

/// Runs the steps that the file has not seen. Step i (from 0) brings it to version i + 1, which is
/// kept in PRAGMA user_version; each step is one transaction, so a power cut leaves a whole
/// version.
///
/// Steps are SQL; they are never changed or removed once released, only added at the end.
///
/// Errors: Error, not CorruptError, for a file of a newer version: it is sound and must not be set
/// aside. CorruptError when the version is no number of ours, or a step does not fit the tables.
void migrate(Database& database, std::span<const char* const> steps);

} // namespace tidewire
