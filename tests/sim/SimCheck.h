// What must hold when a simulation has come to rest.

#pragma once

#include "relay/store/Store.h"
#include "shared/fs/FileSystem.h"

#include <string>
#include <string_view>

namespace tidewire {

class SimWorld;
class ContentLedger;

/// One line per entry, sorted: kind, mode, mtime of files, path and the start of the content, its size and a digest of
/// it. Equal trees give equal texts.
[[nodiscard]] std::string treeText(FileSystem& files);

/// The same for the temporaries.
[[nodiscard]] std::string privateText(FileSystem& files);

/// One line per live head of the journal: kind, mode, mtime of files, path, size.
[[nodiscard]] std::string headsText(const Store& store);

/// All trees are equal, the relay's heads say the same, no agent has anything left to do or left behind, and another
/// look at everything makes nobody write or send. Throws SimFailure.
void checkRest(SimWorld& world);

/// Every content of the ledger that nobody replaced or removed is somewhere in every tree, and every file holds a content of the ledger, whole. Throws SimFailure.
void checkNothingLost(SimWorld& world, const ContentLedger& ledger);

} // namespace tidewire
