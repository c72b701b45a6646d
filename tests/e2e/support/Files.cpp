// What people and programs do to files, with plain system calls.

#include "tests/e2e/support/Files.h"

#include "shared/base/UniqueFd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <random>
#include <system_error>

namespace tidewire::e2e {

namespace {

void check(bool isRight, const std::string& what)
{
    if (!isRight)
    {
        throw std::system_error(errno, std::generic_category(), what);
    }
}

void writeAll(int fd, std::string_view content, const std::string& path)
{
    while (!content.empty())
    {
        const ssize_t written = ::write(fd, content.data(), content.size());
        check(written >= 0, "write " + path);
        content.remove_prefix(static_cast<std::size_t>(written));
    }
}

UniqueFd openFile(const std::string& path, int flags)
{
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0644));
    check(static_cast<bool>(fd), "open " + path);
    return fd;
}

struct stat statOf(const std::string& path)
{
    struct stat status = {};
    check(::lstat(path.c_str(), &status) == 0, "lstat " + path);
    return status;
}

} // namespace

void writeFile(const std::string& path, std::string_view content)
{
    const UniqueFd fd = openFile(path, O_WRONLY | O_CREAT | O_TRUNC);
    writeAll(fd.get(), content, path);
}

void appendFile(const std::string& path, std::string_view content)
{
    const UniqueFd fd = openFile(path, O_WRONLY | O_CREAT | O_APPEND);
    writeAll(fd.get(), content, path);
}

void overwriteAt(const std::string& path, std::uint64_t offset, std::string_view content)
{
    const UniqueFd fd = openFile(path, O_WRONLY);
    check(::lseek(fd.get(), static_cast<off_t>(offset), SEEK_SET) >= 0, "lseek " + path);
    writeAll(fd.get(), content, path);
}

void replaceFile(const std::string& path, std::string_view content)
{
    writeFile(path + ".new", content);
    renamePath(path + ".new", path);
}

std::optional<std::string> readFile(const std::string& path)
{
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd)
    {
        return std::nullopt;
    }
    std::string content;
    std::array<char, 65536> piece;
    ssize_t got = 0;
    while ((got = ::read(fd.get(), piece.data(), piece.size())) > 0)
    {
        content.append(piece.data(), static_cast<std::size_t>(got));
    }
    return got < 0 ? std::nullopt : std::optional<std::string>(std::move(content));
}

void makeFolders(const std::string& path)
{
    std::filesystem::create_directories(path);
}

void removeTree(const std::string& path)
{
    std::filesystem::remove_all(path);
}

void renamePath(const std::string& from, const std::string& to)
{
    check(::rename(from.c_str(), to.c_str()) == 0, "rename " + from + " to " + to);
}

void changeMode(const std::string& path, unsigned mode)
{
    check(::chmod(path.c_str(), static_cast<mode_t>(mode)) == 0, "chmod " + path);
}

void resizeFile(const std::string& path, std::uint64_t size)
{
    check(::truncate(path.c_str(), static_cast<off_t>(size)) == 0, "truncate " + path);
}

void makeLink(const std::string& target, const std::string& path)
{
    check(::symlink(target.c_str(), path.c_str()) == 0, "symlink " + path);
}

void setMtime(const std::string& path, std::time_t seconds, long nanoseconds)
{
    const std::array<timespec, 2> times = {timespec{seconds, nanoseconds},
                                           timespec{seconds, nanoseconds}};
    check(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0,
          "utimensat " + path);
}

bool exists(const std::string& path)
{
    struct stat status = {};
    return ::lstat(path.c_str(), &status) == 0;
}

std::uint64_t sizeOf(const std::string& path)
{
    return static_cast<std::uint64_t>(statOf(path).st_size);
}

std::uint64_t allocatedBytes(const std::string& path)
{
    return static_cast<std::uint64_t>(statOf(path).st_blocks) * 512;
}

std::uint64_t inodeOf(const std::string& path)
{
    return statOf(path).st_ino;
}

unsigned modeOf(const std::string& path)
{
    return statOf(path).st_mode & 07777U;
}

std::size_t countNames(const std::string& folder, std::string_view part)
{
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
    {
        const std::string name = entry.path().filename().string();
        if (name != ".tidewire" && name.find(part) != std::string::npos)
        {
            ++count;
        }
    }
    return count;
}

std::string randomBytes(std::uint64_t seed, std::size_t size)
{
    std::mt19937_64 generator(seed);
    std::string bytes(size, '\0');
    for (std::size_t at = 0; at < size; at += 8)
    {
        std::uint64_t word = generator();
        for (std::size_t i = at; i < std::min(at + 8, size); ++i)
        {
            bytes[i] = static_cast<char>(word & 0xFFU);
            word >>= 8U;
        }
    }
    return bytes;
}

std::string textBytes(std::uint64_t seed, std::size_t size)
{
    static constexpr std::array<std::string_view, 16> kWords = {"temperature",
                                                                "kitchen",
                                                                "sensor",
                                                                "value",
                                                                "board",
                                                                "folder",
                                                                "is",
                                                                "the",
                                                                "reading",
                                                                "at",
                                                                "degree",
                                                                "status",
                                                                "normal",
                                                                "of",
                                                                "with",
                                                                "error"};

    std::mt19937_64 generator(seed);
    std::string text;
    text.reserve(size + 32);
    while (text.size() < size)
    {
        const std::uint64_t word = generator();
        text += kWords[word % kWords.size()];
        text += (word >> 8U) % 9 == 0 ? " " + std::to_string((word >> 16U) % 100000) + "\n" : " ";
    }
    text.resize(size);
    return text;
}

void writeRandomFile(const std::string& path, std::uint64_t seed, std::uint64_t size)
{
    static constexpr std::uint64_t kPiece = 1 << 20;

    const UniqueFd fd = openFile(path, O_WRONLY | O_CREAT | O_TRUNC);
    for (std::uint64_t at = 0; at < size; at += kPiece)
    {
        const auto length = static_cast<std::size_t>(std::min(kPiece, size - at));
        writeAll(fd.get(), randomBytes(seed + at, length), path);
    }
}

} // namespace tidewire::e2e
