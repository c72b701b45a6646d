// The bytes of a file in memory, with holes.

#include "tests/support/SparseContent.h"

#include <algorithm>

namespace tidewire {

std::size_t SparseContent::read(std::uint64_t offset, MutableByteView buffer) const
{
    if (offset >= _size)
    {
        return 0;
    }
    const auto total =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), _size - offset));
    std::size_t done = 0;
    while (done < total)
    {
        const std::uint64_t at = offset + done;
        const auto within = static_cast<std::size_t>(at % kPageBytes);
        const std::size_t count = std::min(total - done, kPageBytes - within);
        const auto page = _pages.find(at / kPageBytes);
        if (page == _pages.end())
        {
            std::fill_n(buffer.data() + done, count, std::uint8_t{0});
        }
        else
        {
            std::copy_n(page->second->data() + within, count, buffer.data() + done);
        }
        done += count;
    }
    return total;
}

SparseContent::Page& SparseContent::writablePage(std::uint64_t number)
{
    std::shared_ptr<Page>& page = _pages[number];
    if (!page)
    {
        page = std::make_shared<Page>();
    }
    else if (page.use_count() > 1)
    {
        page = std::make_shared<Page>(*page);
    }
    return *page;
}

void SparseContent::write(std::uint64_t offset, ByteView data)
{
    std::size_t done = 0;
    while (done < data.size())
    {
        const std::uint64_t at = offset + done;
        const auto within = static_cast<std::size_t>(at % kPageBytes);
        const std::size_t count = std::min(data.size() - done, kPageBytes - within);
        std::copy_n(data.data() + done, count, writablePage(at / kPageBytes).data() + within);
        done += count;
    }
    if (!data.empty())
    {
        _size = std::max<std::uint64_t>(_size, offset + data.size());
    }
}

void SparseContent::truncate(std::uint64_t size)
{
    if (size < _size)
    {
        const std::uint64_t last = size / kPageBytes;
        const auto kept = static_cast<std::size_t>(size % kPageBytes);
        _pages.erase(_pages.lower_bound(kept == 0 ? last : last + 1), _pages.end());
        if (kept != 0 && _pages.contains(last))
        {
            // What is cut off must not come back when the file grows again.
            Page& page = writablePage(last);
            std::fill(page.data() + kept, page.data() + kPageBytes, std::uint8_t{0});
        }
    }
    _size = size;
}

std::optional<std::uint64_t> SparseContent::nextData(std::uint64_t offset) const
{
    const auto page = _pages.lower_bound(offset / kPageBytes);
    if (offset >= _size || page == _pages.end())
    {
        return std::nullopt;
    }
    return std::max(offset, page->first * kPageBytes);
}

std::uint64_t SparseContent::nextHole(std::uint64_t offset) const
{
    std::uint64_t number = offset / kPageBytes;
    for (auto page = _pages.lower_bound(number); page != _pages.end() && page->first == number;
         ++page)
    {
        ++number;
    }
    return std::min(std::max(offset, number * kPageBytes), _size);
}

} // namespace tidewire
