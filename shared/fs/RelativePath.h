// A checked path inside a share.

#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tidewire {

/// Longest name of one entry, in bytes (NAME_MAX of Linux).
inline constexpr std::size_t kMaxNameBytes = 255;

/// Longest path inside a share, in bytes (PATH_MAX of Linux less its NUL).
inline constexpr std::size_t kMaxPathBytes = 4095;

/// The folder in the root of a share that belongs to tidewire alone.
inline constexpr std::string_view kPrivateFolder = ".tidewire";

/// Names joined by '/', relative to the root of a share; empty for the root itself.
///
/// By construction it holds no empty name, no "." and "..", no NUL, no name over kMaxNameBytes and
/// is no longer than kMaxPathBytes. Names are bytes; any encoding, or none, will do. A path says
/// nothing about symbolic links: FileSystem refuses to follow them.
///
/// Paths are ordered by (folder, name) as the index and the scan are: the entries of one folder
/// stand together, sorted as bytes.
class RelativePath
{
public:
    /// The root.
    RelativePath() = default;

    /// Empty when `text` breaks a rule above. The empty text is the root.
    static std::optional<RelativePath> parse(std::string_view text);

    /// `folder`/`name`, or nothing when the name breaks a rule or the whole is too long.
    static std::optional<RelativePath> join(const RelativePath& folder, std::string_view name);

    [[nodiscard]] bool isRoot() const { return _text.empty(); }
    [[nodiscard]] const std::string& text() const { return _text; }

    /// The last name; empty for the root.
    [[nodiscard]] std::string_view name() const;

    /// Text of the folder that holds this entry; empty for entries of the root and the root itself.
    [[nodiscard]] std::string_view folder() const;

    /// The folder as a path.
    [[nodiscard]] RelativePath parent() const;

    /// True for kPrivateFolder and everything below it.
    [[nodiscard]] bool isPrivate() const;

    /// True when this is `folder` itself or lies below it. Everything lies below the root.
    [[nodiscard]] bool isWithin(const RelativePath& folder) const;

    friend bool operator==(const RelativePath&, const RelativePath&) = default;
    friend std::strong_ordering operator<=>(const RelativePath& a, const RelativePath& b);

private:
    explicit RelativePath(std::string text): _text(std::move(text)) {}

    std::string _text;
};

/// True for a name that RelativePath takes.
[[nodiscard]] bool isValidName(std::string_view name);

} // namespace tidewire

template <>
struct std::hash<tidewire::RelativePath>
{
    std::size_t operator()(const tidewire::RelativePath& path) const noexcept
    {
        return std::hash<std::string>{}(path.text());
    }
};
