// Finds the piece of a recipe that yields a given byte of the content.

#pragma once

#include "shared/delta/OpAddress.h"
#include "shared/delta/Recipe.h"

#include <algorithm>

namespace tidewire {

/// The pieces of a recipe, merged, with the offset at which each begins.
///
/// Memory: 40 bytes for each piece.
class PieceIndex
{
public:
    explicit PieceIndex(const Recipe& recipe)
    {
        for (const Op& op : recipe)
        {
            appendOp(_pieces, op);
        }
        _begins.reserve(_pieces.size());
        for (const Op& piece : _pieces)
        {
            _begins.push_back(_size);
            _size += piece.length;
        }
    }

    /// Bytes of content.
    [[nodiscard]] std::uint64_t size() const { return _size; }

    [[nodiscard]] const Recipe& pieces() const { return _pieces; }

    /// Offset in the content at which piece `i` begins.
    [[nodiscard]] std::uint64_t begin(std::size_t i) const { return _begins[i]; }

    /// What the piece that holds byte `offset` (below size()) yields from there to its end.
    [[nodiscard]] Op at(std::uint64_t offset) const
    {
        const auto next = std::upper_bound(_begins.begin(), _begins.end(), offset);
        const auto i = static_cast<std::size_t>(next - _begins.begin()) - 1;
        return withoutFirst(_pieces[i], offset - _begins[i]);
    }

private:
    Recipe _pieces;
    std::vector<std::uint64_t> _begins;
    std::uint64_t _size = 0;
};

} // namespace tidewire
