// What tests do with any FileSystem: whole files, whole trees.

#pragma once

#include "shared/base/Errors.h"
#include "shared/fs/FileSystem.h"

#include <string>
#include <string_view>
#include <vector>

namespace tidewire {

/// The checked path; std::invalid_argument when the text is none.
[[nodiscard]] RelativePath pathOf(std::string_view text);

/// Makes the folder and those above it, with mode 0755, where they are missing.
void makeFolders(FileSystem& fileSystem, const RelativePath& folder);

/// Replaces the content in place, or makes the file (mode 0644) and the folders above it.
void writeFile(FileSystem& fileSystem, std::string_view path, std::string_view text);
void appendFile(FileSystem& fileSystem, std::string_view path, std::string_view text);

[[nodiscard]] std::string readFile(FileSystem& fileSystem, std::string_view path);

/// Sorted names of a folder's entries.
[[nodiscard]] std::vector<std::string> listNames(FileSystem& fileSystem,
                                                 const RelativePath& folder);

/// Removes an entry and everything below it; nothing when it is missing.
void removeTree(FileSystem& fileSystem, const RelativePath& path);

/// One line per entry of the tree, sorted, but for the private folder: kind, mode, mtime of files,
/// path and content or target, so that equal trees give equal texts.
[[nodiscard]] std::string describeTree(FileSystem& fileSystem);

/// errno of the StorageError that `call` throws; 0 when it throws none.
template <typename Call>
int errorOf(Call call)
{
    try
    {
        call();
        return 0;
    }
    catch (const StorageError& error)
    {
        return error.code();
    }
}

} // namespace tidewire
