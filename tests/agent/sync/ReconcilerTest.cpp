// reconcile(): every cell of the table "When both sides changed", and every combination there is.

#include "agent/sync/Reconciler.h"

#include <catch2/catch.hpp>

#include <array>
#include <optional>

using namespace tidewire;

namespace {

constexpr std::array kBools{false, true};
constexpr std::array kLocalKinds{
    FileKind::File, FileKind::Directory, FileKind::Symlink, FileKind::Other};
constexpr std::array kRemoteKinds{
    EntryKind::Tombstone, EntryKind::File, EntryKind::Directory, EntryKind::Symlink};

LocalView absent(bool indexed)
{
    LocalView view;
    view.indexed = indexed;
    return view;
}

LocalView unchanged(FileKind kind)
{
    return {true, kind, true, true, false};
}

LocalView changed(FileKind kind, bool indexed)
{
    return {true, kind, indexed, false, false};
}

LocalView sameAsRemote(FileKind kind, bool indexed)
{
    return {true, kind, indexed, false, true};
}

template <typename Each>
void forEveryCombination(Each each)
{
    for (const bool present : kBools)
    {
        for (const FileKind kind : kLocalKinds)
        {
            for (const bool indexed : kBools)
            {
                for (const bool clean : kBools)
                {
                    for (const bool equal : kBools)
                    {
                        each(LocalView{present, kind, indexed, clean, equal});
                    }
                }
            }
        }
    }
}

/// The rules again, as a list of questions.
Action expected(const LocalView& local, EntryKind remote, bool judged)
{
    const bool isDeletion = remote == EntryKind::Tombstone;
    if (!local.present)
    {
        const bool deletedHere = local.indexed && !judged;
        return isDeletion ? Action::Drop : deletedHere ? Action::ProposeFirst : Action::Apply;
    }
    const bool isFolder = local.kind == FileKind::Directory;
    const bool untouched = local.indexed && local.clean;
    if (untouched || local.equal || (isFolder && remote == EntryKind::Directory))
    {
        return Action::Apply;
    }
    if (!judged)
    {
        return Action::ProposeFirst;
    }
    if (isDeletion)
    {
        return Action::KeepAsNew;
    }
    return isFolder ? Action::DirectoryKeepsName : Action::ApplyKeepingLocal;
}

} // namespace

TEST_CASE("reconcile: local unchanged, remote changed: apply", "[reconciler]")
{
    for (const FileKind kind : {FileKind::File, FileKind::Directory, FileKind::Symlink})
    {
        for (const EntryKind remote : kRemoteKinds)
        {
            CHECK(reconcile(unchanged(kind), remote, false) == Action::Apply);
            CHECK(reconcile(unchanged(kind), remote, true) == Action::Apply);
        }
    }
}

TEST_CASE("reconcile: the same content on both sides is adopted", "[reconciler]")
{
    for (const bool indexed : kBools)
    {
        CHECK(reconcile(sameAsRemote(FileKind::File, indexed), EntryKind::File, false) ==
              Action::Apply);
        CHECK(reconcile(sameAsRemote(FileKind::Symlink, indexed), EntryKind::Symlink, true) ==
              Action::Apply);
    }
}

TEST_CASE("reconcile: both changed: the relay judges first, then the local file becomes a copy",
          "[reconciler]")
{
    for (const bool indexed : kBools)
    {
        const LocalView local = changed(FileKind::File, indexed);
        CHECK(reconcile(local, EntryKind::File, false) == Action::ProposeFirst);
        CHECK(reconcile(local, EntryKind::File, true) == Action::ApplyKeepingLocal);
    }
}

TEST_CASE("reconcile: changed here, deleted there: local wins and is proposed as new",
          "[reconciler]")
{
    for (const FileKind kind : kLocalKinds)
    {
        CHECK(reconcile(changed(kind, true), EntryKind::Tombstone, false) == Action::ProposeFirst);
        CHECK(reconcile(changed(kind, true), EntryKind::Tombstone, true) == Action::KeepAsNew);
    }
}

TEST_CASE("reconcile: deleted here, changed there: remote wins and comes back", "[reconciler]")
{
    CHECK(reconcile(absent(true), EntryKind::File, false) == Action::ProposeFirst);
    CHECK(reconcile(absent(true), EntryKind::File, true) == Action::Apply);
}

TEST_CASE("reconcile: deleted on both sides is agreed", "[reconciler]")
{
    for (const bool judged : kBools)
    {
        CHECK(reconcile(absent(true), EntryKind::Tombstone, judged) == Action::Drop);
        CHECK(reconcile(absent(false), EntryKind::Tombstone, judged) == Action::Drop);
    }
}

TEST_CASE("reconcile: what was never here is made", "[reconciler]")
{
    for (const EntryKind remote : {EntryKind::File, EntryKind::Directory, EntryKind::Symlink})
    {
        CHECK(reconcile(absent(false), remote, false) == Action::Apply);
    }
}

TEST_CASE("reconcile: file against directory: the directory keeps the name", "[reconciler]")
{
    CHECK(reconcile(changed(FileKind::Directory, false), EntryKind::File, true) ==
          Action::DirectoryKeepsName);
    CHECK(reconcile(changed(FileKind::Directory, false), EntryKind::Symlink, true) ==
          Action::DirectoryKeepsName);
    CHECK(reconcile(changed(FileKind::File, false), EntryKind::Directory, true) ==
          Action::ApplyKeepingLocal);
    CHECK(reconcile(changed(FileKind::Symlink, false), EntryKind::Directory, true) ==
          Action::ApplyKeepingLocal);
}

TEST_CASE("reconcile: two directories only differ in metadata, and the relay's order decides",
          "[reconciler]")
{
    for (const bool judged : kBools)
    {
        CHECK(reconcile(changed(FileKind::Directory, true), EntryKind::Directory, judged) ==
              Action::Apply);
    }
}

TEST_CASE("reconcile: every combination follows the rules, and none loses anything", "[reconciler]")
{
    std::size_t combinations = 0;
    forEveryCombination([&](const LocalView& local) {
        for (const EntryKind remote : kRemoteKinds)
        {
            for (const bool judged : kBools)
            {
                ++combinations;
                CAPTURE(local.present, static_cast<int>(local.kind), local.indexed, local.clean);
                CAPTURE(local.equal, static_cast<int>(remote), judged);
                const Action action = reconcile(local, remote, judged);
                CHECK(action == expected(local, remote, judged));

                const bool holdsOwn = local.present && !local.equal &&
                                      !(local.indexed && local.clean) &&
                                      local.kind != FileKind::Directory;
                CHECK_FALSE((holdsOwn && (action == Action::Apply || action == Action::Drop)));
                CHECK_FALSE((judged && action == Action::ProposeFirst));
            }
        }
    });
    CHECK(combinations == 2 * 4 * 2 * 2 * 2 * 4 * 2);
}
