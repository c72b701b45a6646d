// A folder tree as it looks from outside: walk, hash, compare.

#include "tests/e2e/support/TreeSnapshot.h"

#include "shared/base/Errors.h"
#include "shared/base/UniqueFd.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <memory>
#include <sstream>
#include <vector>

namespace tidewire::e2e {

namespace {

constexpr std::size_t kBlock = 4096;

/// Hashes the blocks that are not all zero, each with its position: holes need not be read.
class SparseHasher
{
public:
    SparseHasher(): _state(XXH3_createState(), XXH3_freeState) { XXH3_128bits_reset(_state.get()); }

    void addBlock(std::uint64_t offset, const char* bytes, std::size_t size)
    {
        if (std::any_of(bytes, bytes + size, [](char byte) { return byte != 0; }))
        {
            XXH3_128bits_update(_state.get(), &offset, sizeof offset);
            XXH3_128bits_update(_state.get(), bytes, size);
        }
    }

    [[nodiscard]] std::string text() const
    {
        const XXH128_hash_t hash = XXH3_128bits_digest(_state.get());
        std::ostringstream out;
        out << std::hex << hash.high64 << '-' << hash.low64;
        return out.str();
    }

private:
    std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> _state;
};

std::string hashFile(const std::string& path)
{
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd)
    {
        return "unreadable";
    }
    SparseHasher hasher;
    std::vector<char> buffer(64 * kBlock);
    off_t at = 0;
    while ((at = ::lseek(fd.get(), at, SEEK_DATA)) >= 0)
    {
        at -= at % static_cast<off_t>(kBlock);
        const ssize_t got = ::pread(fd.get(), buffer.data(), buffer.size(), at);
        if (got <= 0)
        {
            break;
        }
        const auto size = static_cast<std::size_t>(got);
        for (std::size_t begin = 0; begin < size; begin += kBlock)
        {
            hasher.addBlock(static_cast<std::uint64_t>(at) + begin,
                            buffer.data() + begin,
                            std::min(kBlock, size - begin));
        }
        at += got;
    }
    return hasher.text();
}

std::string linkTarget(const std::string& path)
{
    std::array<char, 4096> target;
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    return length < 0 ? "vanished" : std::string(target.data(), static_cast<std::size_t>(length));
}

std::string describe(const SnapshotEntry& entry)
{
    std::ostringstream out;
    out << entry.kind << " mode " << std::oct << entry.mode << std::dec << " mtime "
        << entry.mtimeSeconds << '+' << entry.mtimeNanoseconds << "ns size " << entry.size << ' '
        << printable(entry.content);
    return out.str();
}

} // namespace

TreeSnapshot TreeSnapshot::take(const std::string& root, SnapshotDepth depth)
{
    TreeSnapshot snapshot;
    snapshot.walk(root, "", depth);
    return snapshot;
}

void TreeSnapshot::walk(const std::string& folder, const std::string& prefix, SnapshotDepth depth)
{
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(folder.c_str()), ::closedir);
    if (!listing)
    {
        return;
    }
    std::vector<std::string> names;
    while (const dirent* found = ::readdir(listing.get())) // NOLINT(concurrency-mt-unsafe)
    {
        const std::string name = found->d_name;
        if (name != "." && name != ".." && !(prefix.empty() && name == ".tidewire"))
        {
            names.push_back(name);
        }
    }
    for (const std::string& name : names)
    {
        std::string path = folder;
        path += '/';
        path += name;
        struct stat status = {};
        if (::lstat(path.c_str(), &status) != 0)
        {
            continue;
        }
        SnapshotEntry entry;
        entry.mode = status.st_mode & 0777U;
        if (S_ISDIR(status.st_mode))
        {
            entry.kind = 'd';
            _entries[prefix + name] = entry;
            walk(path, prefix + name + "/", depth);
            continue;
        }
        entry.mtimeSeconds = status.st_mtim.tv_sec;
        entry.mtimeNanoseconds = status.st_mtim.tv_nsec;
        if (S_ISREG(status.st_mode))
        {
            entry.kind = 'f';
            entry.size = static_cast<std::uint64_t>(status.st_size);
            entry.content = depth == SnapshotDepth::Content ? hashFile(path) : "";
        }
        else if (S_ISLNK(status.st_mode))
        {
            entry.kind = 'l';
            entry.mode = 0;
            entry.content = linkTarget(path);
        }
        if (entry.kind != '?')
        {
            _entries[prefix + name] = entry;
        }
    }
}

std::string TreeSnapshot::differenceTo(const TreeSnapshot& other) const
{
    std::vector<std::string> lines;
    for (const auto& [path, entry] : _entries)
    {
        const auto found = other._entries.find(path);
        if (found == other._entries.end())
        {
            lines.push_back("only left:  " + printable(path) + "  " + describe(entry));
        }
        else if (!(found->second == entry))
        {
            lines.push_back("different:  " + printable(path) + "\n    left   " + describe(entry) +
                            "\n    right  " + describe(found->second));
        }
    }
    for (const auto& [path, entry] : other._entries)
    {
        if (_entries.find(path) == _entries.end())
        {
            lines.push_back("only right: " + printable(path) + "  " + describe(entry));
        }
    }
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(lines.size(), 10); ++i)
    {
        text += lines[i] + "\n";
    }
    return lines.size() <= 10 ? text
                              : text + "and " + std::to_string(lines.size() - 10) + " more\n";
}

std::string treeDifference(const std::string& left, const std::string& right)
{
    for (const SnapshotDepth depth : {SnapshotDepth::Metadata, SnapshotDepth::Content})
    {
        std::string difference =
            TreeSnapshot::take(left, depth).differenceTo(TreeSnapshot::take(right, depth));
        if (!difference.empty())
        {
            return difference;
        }
    }
    return "";
}

} // namespace tidewire::e2e
