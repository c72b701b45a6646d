// What people and programs do to files: the actions of the tests.

#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire::e2e {

// All of these throw std::system_error with the path when the call fails.

/// Creates or truncates, writes, closes.
void writeFile(const std::string& path, std::string_view content);

/// Writes at the end, closes.
void appendFile(const std::string& path, std::string_view content);

/// Writes in the middle without touching the rest, closes.
void overwriteAt(const std::string& path, std::uint64_t offset, std::string_view content);

/// Writes `PATH.new` and renames it over `path`.
void replaceFile(const std::string& path, std::string_view content);

/// The content, or nothing when there is no regular file.
[[nodiscard]] std::optional<std::string> readFile(const std::string& path);

/// All folders of the path that are missing.
void makeFolders(const std::string& path);

/// Removes a tree, whatever it is.
void removeTree(const std::string& path);

void renamePath(const std::string& from, const std::string& to);
void changeMode(const std::string& path, unsigned mode);
void resizeFile(const std::string& path, std::uint64_t size);
void makeLink(const std::string& target, const std::string& path);

/// Sets the mtime of the entry itself, also of a link.
void setMtime(const std::string& path, std::time_t seconds, long nanoseconds);

/// True for anything at the path, a dangling link included.
[[nodiscard]] bool exists(const std::string& path);

[[nodiscard]] std::uint64_t sizeOf(const std::string& path);
[[nodiscard]] std::uint64_t allocatedBytes(const std::string& path);
[[nodiscard]] std::uint64_t inodeOf(const std::string& path);

/// Bits below 07777.
[[nodiscard]] unsigned modeOf(const std::string& path);

/// Names in a folder but ".tidewire" for which the text occurs in the name.
[[nodiscard]] std::size_t countNames(const std::string& folder, std::string_view part);

/// Incompressible bytes; the same for the same seed.
[[nodiscard]] std::string randomBytes(std::uint64_t seed, std::size_t size);

/// Lines of words that compress about fourfold; the same for the same seed.
[[nodiscard]] std::string textBytes(std::uint64_t seed, std::size_t size);

/// Writes randomBytes() of any size without holding them in memory.
void writeRandomFile(const std::string& path, std::uint64_t seed, std::uint64_t size);

} // namespace tidewire::e2e
