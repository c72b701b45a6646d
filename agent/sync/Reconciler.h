// What to do when the relay tells a revision of a path: a pure table.

#pragma once

#include "shared/fs/FileSystem.h"
#include "shared/model/Entry.h"

#include <cstdint>

namespace tidewire {

/// What is known of the local side of a path.
struct LocalView
{
    bool present = false; ///< there is an entry on the disk
    FileKind kind = FileKind::Other;
    bool indexed = false; ///< the index has an entry that came from, or was accepted by, the relay
    bool clean = false;   ///< the disk holds just what the index says
    bool equal = false;   ///< the disk's content is known to be that of the remote revision
};

/// See reconcile().
enum class Action : std::uint8_t
{
    Drop,              ///< both sides agree that there is nothing: forget the path
    Apply,             ///< make the disk as the revision says; nothing of the local side is lost
    ProposeFirst,      ///< a local change the relay has not judged yet: propose, the answer decides
    ApplyKeepingLocal, ///< remote keeps the name, what is on the disk becomes a conflict copy
    KeepAsNew,         ///< deleted there, changed here: it is proposed again as new
    DirectoryKeepsName, ///< a local directory against a remote file: the file becomes a conflict copy
};

/// Decides by the rules of docs/architecture.md, "When both sides changed".
///
/// `judged`: the local change cannot, or can no longer, become the next revision: the relay refused it, or this agent
/// only receives.
[[nodiscard]] Action reconcile(const LocalView& local, EntryKind remote, bool judged);

} // namespace tidewire
