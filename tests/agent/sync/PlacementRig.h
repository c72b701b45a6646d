// Runs one placement over and over, each time with something else going wrong at another operation.

#pragma once

#include "tests/agent/sync/PlacementScenes.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>

namespace tidewire {

/// Calls back at the n-th operation of the code under test (from 1); what the callback does itself is not counted.
class AtOperation
{
public:
    using Action = std::function<void(std::string_view operation)>;

    AtOperation(MemoryFileSystem& files, unsigned number, Action action):
        _files(files),
        _number(number),
        _action(std::move(action))
    {
        _files.setHook([this](std::string_view operation, const RelativePath& path) {
            if (!_inside)
            {
                _inside = true;
                const Leave leave{_inside};
                call(operation, path);
            }
        });
    }
    ~AtOperation() { _files.setHook({}); }
    AtOperation(const AtOperation&) = delete;
    AtOperation& operator=(const AtOperation&) = delete;

    /// What is called before every operation.
    void watch(std::function<void()> look) { _look = std::move(look); }

    /// As a filesystem without RENAME_EXCHANGE.
    void refuseExchange() { _exchanges = false; }

    [[nodiscard]] bool wasReached() const { return _count >= _number; }
    [[nodiscard]] const std::string& operation() const { return _operation; }

private:
    struct Leave
    {
        ~Leave() { inside = false; }
        bool& inside;
    };

    void call(std::string_view operation, const RelativePath& path)
    {
        if (_look)
        {
            _look();
        }
        if (++_count == _number)
        {
            _operation = operation;
            _action(operation);
        }
        if (operation == "exchange" && !_exchanges)
        {
            throw StorageError(operation, path.text(), EINVAL);
        }
    }

    MemoryFileSystem& _files;
    const unsigned _number;
    const Action _action;
    std::function<void()> _look;
    bool _exchanges = true;
    bool _inside = false;
    unsigned _count = 0;
    std::string _operation;
};

/// A disk with a scene on it.
class PlacementRig
{
public:
    explicit PlacementRig(const Scene& scene)
    {
        makeFolders(files, pathOf(".tidewire/tmp"));
        task = scene.prepare(files);
        files.syncAll();
    }

    void place()
    {
        Placement placement(files, ModePolicy(), testConflictName);
        placement.place(task);
    }

    /// Every content that could be read at the path of the task is a whole one.
    [[nodiscard]] bool showsWholeVersion()
    {
        const auto stat = files.stat(task.path);
        if (!stat || stat->kind != FileKind::File)
        {
            return true;
        }
        const std::string text = readFile(files, task.path.text());
        return text == kOldText || text == kNewText || text.starts_with("PERSON");
    }

    /// What a person wrote is there for people to find, or will be by the second look.
    [[nodiscard]] bool isKept(const Person& person)
    {
        if (person.written.empty() || !visibleWith(files, person.written).empty())
        {
            return true;
        }
        if (!task.displaced)
        {
            return false;
        }
        const auto stat = files.stat(task.displaced->temporary);
        const bool differs = stat && (stat->size != task.displaced->identity.size ||
                                      stat->mtime != task.displaced->identity.mtime);
        return differs && readFile(files, task.displaced->temporary.text()).starts_with("PERSON");
    }

    /// What a person wrote is at least where the sweep at the next start gives it a name.
    [[nodiscard]] bool isKeptOrSwept(const std::string& written)
    {
        for (const auto& [path, content] : allFiles(files))
        {
            const bool isSwept =
                path.starts_with(".tidewire/tmp/put-") || path.starts_with(".tidewire/tmp/old-");
            if (content.starts_with(written) && (!isPrivatePath(path) || isSwept))
            {
                return true;
            }
        }
        return false;
    }

    /// The index would take what a person wrote at the path for the revision.
    [[nodiscard]] bool mistakesPersonForRevision()
    {
        const auto stat = files.stat(task.path);
        return task.outcome == ApplyOutcome::Done && stat && stat->kind == FileKind::File &&
               readFile(files, task.path.text()).starts_with("PERSON") &&
               LocalIdentity::of(*stat) == LocalIdentity::of(task.stat);
    }

    /// Names in the private folder that nobody answers for.
    [[nodiscard]] std::vector<std::string> strayTemporaries()
    {
        std::vector<std::string> stray;
        for (const std::string& name : PrivateFolder(files).temporaries())
        {
            const RelativePath path = PrivateFolder::temporary(name);
            const bool isContent = path == task.temporary && task.outcome != ApplyOutcome::Done;
            const bool isDisplaced = task.displaced && path == task.displaced->temporary;
            if (!isContent && !isDisplaced)
            {
                stray.push_back(name);
            }
        }
        return stray;
    }

    MemoryFileSystem files;
    ApplyTask task;
};

} // namespace tidewire
