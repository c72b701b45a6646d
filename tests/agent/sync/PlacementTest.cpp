// Placement: what each kind of task does, and that nothing a person writes meanwhile is lost.

#include "tests/agent/sync/PlacementRig.h"

#include <catch2/catch.hpp>

using namespace tidewire;

namespace {

Scene sceneNamed(const std::string& name)
{
    for (Scene& scene : allPlacements())
    {
        if (scene.name == name)
        {
            return std::move(scene);
        }
    }
    throw std::invalid_argument(name);
}

/// As FAT: mtimes in steps of two seconds, every folder has the same mode.
class CoarseFileSystem: public MemoryFileSystem
{
public:
    std::unique_ptr<File> openRead(const RelativePath& path) override
    {
        return std::make_unique<CoarseFile>(MemoryFileSystem::openRead(path));
    }
    void createDirectory(const RelativePath& path, std::uint32_t) override
    {
        MemoryFileSystem::createDirectory(path, 0755);
    }
    void setMode(const RelativePath&, std::uint32_t) override {}
    void setMtime(const RelativePath& path, FileTime mtime) override
    {
        MemoryFileSystem::setMtime(path, coarse(mtime));
    }

private:
    static FileTime coarse(FileTime time) { return {time.seconds - time.seconds % 2, 0}; }

    class CoarseFile: public File
    {
    public:
        explicit CoarseFile(std::unique_ptr<File> file): _file(std::move(file)) {}

        FileStat stat() override { return _file->stat(); }
        std::size_t read(std::uint64_t offset, MutableByteView buffer) override
        {
            return _file->read(offset, buffer);
        }
        void write(std::uint64_t offset, ByteView data) override { _file->write(offset, data); }
        void truncate(std::uint64_t size) override { _file->truncate(size); }
        std::optional<std::uint64_t> nextData(std::uint64_t offset) override
        {
            return _file->nextData(offset);
        }
        std::uint64_t nextHole(std::uint64_t offset) override { return _file->nextHole(offset); }
        void setMode(std::uint32_t) override {}
        void setMtime(FileTime mtime) override { _file->setMtime(coarse(mtime)); }
        void sync() override { _file->sync(); }
        void startWriteback(std::uint64_t offset, std::uint64_t length) override
        {
            _file->startWriteback(offset, length);
        }
        bool isOpenForWriting() override { return _file->isOpenForWriting(); }
        bool keepWritersOut() override { return _file->keepWritersOut(); }

    private:
        const std::unique_ptr<File> _file;
    };
};

/// Errors that the person's act explains; the next try finds the new state.
bool isRace(int code)
{
    return code == ENOENT || code == EEXIST || code == ENOTDIR || code == EISDIR;
}

void personActsAtEveryOperation(const Scene& scene, Act act, bool atSource, bool exchanges)
{
    for (unsigned number = 1;; ++number)
    {
        PlacementRig rig(scene);
        Person person(rig.files, act, atSource ? "from.txt" : "dir/a.txt");
        bool isWhole = true;
        std::string operation;
        {
            AtOperation at(rig.files, number, [&](std::string_view) { person.act(); });
            at.watch([&] { isWhole = isWhole && rig.showsWholeVersion(); });
            if (!exchanges)
            {
                at.refuseExchange();
            }
            rig.place();
            if (!at.wasReached())
            {
                return;
            }
            operation = at.operation();
        }
        CAPTURE(scene.name, static_cast<int>(act), atSource, exchanges, number, operation);
        CAPTURE(describeFiles(rig.files), static_cast<int>(rig.task.outcome), rig.task.error);
        CHECK(isWhole);
        CHECK(rig.isKept(person));
        CHECK_FALSE(rig.mistakesPersonForRevision());
        CHECK(rig.strayTemporaries().empty());
        CHECK((rig.task.outcome != ApplyOutcome::Failed || isRace(rig.task.code)));
    }
}

} // namespace

TEST_CASE("Placement: whatever a person does at any operation, what was written stays",
          "[placement]")
{
    for (const Scene& scene : allPlacements())
    {
        for (const Act act : kAllActs)
        {
            for (const bool exchanges : {true, false})
            {
                personActsAtEveryOperation(scene, act, false, exchanges);
                if (scene.hasSource)
                {
                    personActsAtEveryOperation(scene, act, true, exchanges);
                }
            }
        }
    }
}

TEST_CASE("Placement: undisturbed, every task is done and leaves no temporary", "[placement]")
{
    for (const Scene& scene : allPlacements())
    {
        for (const bool exchanges : {true, false})
        {
            PlacementRig rig(scene);
            AtOperation at(rig.files, 0, [](std::string_view) {});
            if (!exchanges)
            {
                at.refuseExchange();
            }
            rig.place();

            CAPTURE(scene.name, exchanges, rig.task.error);
            CHECK(rig.task.outcome == ApplyOutcome::Done);
            CHECK(rig.strayTemporaries().empty());
            CHECK_FALSE(rig.task.displaced);
            CHECK(rig.task.conflictCopy.has_value() == rig.task.keepLocal);
            const auto stat = rig.files.stat(rig.task.path);
            CHECK(stat.has_value() == (rig.task.entry.kind != EntryKind::Tombstone));
            if (stat)
            {
                CHECK(*stat == rig.task.stat);
            }
        }
    }
}

TEST_CASE("Placement: an exchange leaves no moment without an entry at the path", "[placement]")
{
    PlacementRig rig(sceneNamed("a new version"));
    bool isThere = true;
    AtOperation at(rig.files, 0, [](std::string_view) {});
    at.watch([&] { isThere = isThere && rig.files.stat(rig.task.path); });

    rig.place();

    CHECK(isThere);
    CHECK(readFile(rig.files, "dir/a.txt") == kNewText);
}

TEST_CASE("Placement: a file gets content, mode and mtime of the revision", "[placement]")
{
    PlacementRig rig(sceneNamed("a new file"));

    rig.place();

    CHECK(readFile(rig.files, "dir/a.txt") == kNewText);
    CHECK(rig.task.stat.mode == 0644);
    CHECK(rig.task.stat.mtime == rig.task.entry.mtime);
}

TEST_CASE("Placement: what is kept gets the first conflict name that is free", "[placement]")
{
    PlacementRig rig(sceneNamed("a new version that keeps the local one"));
    writeFile(rig.files, "dir/a.txt.conflict0", "taken");
    writeFile(rig.files, "dir/a.txt.conflict1", "taken");

    rig.place();

    REQUIRE(rig.task.conflictCopy);
    CHECK(rig.task.conflictCopy->text() == "dir/a.txt.conflict2");
    CHECK(readFile(rig.files, "dir/a.txt.conflict2") == kOldText);
    CHECK(readFile(rig.files, "dir/a.txt") == kNewText);
}

TEST_CASE("Placement: a version that somebody still writes to is set aside, not removed",
          "[placement]")
{
    const bool exchanges = GENERATE(true, false);
    const std::string name = GENERATE("a new version", "a deletion", "a folder in place of a file");
    PlacementRig rig(sceneNamed(name));
    const auto writer = rig.files.openWrite(pathOf("dir/a.txt"));
    {
        AtOperation at(rig.files, 0, [](std::string_view) {});
        if (!exchanges)
        {
            at.refuseExchange();
        }
        rig.place();
    }

    CHECK(rig.task.outcome == ApplyOutcome::Done);
    REQUIRE(rig.task.displaced);
    CHECK(rig.task.displaced->path == pathOf("dir/a.txt"));
    writer->write(0, asBytes(kPersonText));
    CHECK(readFile(rig.files, rig.task.displaced->temporary.text()) == kPersonText);
    CHECK(rig.files.stat(rig.task.displaced->temporary)->mtime !=
          rig.task.displaced->identity.mtime);
}

TEST_CASE("Placement: a deletion does not touch what was changed before it", "[placement]")
{
    PlacementRig rig(sceneNamed("a deletion"));
    writeFile(rig.files, "dir/a.txt", kPersonText);

    rig.place();

    CHECK(rig.task.outcome == ApplyOutcome::LocalChanged);
    CHECK(readFile(rig.files, "dir/a.txt") == kPersonText);
}

TEST_CASE("Placement: a deletion of what is gone is done", "[placement]")
{
    PlacementRig rig(sceneNamed("a deletion"));
    rig.files.removeFile(pathOf("dir/a.txt"));

    rig.place();

    CHECK(rig.task.outcome == ApplyOutcome::Done);
}

TEST_CASE("Placement: a folder with something in it is neither removed nor replaced", "[placement]")
{
    const std::string name = GENERATE("a folder's deletion", "a file in place of an empty folder");
    PlacementRig rig(sceneNamed(name));
    writeFile(rig.files, "dir/a.txt/new.txt", kPersonText);

    rig.place();

    CHECK(rig.task.outcome == ApplyOutcome::NotEmpty);
    CHECK(readFile(rig.files, "dir/a.txt/new.txt") == kPersonText);
    CHECK(rig.strayTemporaries().empty());
}

TEST_CASE("Placement: a folder that is there already gets its mode and keeps what is in it",
          "[placement]")
{
    MemoryFileSystem files;
    makeFolders(files, pathOf(".tidewire/tmp"));
    writeFile(files, "dir/inside.txt", kPersonText);
    ApplyTask task = taskFor("dir", folderEntry());
    task.entry.mode = 0700;
    Placement placement(files, ModePolicy(), testConflictName);

    placement.place(task);

    CHECK(task.outcome == ApplyOutcome::Done);
    CHECK(files.stat(pathOf("dir"))->mode == 0700);
    CHECK(readFile(files, "dir/inside.txt") == kPersonText);
}

TEST_CASE("Placement: setuid, setgid and sticky bits are only taken when they are asked for",
          "[placement]")
{
    const bool special = GENERATE(true, false);
    PlacementRig rig(sceneNamed("metadata alone"));
    rig.task.entry.mode = 04755;
    Placement placement(rig.files, ModePolicy{special}, testConflictName);

    placement.place(rig.task);

    CHECK(rig.task.outcome == ApplyOutcome::Done);
    CHECK(rig.files.stat(rig.task.path)->mode == (special ? 04755U : 0755U));
}

TEST_CASE("Placement: a folder without its owner's write bit still gets what belongs in it",
          "[placement]")
{
    for (const Scene& scene : allPlacements())
    {
        PlacementRig rig(scene);
        rig.files.setMode(pathOf("dir"), 0555);
        {
            // As the kernel does for everybody but root: no names change in such a folder.
            rig.files.setHook([&](std::string_view operation, const RelativePath& path) {
                const bool changesNames = operation == "createDirectory" ||
                                          operation == "removeDirectory" ||
                                          operation == "renameNoReplace" || operation == "exchange";
                if (changesNames && rig.files.stat(pathOf("dir"))->mode == 0555 &&
                    (path.parent() == pathOf("dir") || !rig.task.temporary.isRoot()))
                {
                    throw StorageError(operation, path.text(), EACCES);
                }
            });
            rig.place();
            rig.files.setHook({});
        }

        CAPTURE(scene.name, rig.task.error);
        CHECK(rig.task.outcome == ApplyOutcome::Done);
        CHECK(rig.files.stat(pathOf("dir"))->mode == 0555);
        CHECK(rig.strayTemporaries().empty());
    }
}

TEST_CASE("Placement: a file moves out of a folder without its owner's write bit", "[placement]")
{
    MemoryFileSystem files;
    makeFolders(files, pathOf(".tidewire/tmp"));
    ApplyTask task = moveTaskFrom(files, "sealed/from.txt");
    files.setMode(pathOf("sealed"), 0555);
    files.setHook([&](std::string_view operation, const RelativePath& path) {
        if (operation == "renameNoReplace" && path.parent() == pathOf("sealed") &&
            files.stat(pathOf("sealed"))->mode == 0555)
        {
            throw StorageError(operation, path.text(), EACCES);
        }
    });
    Placement placement(files, ModePolicy(), testConflictName);

    placement.place(task);
    files.setHook({});

    CAPTURE(task.error);
    CHECK(task.outcome == ApplyOutcome::Done);
    CHECK(readFile(files, "dir/a.txt") == kNewText);
    CHECK_FALSE(files.stat(pathOf("sealed/from.txt")));
    CHECK(files.stat(pathOf("sealed"))->mode == 0555);
}

TEST_CASE("Placement: a file that is being written to gets its metadata and is read again",
          "[placement]")
{
    PlacementRig rig(sceneNamed("metadata alone"));
    const auto writer = rig.files.openWrite(rig.task.path);

    rig.place();

    CHECK(rig.task.outcome == ApplyOutcome::Done);
    CHECK(rig.files.stat(rig.task.path)->mtime == rig.task.entry.mtime);
    CHECK(LocalIdentity::of(rig.task.stat) != LocalIdentity::of(*rig.files.stat(rig.task.path)));
}

TEST_CASE("Placement: an mtime that the disk keeps more coarsely is not set again and again",
          "[placement]")
{
    CoarseFileSystem files;
    makeFolders(files, pathOf(".tidewire/tmp"));
    writeFile(files, "a.txt", kOldText);
    ApplyTask task = taskFor("a.txt", fileEntry(kOldText));
    task.entry.mtime = {1600000001, 7};
    task.metadataOnly = true;
    expectWhatIsThere(files, task);
    Placement placement(files, ModePolicy(), testConflictName);

    placement.place(task);

    CHECK(task.outcome == ApplyOutcome::Done);
    CHECK(task.stat.mtime == FileTime{1600000000, 0});
    CHECK(task.stat == *files.stat(pathOf("a.txt")));
}

TEST_CASE("Placement: where the disk has no modes the index gets the one that a folder has",
          "[placement]")
{
    CoarseFileSystem files;
    makeFolders(files, pathOf(".tidewire/tmp"));
    const bool isThere = GENERATE(true, false);
    if (isThere)
    {
        makeFolders(files, pathOf("dir"));
    }
    ApplyTask task = taskFor("dir", folderEntry());
    task.entry.mode = 0700;
    Placement placement(files, ModePolicy(), testConflictName);

    placement.place(task);

    CHECK(task.outcome == ApplyOutcome::Done);
    CHECK(task.entry.mode == 0755);
    CHECK(files.stat(pathOf("dir"))->mode == 0755);
}

TEST_CASE(
    "Placement: a mode that keeps the agent from reading does not keep a version from its place",
    "[placement]")
{
    const std::string name = GENERATE("a new version", "a deletion");
    PlacementRig rig(sceneNamed(name));
    rig.files.setHook([&](std::string_view operation, const RelativePath& path) {
        if (operation == "openRead")
        {
            throw StorageError(operation, path.text(), EACCES);
        }
    });

    rig.place();
    rig.files.setHook({});

    CHECK(rig.task.outcome == ApplyOutcome::Done);
    CHECK(rig.strayTemporaries().empty());
}

TEST_CASE("Placement: a move of what is no longer there, or was changed, moves nothing",
          "[placement]")
{
    PlacementRig rig(sceneNamed("a move"));
    SECTION("it is gone")
    {
        rig.files.removeFile(pathOf("from.txt"));
    }
    SECTION("it was changed")
    {
        writeFile(rig.files, "from.txt", kPersonText);
    }
    SECTION("it is a folder now")
    {
        rig.files.removeFile(pathOf("from.txt"));
        writeFile(rig.files, "from.txt/inside", kPersonText);
    }
    SECTION("somebody has it open for writing")
    {
        const auto writer = rig.files.openWrite(pathOf("from.txt"));
        rig.place();
        CHECK(rig.task.outcome == ApplyOutcome::SourceChanged);
        CHECK(readFile(rig.files, "from.txt") == kNewText);
        return;
    }
    const auto before = allFiles(rig.files);

    rig.place();

    CHECK(rig.task.outcome == ApplyOutcome::SourceChanged);
    CHECK(allFiles(rig.files) == before);
}
