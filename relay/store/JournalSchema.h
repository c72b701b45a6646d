// The tables of a share's journal.db.

#pragma once

#include "shared/db/Database.h"

namespace tidewire {

/// Opens or makes the tables. Errors: as Database and migrate().
void openJournalSchema(Database& database);

} // namespace tidewire
