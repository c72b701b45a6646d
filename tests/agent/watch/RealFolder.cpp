// A folder on the disk and a mirror of it that is fed by a real watcher.

#include "tests/agent/watch/RealFolder.h"

#include "shared/base/Errors.h"
#include "shared/base/UniqueFd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <utility>

namespace tidewire {

namespace {

void require(bool isDone, std::string_view operation, const std::string& path)
{
    if (!isDone)
    {
        throwErrno(operation, path);
    }
}

std::optional<std::string> describe(const std::string& path)
{
    struct stat status
    {
    };
    if (::lstat(path.c_str(), &status) != 0)
    {
        return std::nullopt;
    }
    if (S_ISDIR(status.st_mode))
    {
        // Its times change with its entries and are not synchronised.
        return "folder " + std::to_string(status.st_mode);
    }
    std::string text = "file " + std::to_string(status.st_mode) + " " +
                       std::to_string(status.st_size) + " " + std::to_string(status.st_ino) + " " +
                       std::to_string(status.st_mtim.tv_sec) + "." +
                       std::to_string(status.st_mtim.tv_nsec);
    if (S_ISLNK(status.st_mode))
    {
        std::error_code ignored;
        text += " " + std::filesystem::read_symlink(path, ignored).string();
    }
    return text;
}

void collect(const std::string& root, const std::string& path, MirrorState& state)
{
    std::error_code ignored;
    const std::string folder = path.empty() ? root : root + "/" + path;
    if (!std::filesystem::is_directory(std::filesystem::symlink_status(folder, ignored)))
    {
        return;
    }
    for (auto entry = std::filesystem::directory_iterator(folder, ignored);
         entry != std::filesystem::directory_iterator();
         entry.increment(ignored))
    {
        const std::string name = entry->path().filename().string();
        const std::string below = path.empty() ? name : path + "/" + name;
        if (const auto text = describe(root + "/" + below))
        {
            state[below] = *text;
            collect(root, below, state);
        }
    }
}

void writeWith(const std::string& path, int flags, std::string_view text)
{
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644));
    require(static_cast<bool>(file), "open", path);
    require(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()),
            "write",
            path);
}

} // namespace

Mirror::Look lookAtDisk(const std::string& root)
{
    return [root](const RelativePath& path, HintScope scope) {
        MirrorState state;
        if (!path.isRoot())
        {
            if (const auto text = describe(root + "/" + path.text()))
            {
                state[path.text()] = *text;
            }
        }
        if (scope == HintScope::Subtree)
        {
            collect(root, path.text(), state);
        }
        return state;
    };
}

bool catchesUp(Mirror& mirror, HintQueue& hints)
{
    const SystemClock clock;
    const SteadyTime deadline = clock.steady() + std::chrono::seconds(60);
    std::optional<Hint> hint = hints.tryNext();
    while (true)
    {
        // As the engine does: what was hinted at several times is looked at once.
        std::map<std::pair<RelativePath, HintScope>, Hint> pending;
        for (; hint; hint = hints.tryNext())
        {
            pending.emplace(std::pair(hint->path, hint->scope), *hint);
        }
        for (const auto& [key, each] : pending)
        {
            mirror.apply(each);
        }
        if (mirror.state() == mirror.truth())
        {
            return true;
        }
        hint = hints.next();
        if (!hint || clock.steady() > deadline)
        {
            return false;
        }
    }
}

void writeText(const std::string& path, std::string_view text)
{
    writeWith(path, O_TRUNC, text);
}

void appendText(const std::string& path, std::string_view text)
{
    writeWith(path, O_APPEND, text);
}

void makeFolder(const std::string& path)
{
    require(::mkdir(path.c_str(), 0755) == 0, "mkdir", path);
}

void makeFolders(const std::string& path)
{
    std::filesystem::create_directories(path);
}

void renamePath(const std::string& from, const std::string& to)
{
    require(std::rename(from.c_str(), to.c_str()) == 0, "rename", from);
}

void removePath(const std::string& path)
{
    require(std::remove(path.c_str()) == 0, "remove", path);
}

void removeTree(const std::string& path)
{
    std::filesystem::remove_all(path);
}

} // namespace tidewire
