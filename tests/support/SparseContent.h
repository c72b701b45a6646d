// The bytes of a file in memory, with holes.

#pragma once

#include "shared/base/Bytes.h"

#include <array>
#include <map>
#include <memory>
#include <optional>

namespace tidewire {

/// Pages of 4 KiB; what was never written takes no memory and reads as zeros. A copy shares its
/// pages until one side changes them, so that a snapshot is cheap.
class SparseContent
{
public:
    static constexpr std::size_t kPageBytes = 4096;

    [[nodiscard]] std::uint64_t size() const { return _size; }
    [[nodiscard]] std::size_t read(std::uint64_t offset, MutableByteView buffer) const;
    void write(std::uint64_t offset, ByteView data);
    void truncate(std::uint64_t size);

    /// As File::nextData and File::nextHole, in steps of whole pages.
    [[nodiscard]] std::optional<std::uint64_t> nextData(std::uint64_t offset) const;
    [[nodiscard]] std::uint64_t nextHole(std::uint64_t offset) const;

private:
    using Page = std::array<std::uint8_t, kPageBytes>;

    Page& writablePage(std::uint64_t number);

    std::map<std::uint64_t, std::shared_ptr<Page>> _pages;
    std::uint64_t _size = 0;
};

} // namespace tidewire
