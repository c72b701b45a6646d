// The difference of two recipes: interval arithmetic on the addresses of their bytes.

#include "shared/delta/OpAddress.h"
#include "shared/delta/PieceIndex.h"
#include "shared/delta/Recipe.h"

#include <algorithm>

namespace tidewire {

namespace {

/// Addresses [begin, end) are bytes of the base's content from `offset` on.
struct Segment
{
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t offset = 0;
};

/// Where the base has the bytes of an address.
class BaseMap
{
public:
    explicit BaseMap(const Recipe& base): _index(base) { makeSegments(); }

    /// `offset` of the base, if `address` stands there: how many bytes from there on are addressed
    /// one after the other; 0 otherwise.
    [[nodiscard]] std::uint64_t lengthAt(std::uint64_t offset, std::uint64_t address) const
    {
        if (offset >= _index.size())
        {
            return 0;
        }
        const Op piece = _index.at(offset);
        return piece.kind == OpKind::Data && addressOf(piece) == address ? piece.length : 0;
    }

    /// The first segment that ends behind `address`, or null.
    [[nodiscard]] const Segment* segmentBehind(std::uint64_t address) const
    {
        const auto found = std::upper_bound(
            _segments.begin(), _segments.end(), address, [](std::uint64_t value, const Segment& s) {
                return value < s.end;
            });
        return found == _segments.end() ? nullptr : &*found;
    }

private:
    // The base may hold the same bytes several times. The segments overlap nowhere: at each address
    // the one that began first goes on to its end, the next takes over there.
    void makeSegments()
    {
        std::vector<Segment> all;
        for (std::size_t i = 0; i < _index.pieces().size(); ++i)
        {
            const Op& piece = _index.pieces()[i];
            if (piece.kind == OpKind::Data)
            {
                const std::uint64_t begin = addressOf(piece);
                all.push_back({begin, begin + piece.length, _index.begin(i)});
            }
        }
        std::sort(all.begin(), all.end(), [](const Segment& a, const Segment& b) {
            return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
        });
        std::uint64_t covered = 0;
        for (const Segment& segment : all)
        {
            const std::uint64_t begin = std::max(segment.begin, covered);
            if (begin < segment.end)
            {
                _segments.push_back({begin, segment.end, segment.offset + begin - segment.begin});
                covered = segment.end;
            }
        }
    }

    PieceIndex _index;
    std::vector<Segment> _segments; ///< by address
};

/// Appends to a delta what one piece of the target takes.
class Differ
{
public:
    explicit Differ(const Recipe& base): _base(base) {}

    void add(const Op& piece)
    {
        if (piece.kind != OpKind::Data)
        {
            append(piece);
            return;
        }
        const std::uint64_t end = addressOf(piece) + piece.length;
        for (std::uint64_t address = addressOf(piece); address < end && !isTooLong();)
        {
            const Op op = best(address, end - address);
            append(op);
            address += op.length;
        }
    }

    [[nodiscard]] bool isTooLong() const { return _delta.size() > kMaxPieces; }
    [[nodiscard]] Delta& delta() { return _delta; }

private:
    [[nodiscard]] Op best(std::uint64_t address, std::uint64_t most) const
    {
        for (const std::uint64_t offset : {_copyEnd, _position})
        {
            if (const std::uint64_t length = _base.lengthAt(offset, address); length > 0)
            {
                return {OpKind::Copy, 0, offset, std::min(length, most)};
            }
        }
        const Segment* const segment = _base.segmentBehind(address);
        if (segment == nullptr)
        {
            return dataAt(address, most);
        }
        if (segment->begin > address)
        {
            return dataAt(address, std::min(most, segment->begin - address));
        }
        const std::uint64_t length = std::min(most, segment->end - address);
        return {OpKind::Copy, 0, segment->offset + (address - segment->begin), length};
    }

    void append(const Op& op)
    {
        appendOp(_delta, op);
        _position += op.length;
        if (op.kind == OpKind::Copy)
        {
            _copyEnd = op.offset + op.length;
        }
    }

    BaseMap _base;
    Delta _delta;
    std::uint64_t _position = 0; ///< in the target
    std::uint64_t _copyEnd = 0;  ///< in the base, where the last copy ended
};

} // namespace

Delta difference(const Recipe& base, const Recipe& target)
{
    const PieceIndex pieces(target);
    Differ differ(base);
    for (const Op& piece : pieces.pieces())
    {
        differ.add(piece);
        if (differ.isTooLong())
        {
            return pieces.pieces();
        }
    }
    return std::move(differ.delta());
}

} // namespace tidewire
