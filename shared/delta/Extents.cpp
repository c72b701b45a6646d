// Walks the data of a file and finds out when the file changes meanwhile.

#include "shared/delta/Extents.h"

#include "shared/base/Errors.h"

#include <algorithm>

namespace tidewire {

namespace {

[[noreturn]] void throwChanged()
{
    throw Error("changed while it was read");
}

} // namespace

Extent nextExtent(File& file, std::uint64_t offset, std::uint64_t limit)
{
    const std::uint64_t begin = offset < limit ? file.nextData(offset).value_or(limit) : limit;
    if (begin >= limit)
    {
        return {limit, limit};
    }
    const std::uint64_t end = file.nextHole(begin);
    if (begin < offset || end <= begin)
    {
        throwChanged();
    }
    return {begin, std::min(end, limit)};
}

void readFully(File& file, std::uint64_t offset, MutableByteView buffer)
{
    if (file.read(offset, buffer) != buffer.size())
    {
        throwChanged();
    }
}

void checkNotShorter(File& file, std::uint64_t size)
{
    if (file.stat().size < size)
    {
        throwChanged();
    }
}

} // namespace tidewire
