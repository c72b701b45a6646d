// What is mounted where, from /proc/self/mountinfo.

#include "agent/watch/MountTable.h"

#include <algorithm>
#include <iterator>

namespace tidewire {

namespace {

constexpr std::size_t kMountPointField = 4;

bool isOctal(std::string_view digits)
{
    return digits.size() == 3 && digits[0] <= '3' &&
           std::ranges::all_of(digits, [](char digit) { return digit >= '0' && digit <= '7'; });
}

// Blank, tab, newline and backslash stand as \ooo.
std::string unescape(std::string_view text)
{
    std::string result;
    while (!text.empty())
    {
        const std::string_view digits = text.substr(1, 3);
        if (text.front() == '\\' && isOctal(digits))
        {
            const int value = (digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0');
            result += static_cast<char>(static_cast<unsigned char>(value));
            text.remove_prefix(4);
        }
        else
        {
            result += text.front();
            text.remove_prefix(1);
        }
    }
    return result;
}

std::string_view takeUpTo(std::string_view& text, char separator)
{
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view head = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return head;
}

bool isAtOrBelow(std::string_view path, std::string_view folder)
{
    return folder == "/" || path == folder ||
           (path.starts_with(folder) && path[folder.size()] == '/');
}

} // namespace

std::vector<Mount> parseMounts(std::string_view mountinfo)
{
    std::vector<Mount> mounts;
    while (!mountinfo.empty())
    {
        std::string_view line = takeUpTo(mountinfo, '\n');
        const std::string_view id = takeUpTo(line, ' ');
        for (std::size_t field = 1; field < kMountPointField; ++field)
        {
            takeUpTo(line, ' ');
        }
        const std::string_view path = takeUpTo(line, ' ');
        if (path.starts_with('/'))
        {
            mounts.push_back({std::string(id), unescape(path)});
        }
    }
    return mounts;
}

std::vector<Mount> mountsAround(const std::vector<Mount>& mounts, std::string_view folder)
{
    std::vector<Mount> around;
    std::ranges::copy_if(mounts, std::back_inserter(around), [&](const Mount& mount) {
        return isAtOrBelow(mount.path, folder) || isAtOrBelow(folder, mount.path);
    });
    return around;
}

} // namespace tidewire
