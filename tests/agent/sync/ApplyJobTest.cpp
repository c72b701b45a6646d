// ApplyJob: the order on the medium, sources of content, and a disk that fails at every operation.

#include "agent/sync/ApplyJob.h"

#include "agent/sync/PrivateFolder.h"
#include "tests/agent/sync/SyncFixture.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>

using namespace tidewire;

namespace {

RelativePath conflictFor(const RelativePath& path, unsigned attempt)
{
    return pathOf(path.text() + ".conflict" + std::to_string(attempt));
}

class ApplyFixture
{
protected:
    ApplyFixture() { makeFolders(files, pathOf(".tidewire/tmp")); }

    static ApplyTask inlineTask(Seq seq, std::string_view path, const std::string& text)
    {
        ApplyTask task;
        task.seq = seq;
        task.path = pathOf(path);
        task.entry = fileEntry(text);
        task.source = ContentSource::Inline;
        if (!text.empty())
        {
            task.ops = {{OpKind::Data, 0, 0, text.size()}};
        }
        task.bytes.assign(text.begin(), text.end());
        return task;
    }

    ApplyTask deletion(Seq seq, std::string_view path)
    {
        ApplyTask task;
        task.seq = seq;
        task.path = pathOf(path);
        expectWhatIsThere(task);
        return task;
    }

    ApplyTask fromLocal(Seq seq, std::string_view path, std::string_view source, ContentSource kind)
    {
        ApplyTask task;
        task.seq = seq;
        task.path = pathOf(path);
        task.entry = fileEntry(readFile(files, source));
        task.source = kind;
        task.sourcePath = pathOf(source);
        task.sourceIdentity = LocalIdentity::of(*files.stat(task.sourcePath));
        return task;
    }

    void expectWhatIsThere(ApplyTask& task)
    {
        const auto stat = files.stat(task.path);
        task.expectPresent = stat.has_value();
        task.expectedKind = stat ? stat->kind : FileKind::Other;
        task.expected = stat ? LocalIdentity::of(*stat) : LocalIdentity();
    }

    /// Runs the batch as a worker and the sync thread do.
    std::vector<ApplyTask> apply(std::vector<ApplyTask> tasks)
    {
        std::vector<ApplyTask> result;
        runner.submit(std::make_unique<ApplyJob>(
            files, ModePolicy(), conflictFor, std::move(tasks), [&](std::unique_ptr<ApplyJob> job) {
                result = std::move(job->tasks);
            }));
        runner.runAll();
        return result;
    }

    std::vector<std::string> temporaries() { return PrivateFolder(files).temporaries(); }

    MemoryFileSystem files;
    ManualRunner runner;
};

/// Names of the operations that come, in their order.
class OperationLog
{
public:
    explicit OperationLog(MemoryFileSystem& files): _files(files)
    {
        _files.setHook([this](std::string_view operation, const RelativePath&) {
            names.emplace_back(operation);
        });
    }
    ~OperationLog() { _files.setHook({}); }
    OperationLog(const OperationLog&) = delete;
    OperationLog& operator=(const OperationLog&) = delete;

    [[nodiscard]] std::ptrdiff_t first(std::string_view name) const
    {
        return std::find(names.begin(), names.end(), name) - names.begin();
    }
    [[nodiscard]] std::ptrdiff_t count(std::string_view name) const
    {
        return std::count(names.begin(), names.end(), name);
    }

    std::vector<std::string> names;

private:
    MemoryFileSystem& _files;
};

} // namespace

TEST_CASE_METHOD(ApplyFixture, "ApplyJob: contents come from where the task says", "[applyjob]")
{
    writeFile(files, "source.txt", "0123456789");
    ApplyTask mixed = inlineTask(3, "mixed", "");
    mixed.entry = fileEntry(std::string("345") + "new" + std::string(4, '\0'));
    mixed.sourcePath = pathOf("source.txt");
    mixed.sourceIdentity = LocalIdentity::of(*files.stat(mixed.sourcePath));
    mixed.ops = {{OpKind::Copy, 0, 3, 3}, {OpKind::Data, 0, 1, 3}, {OpKind::Zero, 0, 0, 4}};
    mixed.bytes = {'-', 'n', 'e', 'w', '-'};
    ApplyTask link;
    link.seq = 4;
    link.path = pathOf("link");
    link.entry.kind = EntryKind::Symlink;
    link.entry.target = "to/somewhere";
    link.entry.mtime = {5, 6};

    const auto done = apply({inlineTask(1, "plain", "plain text"),
                             inlineTask(2, "empty", ""),
                             std::move(mixed),
                             std::move(link),
                             fromLocal(5, "copy", "source.txt", ContentSource::CopyOf)});

    for (const ApplyTask& task : done)
    {
        CAPTURE(task.path.text(), task.error);
        CHECK(task.outcome == ApplyOutcome::Done);
        CHECK(task.stat.mtime == task.entry.mtime);
        CHECK(task.signature.has_value() == (task.entry.kind == EntryKind::File));
    }
    CHECK(readFile(files, "plain") == "plain text");
    CHECK(readFile(files, "empty").empty());
    CHECK(readFile(files, "mixed") == std::string("345new") + std::string(4, '\0'));
    CHECK(files.readSymlink(pathOf("link")) == "to/somewhere");
    CHECK(readFile(files, "copy") == "0123456789");
    CHECK(temporaries().empty());
}

TEST_CASE_METHOD(ApplyFixture,
                 "ApplyJob: a content is on the medium before it takes its place",
                 "[applyjob]")
{
    const std::size_t count = GENERATE(1U, ApplyJob::kSyncAllFrom - 1, ApplyJob::kSyncAllFrom);
    std::vector<ApplyTask> tasks;
    for (std::size_t i = 0; i < count; ++i)
    {
        tasks.push_back(inlineTask(i + 1, "f" + std::to_string(i), "content"));
    }
    const OperationLog log(files);

    apply(std::move(tasks));

    const bool all = count >= ApplyJob::kSyncAllFrom;
    CHECK(log.count("sync") == (all ? 0 : static_cast<std::ptrdiff_t>(count)));
    CHECK(log.first(all ? "syncAll" : "sync") < log.first("renameNoReplace"));
    const auto last = std::find(log.names.rbegin(), log.names.rend(), "renameNoReplace");
    const auto names = std::find(log.names.rbegin(), log.names.rend(), "syncDirectory");
    CHECK(names < last);
}

TEST_CASE_METHOD(ApplyFixture,
                 "ApplyJob: what is done survives a power cut, and shows no half file in one",
                 "[applyjob]")
{
    writeFile(files, "dir/changed", "old");
    writeFile(files, "dir/deleted", "old");
    files.syncAll();
    for (unsigned number = 1;; ++number)
    {
        MemoryFileSystem fresh;
        makeFolders(fresh, pathOf(".tidewire/tmp"));
        writeFile(fresh, "dir/changed", "old");
        fresh.syncAll();
        ApplyTask changed = inlineTask(1, "dir/changed", "the new one");
        changed.expectPresent = true;
        changed.expectedKind = FileKind::File;
        changed.expected = LocalIdentity::of(*fresh.stat(changed.path));
        unsigned count = 0;
        fresh.setHook([&](std::string_view operation, const RelativePath&) {
            if (++count >= number)
            {
                throw StorageError(operation, "", EIO);
            }
        });
        ApplyJob job(fresh, ModePolicy(), conflictFor, {changed, inlineTask(2, "new", "new")}, {});
        job.step();
        fresh.setHook({});

        fresh.crash();

        CAPTURE(number, count);
        const std::string text = readFile(fresh, "dir/changed");
        CHECK((text == "old" || text == "the new one"));
        CHECK((!fresh.stat(pathOf("new")) || readFile(fresh, "new") == "new"));
        if (job.tasks[0].outcome == ApplyOutcome::Done)
        {
            CHECK(text == "the new one");
        }
        if (count < number)
        {
            CHECK(readFile(fresh, "new") == "new");
            break;
        }
    }
}

TEST_CASE_METHOD(ApplyFixture,
                 "ApplyJob: a file that its mode makes read-only is applied like any other",
                 "[applyjob]")
{
    files.setHook([&](std::string_view operation, const RelativePath& path) {
        // As the kernel does for everybody but root.
        if (operation == "openWrite" && (files.stat(path)->mode & 0200U) == 0)
        {
            throw StorageError(operation, path.text(), EACCES);
        }
    });
    ApplyTask task = inlineTask(1, "a", "text");
    task.entry.mode = 0444;

    const auto done = apply({std::move(task)});
    files.setHook({});

    CHECK(done[0].error.empty());
    CHECK(done[0].outcome == ApplyOutcome::Done);
    CHECK(files.stat(pathOf("a"))->mode == 0444);
}

TEST_CASE_METHOD(ApplyFixture, "ApplyJob: folders are made before what is in them", "[applyjob]")
{
    ApplyTask outer;
    outer.seq = 1;
    outer.path = pathOf("a");
    outer.entry.kind = EntryKind::Directory;
    outer.entry.mode = 0755;
    ApplyTask inner = outer;
    inner.seq = 2;
    inner.path = pathOf("a/b");

    const auto done = apply({outer, inner, inlineTask(3, "a/b/c", "text")});

    CHECK(std::all_of(done.begin(), done.end(), [](const ApplyTask& task) {
        return task.outcome == ApplyOutcome::Done;
    }));
    CHECK(readFile(files, "a/b/c") == "text");
}

TEST_CASE_METHOD(ApplyFixture, "ApplyJob: a tree is deleted children first", "[applyjob]")
{
    writeFile(files, "a/b/c", "text");

    const auto done = apply({deletion(1, "a/b/c"), deletion(2, "a/b"), deletion(3, "a")});

    CHECK(done[2].outcome == ApplyOutcome::Done);
    CHECK_FALSE(files.stat(pathOf("a")));
}

TEST_CASE_METHOD(ApplyFixture, "ApplyJob: a rename within a batch moves the file", "[applyjob]")
{
    writeFile(files, "before/name", "some content");
    makeFolders(files, pathOf("after"));
    const auto inode = files.stat(pathOf("before/name"))->inode;
    const OperationLog log(files);

    const auto done = apply({fromLocal(7, "after/name", "before/name", ContentSource::MoveOf)});

    CHECK(done[0].outcome == ApplyOutcome::Done);
    CHECK(files.stat(pathOf("after/name"))->inode == inode);
    CHECK_FALSE(files.stat(pathOf("before/name")));
    CHECK(done[0].stat.mtime == done[0].entry.mtime);
    CHECK(log.count("write") == 0);
    CHECK(log.count("syncDirectory") == 2);
}

TEST_CASE_METHOD(ApplyFixture,
                 "ApplyJob: a content of another hash is not put in place",
                 "[applyjob]")
{
    ApplyTask wrong = inlineTask(1, "wrong", "text");
    wrong.entry.hash.bytes[3] ^= 1U;
    ApplyTask tooShort = inlineTask(2, "short", "text");
    tooShort.entry.size = 5;
    ApplyTask tooLong = inlineTask(3, "long", "text");
    tooLong.entry.size = 3;
    ApplyTask beyond = inlineTask(4, "beyond", "");
    writeFile(files, "base", "12345");
    beyond.entry = fileEntry("1234567890");
    beyond.sourcePath = pathOf("base");
    beyond.sourceIdentity = LocalIdentity::of(*files.stat(beyond.sourcePath));
    beyond.ops = {{OpKind::Copy, 0, 0, 10}};

    const auto done = apply({wrong, tooShort, tooLong, beyond, inlineTask(5, "right", "text")});

    for (std::size_t i = 0; i < 4; ++i)
    {
        CAPTURE(i, done[i].error);
        CHECK(done[i].outcome == ApplyOutcome::WrongContent);
        CHECK_FALSE(files.stat(done[i].path));
    }
    CHECK(done[4].outcome == ApplyOutcome::Done);
    CHECK(temporaries().empty());
}

TEST_CASE_METHOD(ApplyFixture,
                 "ApplyJob: a source that changed or vanished is told, and nothing is made of it",
                 "[applyjob]")
{
    const ContentSource kind = GENERATE(ContentSource::CopyOf, ContentSource::MoveOf);
    writeFile(files, "source", "as it was known");
    const ApplyTask task = fromLocal(1, "a", "source", kind);
    SECTION("changed")
    {
        writeFile(files, "source", "PERSON wrote it");
    }
    SECTION("vanished")
    {
        files.removeFile(pathOf("source"));
    }

    const auto done = apply({task});

    CHECK(done[0].outcome == ApplyOutcome::SourceChanged);
    CHECK_FALSE(files.stat(pathOf("a")));
    CHECK(temporaries().empty());
}

TEST_CASE_METHOD(ApplyFixture,
                 "ApplyJob: a source that is written to while it is copied gives no wrong content",
                 "[applyjob]")
{
    for (unsigned number = 1;; ++number)
    {
        const std::string path = "a" + std::to_string(number);
        writeFile(files, "source", "as it was known");
        const ApplyTask task = fromLocal(number, path, "source", ContentSource::CopyOf);
        unsigned count = 0;
        bool busy = false;
        files.setHook([&](std::string_view, const RelativePath&) {
            if (!busy && ++count == number)
            {
                busy = true;
                files.openWrite(pathOf("source"))->write(3, asBytes("PERSON"));
                busy = false;
            }
        });
        const auto done = apply({task});
        files.setHook({});

        CAPTURE(number, done[0].error);
        const bool isRight = files.stat(pathOf(path)) && readFile(files, path) == "as it was known";
        CHECK((done[0].outcome == ApplyOutcome::Done) == isRight);
        CHECK((isRight || !files.stat(pathOf(path))));
        if (count < number)
        {
            break;
        }
    }
}

TEST_CASE_METHOD(ApplyFixture,
                 "ApplyJob: a file that an earlier try left in its temporary is made anew",
                 "[applyjob]")
{
    writeFile(files, PrivateFolder::temporary("get-9").text(), "half a file of long ago");

    const auto done = apply({inlineTask(9, "a", "text")});

    CHECK(done[0].outcome == ApplyOutcome::Done);
    CHECK(readFile(files, "a") == "text");
    CHECK(temporaries().empty());
}

TEST_CASE_METHOD(ApplyFixture,
                 "ApplyJob: data of a private file is never readable by others meanwhile",
                 "[applyjob]")
{
    bool isPrivate = true;
    bool busy = false;
    files.setHook([&](std::string_view, const RelativePath&) {
        if (busy)
        {
            return;
        }
        busy = true;
        for (const std::string& name : temporaries())
        {
            const auto stat = files.stat(PrivateFolder::temporary(name));
            isPrivate = isPrivate && (!stat || (stat->mode & 077U) == 0);
        }
        busy = false;
    });
    ApplyTask task = inlineTask(1, "secret", "text");
    task.entry.mode = 0600;

    apply({std::move(task)});
    files.setHook({});

    CHECK(isPrivate);
    CHECK(files.stat(pathOf("secret"))->mode == 0600);
}

TEST_CASE_METHOD(ApplyFixture,
                 "ApplyJob: a full disk at any operation shows only whole files and can be mended",
                 "[applyjob]")
{
    const std::size_t extra = GENERATE(0U, ApplyJob::kSyncAllFrom);
    const bool persistent = GENERATE(true, false);
    for (unsigned number = 1;; ++number)
    {
        MemoryFileSystem disk;
        makeFolders(disk, pathOf(".tidewire/tmp"));
        writeFile(disk, "changed", "old");
        ApplyTask changed = inlineTask(1, "changed", "the new one");
        const auto expect = [&](ApplyTask& task) {
            const auto stat = disk.stat(task.path);
            task.expectPresent = stat.has_value();
            task.expectedKind = stat ? stat->kind : FileKind::Other;
            task.expected = stat ? LocalIdentity::of(*stat) : LocalIdentity();
        };
        expect(changed);
        std::vector<ApplyTask> tasks{changed, inlineTask(2, "new", "brand new")};
        for (std::size_t i = 0; i < extra; ++i)
        {
            tasks.push_back(inlineTask(i + 3, "extra" + std::to_string(i), "extra"));
        }
        unsigned count = 0;
        disk.setHook([&](std::string_view operation, const RelativePath&) {
            ++count;
            if (persistent ? count >= number : count == number)
            {
                throw StorageError(operation, "", ENOSPC);
            }
        });
        ApplyJob job(disk, ModePolicy(), conflictFor, tasks, {});
        job.step();
        disk.setHook({});

        CAPTURE(number, count, extra, persistent);
        if (disk.stat(pathOf("changed")))
        {
            const std::string text = readFile(disk, "changed");
            CHECK((text == "old" || text == "the new one"));
        }
        CHECK((!disk.stat(pathOf("new")) || readFile(disk, "new") == "brand new"));
        for (ApplyTask& task : job.tasks)
        {
            CHECK((task.outcome == ApplyOutcome::Done || task.code == ENOSPC));
            CHECK((task.outcome != ApplyOutcome::Done || disk.stat(task.path)));
        }
        std::vector<ApplyTask> again = tasks;
        std::for_each(again.begin(), again.end(), expect);
        ApplyJob second(disk, ModePolicy(), conflictFor, again, {});
        second.step();
        CHECK(std::all_of(second.tasks.begin(), second.tasks.end(), [](const ApplyTask& task) {
            return task.outcome == ApplyOutcome::Done;
        }));
        CHECK(readFile(disk, "changed") == "the new one");
        if (count < number)
        {
            break;
        }
    }
}
