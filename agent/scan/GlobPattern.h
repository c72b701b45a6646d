// One compiled pattern of an ignore file: "*", "?", "[...]" and "**" over paths.

#pragma once

#include "agent/scan/BracketReader.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tidewire {

/// Matches as git's wildmatch() with WM_PATHNAME does: "*", "?" and "[...]" take no "/"; "**" takes
/// any bytes where it stands alone between slashes, a "**/" also nothing at all; elsewhere it is
/// "*". A bracket that is not closed, or an unknown class such as [:foo:], matches nothing.
///
/// Algorithm: all positions that the pattern can be in are followed at once (Thompson, "Regular
/// Expression Search Algorithm", 1968), so no pattern makes it go back.
///
/// Thread: constant after construction; then any.
class GlobPattern
{
public:
    /// Compiles `text`; what comes from an ignore file may be anything but NUL.
    explicit GlobPattern(std::string_view text);

    /// Whether the pattern takes the whole of `text`; false for one of more than kMaxPathBytes.
    ///
    /// Cost: at most bytes of text * bytes of pattern steps of a few instructions each, which are
    /// added to `*steps` when it is given; 3 KiB of stack, nothing else.
    [[nodiscard]] bool matches(std::string_view text, std::uint64_t* steps = nullptr) const;

private:
    /// Those from Star on take any number of bytes.
    enum class Kind : std::uint8_t
    {
        Byte,        ///< this byte
        AnyButSlash, ///< "?"
        Set,         ///< "[...]"
        Star,        ///< any number of bytes but "/"
        StarStar,    ///< any number of bytes
        Folders,     ///< "**/": nothing, or any bytes up to and with a "/"
    };
    struct Token
    {
        Kind kind = Kind::Byte;
        std::uint8_t byte = 0;
        std::uint32_t set = 0; ///< index into _sets
    };
    class States;

    /// Takes what stands at `position` and returns the position behind it. Sets _never when that
    /// cannot match.
    std::size_t compileOne(std::string_view text, std::size_t position);
    std::size_t compileStars(std::string_view text, std::size_t position);
    std::size_t compileSet(std::string_view text, std::size_t position);

    void enter(States& states, std::size_t position) const;
    void advance(std::size_t position, std::uint8_t byte, States& to) const;

    std::vector<Token> _tokens;
    std::vector<ByteSet> _sets;
    bool _never = false;
};

} // namespace tidewire
