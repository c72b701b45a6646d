// What an earlier run left in the private folder of a share.

#pragma once

#include "agent/sync/ShareContext.h"

namespace tidewire {

/// Removes what is known to exist elsewhere too, keeps contents under way for as long as they are awaited, and makes a
/// conflict copy of what may be somebody's only copy. Reads each file of an interrupted exchange once.
///
/// Thread: sync, before the share runs. Errors: StorageError.
void sweepTemporaries(ShareContext& share);

} // namespace tidewire
