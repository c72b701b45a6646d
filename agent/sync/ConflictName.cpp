#include "agent/sync/ConflictName.h"

#include <Poco/DateTimeFormatter.h>
#include <Poco/Timestamp.h>

#include <string>

namespace tidewire {

namespace {

constexpr std::size_t kMaxExtensionBytes = 32;

/// The longest part of `text` of at most `limit` bytes that does not end inside a UTF-8 sequence.
std::string_view cutText(std::string_view text, std::size_t limit)
{
    if (text.size() <= limit)
    {
        return text;
    }
    std::size_t end = limit;
    while (end > 0 && limit - end < 4 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    {
        --end;
    }
    return text.substr(
        0, end == 0 || (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U ? limit : end);
}

} // namespace

RelativePath conflictName(const RelativePath& path,
                          std::int64_t wallSeconds,
                          std::string_view agent,
                          unsigned attempt)
{
    const std::string_view name = path.name();
    const std::size_t dot = name.rfind('.');
    const bool hasExtension = dot != std::string_view::npos && dot > 0 && dot + 1 < name.size() &&
                              name.size() - dot <= kMaxExtensionBytes;
    const std::string_view stem = hasExtension ? name.substr(0, dot) : name;
    const std::string_view extension = hasExtension ? name.substr(dot) : std::string_view();

    // Not fromEpochTime(): on 32-bit systems the library was built with another time_t than we are.
    const Poco::Timestamp time(wallSeconds * Poco::Timestamp::resolution());
    std::string middle = ".conflict-" + Poco::DateTimeFormatter::format(time, "%Y%m%d-%H%M%S") +
                         "-" + std::string(agent);
    if (attempt > 0)
    {
        middle += "-" + std::to_string(attempt + 1);
    }
    middle += extension;
    const std::string full = std::string(cutText(stem, kMaxNameBytes - middle.size())) + middle;
    const auto beside = RelativePath::join(path.parent(), full);
    return beside ? *beside : *RelativePath::join(RelativePath(), full);
}

} // namespace tidewire
