#include "agent/sync/Reconciler.h"

namespace tidewire {

namespace {

Action whenAbsent(const LocalView& local, EntryKind remote, bool judged)
{
    if (remote == EntryKind::Tombstone)
    {
        return Action::Drop;
    }
    return local.indexed && !judged ? Action::ProposeFirst : Action::Apply;
}

Action whenBothChanged(const LocalView& local, EntryKind remote)
{
    if (remote == EntryKind::Tombstone)
    {
        return Action::KeepAsNew;
    }
    if (local.kind == FileKind::Directory)
    {
        return Action::DirectoryKeepsName;
    }
    return Action::ApplyKeepingLocal;
}

} // namespace

Action reconcile(const LocalView& local, EntryKind remote, bool judged)
{
    if (!local.present)
    {
        return whenAbsent(local, remote, judged);
    }
    const bool bothDirectories =
        local.kind == FileKind::Directory && remote == EntryKind::Directory;
    if ((local.indexed && local.clean) || local.equal || bothDirectories)
    {
        return Action::Apply;
    }
    return judged ? whenBothChanged(local, remote) : Action::ProposeFirst;
}

} // namespace tidewire
