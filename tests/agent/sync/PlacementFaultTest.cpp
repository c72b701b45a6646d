// Placement: the disk fails, or the power goes, at every single operation.

#include "tests/agent/sync/PlacementRig.h"

#include <catch2/catch.hpp>

using namespace tidewire;

namespace {

/// A scene in which what stands at the path is a person's and must survive.
std::vector<Scene> scenesWithPersonsFile()
{
    std::vector<Scene> scenes;
    for (const Scene& scene : allPlacements())
    {
        if (scene.name == "a new version that keeps the local one" ||
            scene.name == "a folder that keeps the local file")
        {
            scenes.push_back({scene.name, [prepare = scene.prepare](FileSystem& files) {
                                  ApplyTask task = prepare(files);
                                  writeFile(files, "dir/a.txt", kPersonText);
                                  return task;
                              }});
        }
    }
    return scenes;
}

/// Tries again as the downlink does: the content made anew, the disk looked at anew.
void tryAgain(PlacementRig& rig, const Scene& scene)
{
    rig.task.error.clear();
    rig.task.conflictCopy.reset();
    rig.task.displaced.reset();
    if (rig.task.source == ContentSource::MoveOf)
    {
        rig.task.source = ContentSource::Temporary;
    }
    if (rig.task.source == ContentSource::Temporary)
    {
        if (!rig.task.temporary.isRoot() && rig.files.stat(rig.task.temporary))
        {
            rig.files.removeFile(rig.task.temporary);
        }
        finishContent(rig.files, rig.task);
    }
    if (!rig.task.keepLocal)
    {
        expectWhatIsThere(rig.files, rig.task);
    }
    rig.place();
    CAPTURE(scene.name, rig.task.error, describeFiles(rig.files));
    CHECK(rig.task.outcome == ApplyOutcome::Done);
}

} // namespace

TEST_CASE("Placement: an error at any operation shows no unfinished file and blocks no second try",
          "[placement]")
{
    const int code = GENERATE(EIO, ENOSPC);
    const bool exchanges = GENERATE(true, false);
    for (const Scene& scene : allPlacements())
    {
        for (unsigned number = 1;; ++number)
        {
            PlacementRig rig(scene);
            bool isWhole = true;
            {
                AtOperation at(rig.files, number, [&](std::string_view operation) {
                    throw StorageError(operation, "", code);
                });
                at.watch([&] { isWhole = isWhole && rig.showsWholeVersion(); });
                if (!exchanges)
                {
                    at.refuseExchange();
                }
                rig.place();
                if (!at.wasReached())
                {
                    break;
                }
            }
            CAPTURE(scene.name, number, exchanges, rig.task.error, describeFiles(rig.files));
            CHECK((isWhole && rig.showsWholeVersion()));
            CHECK((rig.task.outcome == ApplyOutcome::Done || rig.task.code == code));
            if (rig.task.outcome != ApplyOutcome::Done)
            {
                tryAgain(rig, scene);
            }
        }
    }
}

TEST_CASE("Placement: one error leaves nothing in the private folder that is not looked at again",
          "[placement]")
{
    const bool exchanges = GENERATE(true, false);
    for (const Scene& scene : allPlacements())
    {
        for (unsigned number = 1;; ++number)
        {
            PlacementRig rig(scene);
            AtOperation at(rig.files, number, [&](std::string_view operation) {
                throw StorageError(operation, "", EIO);
            });
            if (!exchanges)
            {
                at.refuseExchange();
            }
            rig.place();
            if (!at.wasReached())
            {
                break;
            }
            CAPTURE(scene.name, number, at.operation(), rig.task.error, describeFiles(rig.files));
            for (const std::string& name : rig.strayTemporaries())
            {
                // Old versions of which the relay has a copy: the sweep removes them.
                CAPTURE(name);
                CHECK(name.starts_with(kOldPrefix));
            }
        }
    }
}

TEST_CASE("Placement: errors from some operation on lose nothing of a person's", "[placement]")
{
    const bool exchanges = GENERATE(true, false);
    for (const Scene& scene : scenesWithPersonsFile())
    {
        for (unsigned number = 1;; ++number)
        {
            PlacementRig rig(scene);
            bool failing = false;
            bool reached = false;
            {
                AtOperation at(rig.files, number, [&](std::string_view) { failing = true; });
                at.watch([&] {
                    if (failing)
                    {
                        throw StorageError("any", "", EIO);
                    }
                });
                if (!exchanges)
                {
                    at.refuseExchange();
                }
                rig.place();
                reached = at.wasReached();
            }
            CAPTURE(scene.name, number, exchanges, describeFiles(rig.files));
            CHECK(rig.isKeptOrSwept(kPersonText));
            if (!reached)
            {
                break;
            }
        }
    }
}

TEST_CASE("Placement: a person's write at any operation survives errors from any later one on",
          "[placement]")
{
    const Act act = GENERATE(Act::WriteLonger, Act::Replace);
    for (const Scene& scene : allPlacements())
    {
        for (unsigned writeAt = 1;; ++writeAt)
        {
            bool reached = false;
            for (unsigned failAt = writeAt;; ++failAt)
            {
                PlacementRig rig(scene);
                Person person(rig.files, act, scene.hasSource ? "from.txt" : "dir/a.txt");
                unsigned count = 0;
                {
                    AtOperation at(rig.files, writeAt, [&](std::string_view) { person.act(); });
                    at.watch([&] {
                        if (++count > failAt)
                        {
                            throw StorageError("any", "", EIO);
                        }
                    });
                    rig.place();
                    reached = at.wasReached();
                }
                CAPTURE(scene.name, writeAt, failAt, describeFiles(rig.files));
                CHECK((person.written.empty() || rig.isKeptOrSwept(person.written)));
                if (count <= failAt)
                {
                    break;
                }
            }
            if (!reached)
            {
                break;
            }
        }
    }
}

TEST_CASE("Placement: after a power cut at any operation a person's file is in its place or swept",
          "[placement]")
{
    const bool syncs = GENERATE(true, false);
    for (const Scene& scene : scenesWithPersonsFile())
    {
        for (unsigned number = 1;; ++number)
        {
            PlacementRig rig(scene);
            bool reached = false;
            {
                bool dead = false;
                AtOperation at(rig.files, number, [&](std::string_view operation) {
                    if (syncs)
                    {
                        rig.files.syncAll();
                    }
                    rig.files.crash();
                    dead = true;
                    throw StorageError(operation, "", EIO);
                });
                at.watch([&] {
                    if (dead)
                    {
                        throw StorageError("any", "", EIO);
                    }
                });
                rig.place();
                reached = at.wasReached();
            }
            CAPTURE(scene.name, number, syncs, describeFiles(rig.files));
            CHECK(rig.isKeptOrSwept(kPersonText));
            if (!reached)
            {
                break;
            }
        }
    }
}
