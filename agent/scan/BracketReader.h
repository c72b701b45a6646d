// Reads the inside of "[...]" as git's wildmatch() does.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tidewire {

/// A set of bytes.
class ByteSet
{
public:
    void add(std::uint8_t byte) { _words[byte / 64U] |= bit(byte); }
    void remove(std::uint8_t byte) { _words[byte / 64U] &= ~bit(byte); }
    [[nodiscard]] bool has(std::uint8_t byte) const
    {
        return (_words[byte / 64U] & bit(byte)) != 0;
    }
    void invert()
    {
        for (std::uint64_t& word : _words)
        {
            word = ~word;
        }
    }

private:
    static std::uint64_t bit(std::uint8_t byte) { return std::uint64_t{1} << (byte % 64U); }

    std::array<std::uint64_t, 4> _words{};
};

/// Reads one bracket of a pattern: single bytes, ranges, classes such as [:alpha:], backslash
/// quotes; "!" or "^" at the start negates; a "]" right behind that stands for itself.
///
/// The pattern holds no NUL.
class BracketReader
{
public:
    /// `position` is that of the opening bracket. Borrows `text`.
    BracketReader(std::string_view text, std::size_t position): _text(text), _position(position) {}

    /// Fills `set`. False when the bracket is not closed or names a class that does not exist.
    bool read(ByteSet& set);

    /// That of the closing bracket, when read() gave true.
    [[nodiscard]] std::size_t position() const { return _position; }

private:
    [[nodiscard]] std::uint8_t at(std::size_t ahead) const;
    std::uint8_t quoted();
    bool readItem(ByteSet& set);
    bool readClass(ByteSet& set);

    std::string_view _text;
    std::size_t _position;
    std::size_t _close = 0;     ///< a "]" ahead: searching anew each time would be quadratic
    std::uint8_t _previous = 0; ///< where a range can begin; 0: nowhere
};

} // namespace tidewire
